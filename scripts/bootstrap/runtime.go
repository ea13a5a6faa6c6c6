// Package bootstrap drives the programs that ship, as Lambda would: a stand-in
// of the Runtime API gives a bootstrap one payload after the other and takes
// its answers.
package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// answer is what a function gave back for one payload.
type answer struct {
	// failed tells whether it came as an error.
	failed bool
	body   []byte
}

// runtimeAPI is the Runtime API of one sandbox, as far as the Go runtime client
// uses it: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, read 2026-11.
type runtimeAPI struct {
	timeout  time.Duration
	payloads chan []byte
	answers  chan answer
	// asked is closed when the function has asked for its first payload.
	asked chan struct{}
	first bool
	count int
}

func newRuntimeAPI(timeout time.Duration) *runtimeAPI {
	return &runtimeAPI{timeout: timeout, payloads: make(chan []byte), answers: make(chan answer, 1), asked: make(chan struct{}), first: true}
}

func (a *runtimeAPI) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) { a.take(w, r, false) })
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) { a.take(w, r, true) })
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(w http.ResponseWriter, r *http.Request) { a.take(w, r, true) })
	// A function that wants SIGTERM registers itself as an extension, and waits.
	mux.HandleFunc("POST /2020-01-01/extension/register", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Lambda-Extension-Identifier", "sigterm")
		_, _ = io.WriteString(w, "{}")
	})
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	return mux
}

// next is asked by one goroutine of the function only.
func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	if a.first {
		a.first = false
		close(a.asked)
	}
	select {
	case <-r.Context().Done():
	case payload := <-a.payloads:
		a.count++
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-"+fmt.Sprintf("%012d", a.count))
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(a.timeout).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:000000000000:function:test")
		_, _ = w.Write(payload)
	}
}

func (a *runtimeAPI) take(w http.ResponseWriter, r *http.Request, failed bool) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.answers <- answer{failed: failed, body: body}
	w.WriteHeader(http.StatusAccepted)
}

// invoke gives the function a payload and waits for its answer. ended is closed
// when the function's process has ended.
func (a *runtimeAPI) invoke(ctx context.Context, ended <-chan struct{}, payload []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	select {
	case a.payloads <- payload:
	case <-ended:
		return answer{}, errors.New("the function has ended")
	case <-ctx.Done():
		return answer{}, errors.New("the function did not ask for a payload in time")
	}
	select {
	case got := <-a.answers:
		return got, nil
	case <-ended:
		return answer{}, errors.New("the function ended instead of answering")
	case <-ctx.Done():
		return answer{}, errors.New("the function did not answer in time")
	}
}
