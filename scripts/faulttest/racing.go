package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/apperr"
	"rostrum/shared/schedule"
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

// clockChanges resolves every minute around the clock changes of six zones in a
// year that the seed chooses. A clock that does not exist comes to one instant
// later by the gap, one that comes twice to its first. Judged: I1 and I3, for
// every minute.
func clockChanges(_ context.Context, r *trial) error {
	year := 2020 + r.intN(15)
	changes := 0
	for _, zone := range []string{
		"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "Pacific/Chatham",
	} {
		loc, err := schedule.Zone(zone)
		if err != nil {
			return err
		}
		_, offset := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).In(loc).Zone()
		for at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() == year; at = at.Add(30 * time.Minute) {
			_, now := at.In(loc).Zone()
			if now != offset {
				changes++
				r.aroundChange(zone, loc, at.Add(time.Duration(min(offset, now))*time.Second), at.Add(-24*time.Hour))
			}
			offset = now
		}
	}
	if changes < 10 {
		return fmt.Errorf("only %d clock changes found in %d", changes, year)
	}
	return nil
}

// aroundChange resolves the minutes of some hours around a change, given as a
// wall clock, and holds each to the zone's own rules.
func (r *trial) aroundChange(zone string, loc *time.Location, wall, from time.Time) {
	const format = "2006-01-02T15:04:05"
	first := map[string]time.Time{}
	for at := from; at.Before(from.Add(48 * time.Hour)); at = at.Add(time.Minute) {
		if shown := at.In(loc).Format(format); first[shown].IsZero() {
			first[shown] = at
		}
	}
	var before time.Time
	for local := wall.Add(-3 * time.Hour); local.Before(wall.Add(3 * time.Hour)); local = local.Add(time.Minute) {
		r.verdict.Posts++
		text := local.UTC().Format(format)
		got, err := schedule.Resolve(text, zone)
		want, exists := first[text]
		switch {
		case err != nil:
			r.verdict.Stuck++
			r.verdict.Said = append(r.verdict.Said, fmt.Sprintf("%s in %s: %v", text, zone, err))
			continue
		case exists && !got.At.Equal(want):
			r.verdict.Early++
			r.verdict.Said = append(r.verdict.Said, fmt.Sprintf("%s in %s is %s, not its first instant %s", text, zone, got.At, want))
		case !exists && got.At.In(loc).Format(format) <= text:
			r.verdict.Early++
			r.verdict.Said = append(r.verdict.Said, fmt.Sprintf("%s in %s does not exist and came to %s", text, zone, got.At.In(loc)))
		}
		// An hour that is skipped lands on the hour after it, so order holds
		// only among clocks that exist.
		if exists && got.At.Before(before) {
			r.verdict.Early++
			r.verdict.Said = append(r.verdict.Said, fmt.Sprintf("%s in %s comes before the minute before it", text, zone))
		}
		if exists {
			before = got.At
		}
	}
}
