package store

import (
	"context"
	"fmt"
	"time"
)

// Stock is what somebody may have to look after, over all workspaces.
type Stock struct {
	// Held is how many posts are due and held by something.
	Held int64
	// Unknown is how many posts are unknown; NeedPerson how many of them wait for
	// somebody to decide. The ages are those of the oldest, 0 where there is none.
	Unknown, NeedPerson       int64
	UnknownAge, NeedPersonAge time.Duration
	// BreakersOpen is how many breakers keep posts back that are due.
	BreakersOpen int64
}

// TakeStock counts. It needs the worker role.
func (tx *Tx) TakeStock(ctx context.Context) (Stock, error) {
	row, err := tx.q.TakeStock(ctx)
	if err != nil {
		return Stock{}, fmt.Errorf("take stock of posts: %w", classify(err))
	}
	return Stock{
		Held: row.Held, Unknown: row.Unknown, NeedPerson: row.NeedPerson,
		UnknownAge: seconds(row.UnknownAgeSeconds), NeedPersonAge: seconds(row.NeedPersonAgeSeconds),
		BreakersOpen: row.BreakersOpen,
	}, nil
}
