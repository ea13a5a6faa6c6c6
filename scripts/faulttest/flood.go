package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rostrum/scripts/internal/arena"
)

const (
	// fairness is how much later another tenant's posts may be beside a flood (I8).
	fairness = 2
	// unnoticed is a lateness that is not told apart from being on time, a quarter
	// of the second that a post is promised: alone the p99 is 30 ms on a quiet
	// machine of two processors, on which Postgres, the network, the queue and the
	// sender all need their turn beside whatever else runs there.
	unnoticed = 250 * time.Millisecond
	// many is a flood that needs a minute; fewer come within some seconds.
	many = 10_000
)

// floods compares how late a small tenant's posts are alone and beside a tenant
// that has thousands due in the same minute, more than can be sent in it. It is
// alone before and after, and the better counts: what others do on the machine
// makes it slower, never quicker.
// Judged: I8, and I1 to I5 for the posts of both.
func floods(ctx context.Context, r *trial) error {
	w, end, err := r.neighbors(ctx)
	if err != nil {
		return err
	}
	defer end()
	flood := r.suite.flood
	before, _, err := w.lateness(ctx, 0)
	if err != nil {
		return err
	}
	beside, took, err := w.lateness(ctx, flood)
	if err != nil {
		return err
	}
	after, _, err := w.lateness(ctx, 0)
	if err != nil {
		return err
	}
	if err := r.finish(ctx, w.arena, 0, 0); err != nil {
		return err
	}
	most := max(fairness*min(before.p99, after.p99), unnoticed)
	fmt.Printf("fault: scenario 27, seed %d: the small tenant's p99 (p50) is %s and %s ms alone, %s ms beside %d posts of another due in %d s, which took %.0f s; at most %d ms is fair\n",
		r.seed, before, after, beside, flood, w.seconds, took.Seconds(), most.Milliseconds())
	if beside.p99 > most {
		return fmt.Errorf("another's flood makes the small tenant %s late, more than %s", beside.p99, most)
	}
	return nil
}

// spread is how late one of a hundred posts is at least, and how late half of them.
type spread struct{ p99, p50 time.Duration }

func (s spread) String() string {
	return fmt.Sprintf("%d (%d)", s.p99.Milliseconds(), s.p50.Milliseconds())
}

// neighbors are a tenant with little and one with much on one sender.
type neighbors struct {
	trial       *trial
	arena       *arena.Arena
	small, loud []*arena.Account
	// watched is how many posts of the small tenant each p99 is of, seconds over
	// how many seconds both tenants' posts are due.
	watched, seconds int
	// tick is how often the sender has its tick; in production once a minute.
	tick time.Duration
}

func (r *trial) neighbors(ctx context.Context) (*neighbors, func(), error) {
	w := &neighbors{trial: r, watched: 120, seconds: 12, tick: 5 * time.Second}
	if r.suite.flood >= many {
		w.watched, w.seconds, w.tick = 600, 60, time.Minute
	}
	var err error
	if w.arena, w.small, err = r.world(ctx, w.watched/w.seconds, nil); err != nil {
		return nil, nil, err
	}
	other, err := w.arena.AddWorkspace(ctx)
	if err != nil {
		return nil, nil, err
	}
	if w.loud, err = w.arena.AddAccounts(ctx, other, 20); err != nil {
		return nil, nil, err
	}
	end, err := start(ctx, w.arena, 1, arena.How{TickEvery: w.tick, MaxConns: 8})
	return w, end, err
}

// lateness is how late the small tenant's posts are while the other has its flood
// due, and how long after the first of them the last post of both was out.
func (w *neighbors) lateness(ctx context.Context, flood int) (late spread, took time.Duration, err error) {
	// Posts are handed out for three minutes ahead, so a flood's messages are
	// written before its first is due.
	a, from := w.arena, time.Now().Add(w.tick+3*time.Second+time.Duration(flood)*time.Second/1500).Truncate(time.Second)
	due := func(i int) time.Time { return from.Add(time.Duration(i%w.seconds) * time.Second) }
	if flood > 0 {
		if _, err := a.ScheduleMany(ctx, w.loud, w.trial.contents(flood, 1), due); err != nil {
			return late, 0, err
		}
	}
	small, err := a.ScheduleMany(ctx, w.small, w.trial.contents(w.watched, 1), due)
	if err != nil {
		return late, 0, err
	}
	// ANALYZE is what autovacuum does within a minute: without it plans are made for
	// tables that were empty. A checkpoint comes every five minutes, flood or not: it
	// comes before the posts here, so that none falls into one of the measurements
	// and not into the others.
	for _, sql := range []string{"ANALYZE", "CHECKPOINT"} {
		if err := a.Exec(ctx, sql); err != nil {
			return late, 0, err
		}
	}
	if left := time.Until(from); left < 2*time.Second {
		return late, 0, fmt.Errorf("the posts were written %s too late", 2*time.Second-left)
	}
	if err := a.Settle(ctx, 3*time.Minute+time.Duration(flood/200)*time.Second, 0); err != nil {
		return late, 0, err
	}
	took = time.Since(from)
	late, err = lateBy(a, small)
	return late, took, err
}

// lateBy is how late the posts were seen.
func lateBy(a *arena.Arena, posts []*arena.Post) (spread, error) {
	seen := map[string]time.Time{}
	for _, item := range a.Network.Items("", time.Time{}) {
		seen[item.Text] = item.AcceptedAt
	}
	var late []time.Duration
	for _, p := range posts {
		if at, ok := seen[p.Texts[0]]; ok {
			late = append(late, at.Sub(p.Due))
		}
	}
	if len(late) != len(posts) {
		return spread{}, fmt.Errorf("%d of %d posts of the small tenant were seen", len(late), len(posts))
	}
	slices.Sort(late)
	return spread{p99: late[(len(late)*99+99)/100-1], p50: late[(len(late)-1)/2]}, nil
}
