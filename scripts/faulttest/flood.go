package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rostrum/scripts/internal/arena"
)

// fairness is how much later another tenant's posts may be beside a flood (I8):
// twice as late as without one. What is within unnoticed is not told apart from
// the machine's noise, however quick it was alone.
const (
	fairness  = 2
	unnoticed = time.Second
)

// floods compares how late a small tenant's posts are alone and beside a tenant
// that has thousands due in the same minute, more than can be sent in it.
// Judged: I8, and I1 to I5 for the posts of both.
func floods(ctx context.Context, r *trial) error {
	flood := r.suite.flood
	alone, err := r.lateness(ctx, 0)
	if err != nil {
		return err
	}
	noise := listen(ctx)
	beside, err := r.lateness(ctx, flood)
	if err != nil {
		return err
	}
	most := max(fairness*alone, unnoticed) + noise()
	fmt.Printf("fault: scenario 27, seed %d: the small tenant's p99 is %d ms alone, %d ms beside %d posts of another; at most %d ms is fair\n",
		r.seed, alone.Milliseconds(), beside.Milliseconds(), flood, most.Milliseconds())
	if beside > most {
		return fmt.Errorf("another's flood makes the small tenant %s late, more than %s", beside, most)
	}
	return nil
}

// lateness is the p99 of a tenant with three posts in each of twelve seconds,
// while another has its flood due: a sixth of it is overdue when the senders
// start, the rest is due over ten seconds.
func (r *trial) lateness(ctx context.Context, flood int) (time.Duration, error) {
	a, accounts, err := r.world(ctx, 3, nil)
	if err != nil {
		return 0, err
	}
	due := time.Now().Add(time.Duration(5+flood/500) * time.Second).Truncate(time.Second)
	if flood > 0 {
		other, err := a.AddWorkspace(ctx)
		if err != nil {
			return 0, err
		}
		many, err := a.AddAccounts(ctx, other, 20)
		if err != nil {
			return 0, err
		}
		if err := a.ScheduleMany(ctx, many, r.contents(flood, 1), func(i int) time.Time { return due.Add(time.Duration(i%12-2) * time.Second) }); err != nil {
			return 0, err
		}
	}
	var small []*arena.Post
	for second := range 12 {
		for _, acc := range accounts {
			made, err := a.Schedule(ctx, acc, due.Add(time.Duration(second)*time.Second), r.contents(1, 1)...)
			if err != nil {
				return 0, err
			}
			small = append(small, made...)
		}
	}
	if left := time.Until(due); left < 2*time.Second {
		return 0, fmt.Errorf("the posts were written %s too late", 2*time.Second-left)
	}
	end, err := start(ctx, a, 1, arena.How{TickEvery: 5 * time.Second, MaxConns: 8})
	if err != nil {
		return 0, err
	}
	defer end()
	if err := r.finish(ctx, a, 2*time.Minute+time.Duration(flood/20)*time.Second, 0); err != nil {
		return 0, err
	}
	return worst(a, small)
}

// worst is the p99 of how late the posts were seen.
func worst(a *arena.Arena, posts []*arena.Post) (time.Duration, error) {
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
		return 0, fmt.Errorf("%d of %d posts of the small tenant were seen", len(late), len(posts))
	}
	slices.Sort(late)
	return late[(len(late)*99+99)/100-1], nil
}
