package publishing

import (
	"context"
	"slices"
	"sync"
	"time"

	"rostrum/shared/outbox"
	"rostrum/shared/store"
)

const (
	// groupLimit bounds how much one commit carries.
	groupLimit = 100
	// groupsAtOnce is how many groups are on their way together: one alone leaves
	// the database idle while its answers travel; many would be groups of one.
	groupsAtOnce = 3
	// groupTimeout bounds one commit, whoever waits for it.
	groupTimeout = 15 * time.Second
)

// committer commits the intents and results of posts in flight in one process
// together. It holds nobody up: while some commits are on their way to the disk,
// the next group forms behind them, and its first member leads it. There is no
// goroutine of its own, so nothing is left running when a function returns.
type committer struct {
	mu      sync.Mutex
	waiting []*member
	running int
}

type member struct {
	order string
	fn    func(context.Context, *store.Tx) error
	err   error
	// done is closed when the member's work is committed or has failed; lead
	// is closed when it has to commit group, which it is in itself.
	done, lead chan struct{}
	group      []*member
}

// do runs fn in a transaction that it may share with others and returns when
// that is over. fn may run more than once and must not have effects beyond the
// transaction. The error is fn's own or that of the commit.
func (c *committer) do(ctx context.Context, relay *outbox.Relay, order string, fn func(context.Context, *store.Tx) error) error {
	m := &member{order: order, fn: fn, done: make(chan struct{}), lead: make(chan struct{})}
	c.mu.Lock()
	c.waiting = append(c.waiting, m)
	if c.running < groupsAtOnce {
		c.running++
		c.promote()
	}
	c.mu.Unlock()
	select {
	case <-m.done:
	case <-m.lead:
		c.commit(ctx, relay, m.group)
	}
	return m.err
}

// promote makes the first that waits the leader of all that wait, as far as one
// group goes. The caller holds the lock, and something waits.
func (c *committer) promote() {
	n := min(len(c.waiting), groupLimit)
	leader := c.waiting[0]
	leader.group = slices.Clone(c.waiting[:n])
	c.waiting = slices.Delete(c.waiting, 0, n)
	close(leader.lead)
}

// commit commits a group and hands the lead on.
func (c *committer) commit(ctx context.Context, relay *outbox.Relay, group []*member) {
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.waiting) > 0 {
			c.promote()
		} else {
			c.running--
		}
		for _, m := range group {
			close(m.done)
		}
	}()
	// The leader commits for others, whose invocations may have longer to live.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), groupTimeout)
	defer cancel()
	slices.SortFunc(group, func(a, b *member) int { return compare(a.order, b.order) })
	if len(group) > 1 && together(ctx, relay, group) == nil {
		return
	}
	for _, m := range group {
		m.err = relay.Across(ctx, m.fn)
	}
}

// together commits the whole group or nothing.
func together(ctx context.Context, relay *outbox.Relay, group []*member) error {
	return relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, m := range group {
			if err := m.fn(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
