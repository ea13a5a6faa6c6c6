package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/apperr"
)

// races lets people cancel, edit and pause at the very second at which posts
// are due, each at a moment of its own. Judged: I3 and I4 (what was withdrawn
// before its intent is never seen, no intent follows a pause), I1, I2, I5, I7.
func races(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 4, nil)
	if err != nil {
		return err
	}
	each := 15
	if !r.suite.short {
		each = 60
	}
	due := time.Now().Add(time.Duration(each/5+2) * time.Second).Truncate(time.Second)
	var posts []*arena.Post
	for _, acc := range accounts {
		made, err := a.Schedule(ctx, acc, due, r.contents(each, 1)...)
		if err != nil {
			return err
		}
		posts = append(posts, made...)
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	errs := make(chan error, len(posts)+1)
	var wg sync.WaitGroup
	for i, p := range posts {
		act := due.Add(time.Duration(r.intN(1200)-300) * time.Millisecond)
		text := r.text()
		wg.Go(func() {
			arena.Pause(ctx, time.Until(act))
			var err error
			switch i % 3 {
			case 0:
				err = a.Cancel(ctx, p)
			case 1:
				_, err = a.Edit(ctx, p, []string{text}, time.Now().Add(2*time.Second))
			}
			if err != nil && !apperr.Is(err, apperr.Conflict) {
				errs <- err
			}
		})
	}
	paused := accounts[0]
	wg.Go(func() {
		arena.Pause(ctx, time.Until(due.Add(time.Duration(r.intN(400))*time.Millisecond)))
		if err := r.pauseAndCheck(ctx, a, paused); err != nil {
			errs <- err
		}
	})
	wg.Wait()
	close(errs)
	for err := range errs {
		return err
	}
	return r.recovered(ctx, a, settleWithin, 0)
}

// pauseAndCheck pauses an account and demands that no intent commits after it.
func (r *trial) pauseAndCheck(ctx context.Context, a *arena.Arena, acc *arena.Account) error {
	id := uuid.UUID(acc.ID)
	if err := a.Exec(ctx, "UPDATE accounts SET paused_at = clock_timestamp() WHERE id = $1", id); err != nil {
		return err
	}
	const begun = "SELECT count(*) FROM attempts WHERE account_id = $1"
	before, err := a.Count(ctx, begun, id)
	if err != nil {
		return err
	}
	arena.Pause(ctx, time.Second)
	after, err := a.Count(ctx, begun, id)
	if err != nil {
		return err
	}
	if after != before {
		return fmt.Errorf("%d intents after the pause", after-before)
	}
	return a.Exec(ctx, "UPDATE accounts SET paused_at = NULL WHERE id = $1", id)
}
