package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/schedule"
)

// sixZones change their clocks by an hour or, Lord Howe, by half of one.
func sixZones() []string {
	return []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Africa/Cairo", "Pacific/Chatham"}
}

// zoneRules resolves every minute around the clock changes of six zones, then
// has posts pending whose moments were told by other rules of their zones. Judged:
// I1 to I5, I7; each goes out once, when its clock says so by the rules of now.
func zoneRules(ctx context.Context, r *trial) error {
	if err := clockChanges(r); err != nil {
		return err
	}
	a, accounts, err := r.world(ctx, 2, nil)
	if err != nil {
		return err
	}
	for i, zone := range sixZones() {
		move := []time.Duration{time.Hour, 30 * time.Minute}[r.intN(2)]
		due := time.Now().Add(time.Duration(4+i) * time.Second)
		if err := r.told(ctx, a, accounts[i%2], zone, due, move); err != nil {
			return err
		}
		// By the old rules it would be due now; by those of now it is not for long.
		if err := r.told(ctx, a, accounts[i%2], zone, due.Add(move), -move); err != nil {
			return err
		}
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	arena.Pause(ctx, 12*time.Second)
	return r.recovered(ctx, a, settleWithin, 0)
}

// told schedules a post for the clock that the zone shows at due, and has its
// moment off, as rules of the zone that are no longer in force told it.
func (r *trial) told(ctx context.Context, a *arena.Arena, acc *arena.Account, zone string, due time.Time, off time.Duration) error {
	posts, err := a.Schedule(ctx, acc, due, r.contents(1, 1)...)
	if err != nil {
		return err
	}
	p := posts[0]
	if off < 0 {
		p.Expect = func(s arena.Seen) bool { return s.State == "scheduled" && s.Hold == "" }
	} else {
		p.Within = slo
	}
	t, err := schedule.At(due.UTC().Truncate(time.Second), zone)
	if err != nil {
		return err
	}
	return a.Exec(ctx, "UPDATE posts SET revision = revision + 1, due_at = $1, due_local = $2, due_zone = $3 WHERE id = $4",
		t.At.Add(off), t.Local, t.Zone, uuid.UUID(p.ID))
}

// clockChanges resolves every minute around the clock changes of six zones in a
// year that the seed chooses. A clock that does not exist comes to one instant
// later by the gap, one that comes twice to its first.
func clockChanges(r *trial) error {
	year := 2020 + r.intN(15)
	changes := 0
	for _, zone := range sixZones() {
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
