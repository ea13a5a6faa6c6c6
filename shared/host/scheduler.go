package host

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// longestNap bounds one wait for the next firing of a cron. The wall clock can be
// set, and a laptop's timers stand still while it sleeps; both show at the next
// look.
const longestNap = 30 * time.Second

// schedule fires one rule until ctx ends, and returns when what it fired has
// ended. A rate fires at once and then each period, so that a fresh start has its
// first tick without a wait; on AWS the first comes somewhere in the first
// period. The payload is the rule's Input, verbatim, as EventBridge passes it.
//
// A firing is left out while the one before it still runs, since a function that
// hangs cannot be killed here: a tick is a hint, and the next one does its work.
func (h *Host) schedule(ctx, work context.Context, f Function, s Schedule, invoke invokeFunc) {
	log := h.options.Logger.With(slog.String("function", f.Name), slog.String("schedule", s.Name))
	var busy atomic.Bool
	var runs sync.WaitGroup
	defer runs.Wait()
	started := h.options.Clock.Now()
	at, ok := s.when.next(started, started.Add(-1))
	for ok && h.sleepUntil(ctx, at) {
		if busy.CompareAndSwap(false, true) {
			// What goes wrong has been logged by the invocation, and is the next
			// firing's to mend.
			runs.Go(func() { _, _ = invoke(work, s.Input, func() { busy.Store(false) }) })
		} else {
			log.LogAttrs(ctx, slog.LevelWarn, "schedule skipped: the run before has not ended")
		}
		at, ok = s.when.next(started, h.options.Clock.Now())
	}
}

// sleepUntil waits for the moment and reports whether it came before ctx ended.
func (h *Host) sleepUntil(ctx context.Context, at time.Time) bool {
	for {
		left := at.Sub(h.options.Clock.Now())
		if left <= 0 {
			return ctx.Err() == nil
		}
		timer := time.NewTimer(min(left, longestNap))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}
