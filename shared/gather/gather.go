// Package gather lets those who come in one moment share one piece of work: one
// commit, one read, one call. It holds nobody up: while some groups are under
// way the next one forms behind them, and its first member leads it. There is
// no goroutine of its own, so nothing is left running when a function returns
// (infra/decisions/0004). Where the members belong to tenants, one tenant's many
// do not make another's few wait (infra/decisions/0015).
package gather

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

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
	// share is the part of a group that one tenant may fill, and twice that of
	// what is on its way in all groups: a group lasts as long as what it carries.
	share = 4
	// lanes are opened beside AtOnce while a tenant has an eighth of a group's worth
	// on the way, for those of which fewer than light members are: they wait for no
	// group that another has filled.
	lanes = 2
	light = 10
	heavy = 8
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
	// onWay counts each tenant's members in the groups that run; loud, how many
	// tenants have so many that others get lanes.
	onWay map[uuid.UUID]int
	loud  int
}

type member[In, Out any] struct {
	in     In
	tenant uuid.UUID
	out    Out
	err    error
	// done is closed when the member's work is over; lead is closed when it has
	// to run group, which it is in itself.
	done, lead chan struct{}
	group      []*member[In, Out]
	taken      bool
}

// Do has in worked on by run, together with what others ask for in the same
// moment, and returns when that is over. tenant is whose it is; what is uuid.Nil's
// has no share to keep to. run answers in the order of what it is
// given. When it fails for a group, it runs again for each member alone, so that
// one that cannot be served fails alone: run must bear being called again for
// the same input. It may be called with another member's context, never ended
// by it, and with 15 s for the whole group.
func (g *Group[In, Out]) Do(ctx context.Context, tenant uuid.UUID, in In, run func(context.Context, []In) ([]Out, error)) (Out, error) {
	m := &member[In, Out]{in: in, tenant: tenant, done: make(chan struct{}), lead: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, m)
	// Who must wait changes nothing for those who do already.
	if g.may(m, 0) {
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

// promote begins a group of those that wait, if it is time for one: its first
// member leads. The caller holds the lock.
func (g *Group[In, Out]) promote() {
	group := g.next()
	if len(group) == 0 {
		return
	}
	g.begin(group)
	group[0].group = group
	close(group[0].lead)
}

// next chooses the members of the next group: the first of each tenant that
// waits, then the second of each, as far as a group goes and a tenant's share.
func (g *Group[In, Out]) next() []*member[In, Out] {
	turns := map[uuid.UUID]int{}
	var rounds [][]*member[In, Out]
	for _, m := range g.waiting {
		turn := turns[m.tenant]
		if !g.may(m, turn) {
			continue
		}
		turns[m.tenant]++
		if turn == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[turn] = append(rounds[turn], m)
	}
	var group []*member[In, Out]
	for _, round := range rounds {
		group = append(group, round[:min(len(round), g.limit()-len(group))]...)
	}
	return group
}

// may reports whether a member may go with a group that begins now and has so
// many of its tenant already.
func (g *Group[In, Out]) may(m *member[In, Out], have int) bool {
	beside := g.running - orDefault(g.AtOnce, defaultAtOnce)
	switch {
	case beside >= lanes:
		return false
	case m.tenant == uuid.Nil:
		return beside < 0
	case beside >= 0:
		return g.loud > 0 && g.onWay[m.tenant]+have < light
	}
	return have < g.part() && g.onWay[m.tenant]+have < 2*g.part()
}

func (g *Group[In, Out]) limit() int { return orDefault(g.Limit, defaultLimit) }

// part is the share of a group that one tenant may fill.
func (g *Group[In, Out]) part() int { return max(g.limit()/share, 1) }

// count adds one to what a tenant has on its way, or takes one off.
func (g *Group[In, Out]) count(tenant uuid.UUID, by int) {
	was := g.onWay[tenant]
	if g.onWay[tenant] = was + by; was+by == 0 {
		delete(g.onWay, tenant)
	}
	if tenant != uuid.Nil && max(was, was+by) == max(g.limit()/heavy, 1) {
		g.loud += by
	}
}

// begin takes a group's members out of the line.
func (g *Group[In, Out]) begin(group []*member[In, Out]) {
	g.running++
	if g.onWay == nil {
		g.onWay = map[uuid.UUID]int{}
	}
	for _, m := range group {
		m.taken = true
		g.count(m.tenant, 1)
	}
	g.waiting = slices.DeleteFunc(g.waiting, func(m *member[In, Out]) bool { return m.taken })
}

// end is begin's opposite, once the group has been served.
func (g *Group[In, Out]) end(group []*member[In, Out]) {
	g.running--
	for _, m := range group {
		g.count(m.tenant, -1)
	}
	g.promote()
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
		g.end(group)
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
