// Package gather lets those who come in one moment share one piece of work: one
// commit, one read, one call. It holds nobody up: while some groups are under
// way the next one forms behind them, and its first member leads it. There is
// no goroutine of its own, so nothing is left running when a function returns
// (infra/decisions/0004).
package gather

import (
	"context"
	"slices"
	"sync"
	"time"

	"rostrum/shared/apperr"
)

const (
	// defaultLimit bounds how much one group carries.
	defaultLimit = 100
	// defaultAtOnce is how many groups are on their way together: one alone
	// leaves the other side idle while its answers travel; many would be groups
	// of one.
	defaultAtOnce = 2
	// patience bounds one group's work, whoever waits for it.
	patience = 15 * time.Second
)

// Group gathers work of one kind. Its zero value is ready. It is safe for
// concurrent use.
type Group[In, Out any] struct {
	// Limit is the most members of one group; 0 is 100.
	Limit int
	// AtOnce is how many groups run together; 0 is 2.
	AtOnce int

	mu      sync.Mutex
	waiting []*member[In, Out]
	running int
}

type member[In, Out any] struct {
	in  In
	out Out
	err error
	// done is closed when the member's work is over; lead is closed when it has
	// to run group, which it is in itself.
	done, lead chan struct{}
	group      []*member[In, Out]
}

// Do has in worked on by run, together with what others ask for in the same
// moment, and returns when that is over. run answers in the order of what it is
// given. When it fails for a group, it runs again for each member alone, so that
// one that cannot be served fails alone: run must bear being called again for
// the same input. It may be called with another member's context, never ended
// by it, and with 15 s for the whole group.
func (g *Group[In, Out]) Do(ctx context.Context, in In, run func(context.Context, []In) ([]Out, error)) (Out, error) {
	m := &member[In, Out]{in: in, done: make(chan struct{}), lead: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, m)
	if g.running < orDefault(g.AtOnce, defaultAtOnce) {
		g.running++
		g.promote()
	}
	g.mu.Unlock()
	select {
	case <-m.done:
	case <-m.lead:
		g.serve(ctx, m.group, run)
	}
	return m.out, m.err
}

// promote makes the first that waits the leader of all that wait, as far as one
// group goes. The caller holds the lock, and something waits.
func (g *Group[In, Out]) promote() {
	n := min(len(g.waiting), orDefault(g.Limit, defaultLimit))
	leader := g.waiting[0]
	leader.group = slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	close(leader.lead)
}

// serve runs a group and hands the lead on.
func (g *Group[In, Out]) serve(ctx context.Context, group []*member[In, Out], run func(context.Context, []In) ([]Out, error)) {
	for _, m := range group {
		// What stands if run panics: nobody may take that for a success.
		m.err = apperr.New(apperr.Internal, "group_broke", "the work shared with others ended without an answer")
	}
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if len(g.waiting) > 0 {
			g.promote()
		} else {
			g.running--
		}
		for _, m := range group {
			close(m.done)
		}
	}()
	// The leader works for others, whose invocations may have longer to live.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if len(group) > 1 && together(ctx, group, run) {
		return
	}
	for _, m := range group {
		var outs []Out
		if outs, m.err = run(ctx, []In{m.in}); m.err == nil {
			m.out = outs[0]
		}
	}
}

// together serves the whole group or nothing, and reports which.
func together[In, Out any](ctx context.Context, group []*member[In, Out], run func(context.Context, []In) ([]Out, error)) bool {
	ins := make([]In, len(group))
	for i, m := range group {
		ins[i] = m.in
	}
	outs, err := run(ctx, ins)
	if err != nil {
		return false
	}
	for i, m := range group {
		m.out, m.err = outs[i], nil
	}
	return true
}

func orDefault(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}
