package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/apperr"
)

// racesOutside is the same with senders that are processes of their own, woken by
// the queue: posts fall due second by second, and people act in the first part
// of each.
func racesOutside(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 4, nil)
	if err != nil {
		return err
	}
	seconds := 4
	if !r.suite.short {
		seconds = 16
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	began := time.Now().Truncate(time.Second).Add(3 * time.Second)
	var posts []*arena.Post
	for n := range seconds {
		for _, acc := range accounts {
			made, err := a.Schedule(ctx, acc, began.Add(time.Duration(n)*time.Second), r.contents(4, 1)...)
			if err != nil {
				return err
			}
			posts = append(posts, made...)
		}
	}
	tries := make([]try, len(posts))
	errs := make([]error, len(posts)+1)
	var wg sync.WaitGroup
	for i, p := range posts {
		wg.Go(func() { tries[i], errs[i] = r.tryOne(ctx, a, p) })
	}
	wg.Go(func() {
		arena.Pause(ctx, time.Until(began.Add(time.Second)))
		for _, kind := range killSwitches() {
			errs[len(posts)] = errors.Join(errs[len(posts)], r.stopsAll(ctx, a, accounts[0], kind))
		}
	})
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return errors.Join(r.met(ctx, a, tries), r.recovered(ctx, a, settleWithin, 0))
}

// tryOne has a person act on a post around its second: half of them within 40 ms
// of it, half in the 600 ms before, so that a slow machine does not make all late.
func (r *trial) tryOne(ctx context.Context, a *arena.Arena, p *arena.Post) (try, error) {
	off := time.Duration(r.intN(80)-40) * time.Millisecond
	if r.intN(2) == 0 {
		off = -time.Duration(r.intN(600)) * time.Millisecond
	}
	kinds := slices.Sorted(maps.Keys(acts()))
	kind := kinds[r.intN(len(kinds))]
	arena.Pause(ctx, time.Until(p.Due.Add(off)))
	began := time.Now()
	next, err := acts()[kind](ctx, r, a, p)
	tried := try{p, began, err == nil}
	if err == nil && next != nil {
		err = next(ctx)
	}
	if apperr.Is(err, apperr.Conflict) {
		err = nil
	}
	return tried, err
}

// try is an act on a post of a real sender.
type try struct {
	post  *arena.Post
	began time.Time
	done  bool
}

// met tells how the acts came to the intents, as far as the database knows: of a
// post whose person was first it has no intent. That both sides win is for the
// races inside to show: how a busy machine wakes processes is its own affair.
func (r *trial) met(ctx context.Context, a *arena.Arena, tries []try) error {
	done, within, after := 0, 0, 0
	for _, t := range tries {
		if t.done {
			done++
			continue
		}
		earlier, err := a.Count(ctx, "SELECT count(*) FROM attempts WHERE post_id = $1 AND part = 0 AND started_at < $2", uuid.UUID(t.post.ID), t.began)
		if err != nil {
			return err
		}
		if earlier > 0 {
			after++
		} else {
			within++
		}
	}
	r.note(fmt.Sprintf("real senders: %d acts: in %d the person was first, in %d the sender after the act had begun, %d came after the intent", len(tries), done, within, after))
	return nil
}

// stopsAll throws a switch for half a second, in which no intent may commit.
func (r *trial) stopsAll(ctx context.Context, a *arena.Arena, acc *arena.Account, kind string) error {
	arena.Pause(ctx, time.Duration(r.intN(400))*time.Millisecond)
	if err := turn(ctx, a, acc, kind, true); err != nil {
		return err
	}
	thrown := time.Now()
	arena.Pause(ctx, 500*time.Millisecond)
	lifting := time.Now()
	if err := turn(ctx, a, acc, kind, false); err != nil {
		return err
	}
	return nothingBegan(ctx, a, acc, thrown, lifting)
}
