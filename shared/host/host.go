package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
)

// Options is what a host is made from.
type Options struct {
	// Functions are the functions to run, by name. Those of the template that
	// are missing here are not run, and neither are their queues and schedules.
	Functions map[string]lambda.Handler
	// SQS and QueueURLs, the addresses by logical id, are needed when one of the
	// functions consumes a queue.
	SQS       *sqs.Client
	QueueURLs map[string]string
	// ScheduleURLs are the queues that EventBridge's rules fill with the inputs
	// of a function's schedules, by the function's name. The schedules of the
	// functions that are not named here run by this host's own clock.
	ScheduleURLs map[string]string
	// Listener takes the HTTP requests when one of the functions answers them.
	Listener net.Listener
	// Beside answers the requests under a path ("/files/") without a function,
	// as a bucket beside API Gateway does: its limits do not hold there.
	Beside map[string]http.Handler
	// Grace is how long invocations may go on after Run was told to stop; then
	// their context ends, and they have the same time again to return.
	Grace  time.Duration
	Clock  clock.Clock
	Logger *slog.Logger
}

// Host runs functions.
type Host struct {
	template *Template
	options  Options
	running  atomic.Int64
}

// New checks that the options hold what the functions need. Errors: Invalid.
func New(t *Template, o Options) (*Host, error) {
	known := map[string]bool{}
	for _, f := range t.Functions {
		if o.Functions[f.Name] == nil {
			continue
		}
		known[f.Name] = true
		if f.HTTP && o.Listener == nil {
			return nil, apperr.New(apperr.Invalid, "no_listener", "function %s answers HTTP, and there is no listener", f.Name)
		}
		for _, s := range f.Sources {
			if o.SQS == nil || o.QueueURLs[s.Queue] == "" {
				return nil, apperr.New(apperr.Invalid, "no_queue", "function %s consumes %s, which has no address", f.Name, s.Queue)
			}
		}
	}
	for name := range o.Functions {
		if !known[name] {
			return nil, apperr.New(apperr.Invalid, "unknown_function", "the template has no function %s", name)
		}
	}
	return &Host{template: t, options: o}, nil
}

// Run serves until ctx ends, then stops in order: it takes nothing new, lets what
// runs finish within the grace period, and then ends its context. It returns nil
// after a clean stop; an error when it could not start, when the listener broke,
// or when an invocation did not even return after its context had ended.
func (h *Host) Run(ctx context.Context) error {
	// Invocations outlive ctx: it only says when to take nothing new.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	var parts sync.WaitGroup
	for _, f := range h.template.Functions {
		handler := h.options.Functions[f.Name]
		if handler == nil {
			continue
		}
		invoke := h.invoker(f, handler)
		if f.HTTP {
			parts.Go(func() {
				if err := h.serve(ctx, work, invoke); err != nil {
					stop(err)
				}
			})
		}
		for _, s := range f.Sources {
			parts.Go(func() { h.poll(ctx, work, f, s, invoke) })
		}
		if url := h.options.ScheduleURLs[f.Name]; url != "" {
			parts.Go(func() { h.follow(ctx, work, f, url, invoke) })
			continue
		}
		for _, s := range f.Schedules {
			parts.Go(func() { h.schedule(ctx, work, f, s, invoke) })
		}
	}
	<-ctx.Done()
	if !h.stopped(&parts, cancel) {
		return fmt.Errorf("%d invocations have not returned", h.running.Load())
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// stopped waits for everything to end: one grace period by itself, and another
// one after its context has been ended.
func (h *Host) stopped(parts *sync.WaitGroup, cancel context.CancelFunc) bool {
	ended := make(chan struct{})
	go func() {
		parts.Wait()
		close(ended)
	}()
	first, second := time.NewTimer(h.options.Grace), time.NewTimer(2*h.options.Grace)
	defer first.Stop()
	defer second.Stop()
	// Functions that overran their timeout are no part's any more, but run.
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ended:
			ended = nil
		case <-look.C:
			if ended == nil && h.running.Load() == 0 {
				return true
			}
		case <-first.C:
			cancel()
		case <-second.C:
			return false
		}
	}
}

// serve answers HTTP until ctx ends, and then until the requests that run have
// been answered.
func (h *Host) serve(ctx, work context.Context, invoke invokeFunc) error {
	mux := http.NewServeMux()
	mux.Handle("/", h.handler(work, invoke))
	for path, handler := range h.options.Beside {
		mux.Handle(path, handler)
	}
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(h.options.Logger.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() { failed <- server.Serve(h.options.Listener) })
	defer wg.Wait()
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	// work ends this wait when the grace period is over.
	if err := server.Shutdown(work); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}
