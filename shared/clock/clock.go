// Package clock makes time an input. Code that needs the time takes a Clock;
// only System reads the machine's.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time. Its zone is anybody's: what shows a time to somebody, or
// takes the day or the hour from it, asks for UTC first.
type Clock interface {
	Now() time.Time
	// Wait returns when d has passed, or earlier with the context's error. A d
	// that is not positive returns at once.
	Wait(ctx context.Context, d time.Duration) error
}

// System is the machine's clock. Its times carry the monotonic reading, so
// differences of two of them survive a wall clock that is set; [time.Time.UTC]
// would drop it.
type System struct{}

// Now returns the machine's time.
func (System) Now() time.Time { return now() }

// Wait is the package's: it waits on the monotonic clock.
func (System) Wait(ctx context.Context, d time.Duration) error { return Wait(ctx, d) }

// Fake is a clock that moves only when told to. It is safe for concurrent use.
type Fake struct {
	mu  sync.Mutex
	now time.Time
}

// NewFake returns a clock that stands at t.
func NewFake(t time.Time) *Fake { return &Fake{now: t.UTC()} }

// Now returns where the clock stands.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Wait is the package's: whoever waits for a queue or a server beside a Fake
// waits for real, and the Fake does not move.
func (*Fake) Wait(ctx context.Context, d time.Duration) error { return Wait(ctx, d) }

// Advance moves the clock forward by d.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// Wait returns after d on the monotonic clock, or earlier with the context's
// error. A d that is not positive returns at once.
func Wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
