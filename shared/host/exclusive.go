package host

import (
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-lambda-go/lambda"
)

// NewHandler is lambda.NewHandler for a function that is invoked many times at
// once, as only a host outside Lambda does. The library's own handler (v1.55.1)
// gives its answer's buffer back to a pool before the caller has read it: harmless
// in a sandbox, which holds one invocation at a time, but two invocations at once
// may read each other's answers. Here every invocation has a handler, and so a
// pool, to itself until its answer is copied.
func NewHandler(function any) lambda.Handler {
	return &exclusive{function: function}
}

type exclusive struct {
	function any
	idle     sync.Pool // of lambda.Handler
}

// Invoke runs the function once. A handler whose function panicked is not used again.
func (e *exclusive) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	handler, ok := e.idle.Get().(lambda.Handler)
	if !ok {
		handler = lambda.NewHandler(e.function)
	}
	answer, err := handler.Invoke(ctx, payload)
	answer = slices.Clone(answer)
	e.idle.Put(handler)
	return answer, err //nolint:wrapcheck // the function's own error, which the host reports as such
}
