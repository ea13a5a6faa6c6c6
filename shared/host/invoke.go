package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/uuid"
)

// The limits of a synchronous invocation's payloads:
// docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, read 2026-11.
const (
	maxRequestPayload  = 6 << 20
	maxResponsePayload = 6<<20 + 100
)

// The ways in which an invocation fails beside the function's own error.
var (
	errTimeout  = errors.New("the function ran into its timeout")
	errPanic    = errors.New("the function panicked")
	errTooLarge = errors.New("the function's answer is larger than 6 MB")
)

// invokeFunc runs one invocation and returns its answer. released is called once
// the function has really returned, which is later than invokeFunc does when the
// function overran its timeout.
type invokeFunc func(ctx context.Context, payload []byte, released func()) ([]byte, error)

// outcome is how a function ended.
type outcome struct {
	answer []byte
	err    error
}

// invoker returns what invokes a function as Lambda would: with a deadline, a
// request id, and nothing that a panic or an overrun could take down with it.
func (h *Host) invoker(f Function, handler lambda.Handler) invokeFunc {
	return func(ctx context.Context, payload []byte, released func()) ([]byte, error) {
		id := uuid.NewString()
		ctx, cancel := context.WithTimeout(ctx, f.Timeout)
		ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
			AwsRequestID:       id,
			InvokedFunctionArn: "arn:aws:lambda:local:000000000000:function:" + f.LogicalID,
		})
		log := h.options.Logger.With(slog.String("function", f.Name), slog.String("request_id", id))
		ended := make(chan outcome, 1)
		h.running.Add(1)
		go func() {
			o := outcome{err: errPanic}
			defer func() {
				ended <- o
				cancel()
				h.running.Add(-1)
				released()
			}()
			o = protect(ctx, handler, payload, log)
		}()
		select {
		case o := <-ended:
			return finish(ctx, o, log)
		case <-ctx.Done():
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			// A function that heeds its context returns about now, a moment too
			// late for Lambda; it is not waited for.
			log.LogAttrs(ctx, slog.LevelError, "function overran its timeout", slog.Duration("timeout", f.Timeout))
			return nil, errTimeout
		}
		// The host is stopping and has ended the context early: what the function
		// answers to that still counts.
		return finish(ctx, <-ended, log)
	}
}

// protect invokes the handler and turns a panic into an error.
func protect(ctx context.Context, handler lambda.Handler, payload []byte, log *slog.Logger) (o outcome) {
	o.err = errPanic
	defer func() {
		if p := recover(); p != nil {
			log.LogAttrs(ctx, slog.LevelError, "function panicked",
				slog.String("panic", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
		}
	}()
	answer, err := handler.Invoke(ctx, payload)
	return outcome{answer, err}
}

func finish(ctx context.Context, o outcome, log *slog.Logger) ([]byte, error) {
	if o.err != nil {
		if !errors.Is(o.err, errPanic) {
			log.LogAttrs(ctx, slog.LevelError, "function failed", slog.String("error", o.err.Error()))
		}
		return nil, o.err
	}
	if len(o.answer) > maxResponsePayload {
		log.LogAttrs(ctx, slog.LevelError, "function's answer is too large", slog.Int("bytes", len(o.answer)))
		return nil, errTooLarge
	}
	return o.answer, nil
}
