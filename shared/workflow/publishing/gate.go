package publishing

import (
	"context"
	"sync"

	"rostrum/shared/apperr"
)

// readsAtOnce is how many posts of one process are read at the same time. A
// pool gives its connections first come, first served: without a gate a
// thousand messages that were just received stand before the one commit for
// which a hundred posts wait whose second it is.
const readsAtOnce = 3

// gate lets a few in at a time. Its zero value is ready.
type gate struct {
	once  sync.Once
	slots chan struct{}
}

// enter waits for its turn and returns what ends it. Errors: Unavailable when
// the invocation's time ran out before.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	g.once.Do(func() { g.slots = make(chan struct{}, readsAtOnce) })
	select {
	case g.slots <- struct{}{}:
		return func() { <-g.slots }, nil
	case <-ctx.Done():
		return nil, apperr.New(apperr.Unavailable, "out_of_time", "the invocation ended before the post was read").WithCause(ctx.Err())
	}
}
