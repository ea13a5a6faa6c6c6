package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rostrum/scripts/internal/arena"
)

// refusedAtMost is how many refusals one instance may ask for in a second of the
// storm: the eleven steps of a tick each five seconds, and what the queue brings
// its two batches; what was refused waits for the queue.
const refusedAtMost = 5

// connectionStorm has 200 instances with pools of two, as shipped, want the 100
// connections of one server, all in the same seconds. Judged: the server did
// refuse connections, and posts went out meanwhile; no lease was lost in the
// middle of sending, refused instances do not ask in a hot loop, I1 to I5; I7
// when the storm is over.
func connectionStorm(ctx context.Context, r *trial) error {
	connections, processes, posts, lasts := 100, 20, 30, 20*time.Second
	if r.suite.short {
		connections, processes, posts, lasts = 30, 6, 8, 9*time.Second
	}
	const each = 10
	cluster, url, err := r.ownCluster(ctx, connections)
	if err != nil {
		return err
	}
	a, accounts, err := r.worldOn(ctx, url, 8, func(o *arena.Options) { o.Concurrency = "2" })
	if err != nil {
		return err
	}
	began := time.Now()
	for i, acc := range accounts {
		due := began.Add(3*time.Second + time.Duration(i)*lasts/10)
		if _, err := a.Schedule(ctx, acc, due, append(r.contents(posts, 1), r.contents(1, 3)...)...); err != nil {
			return err
		}
	}
	senders, err := startAll(ctx, a, processes, arena.How{Instances: each, MaxConns: 2, TickEvery: 5 * time.Second})
	if err != nil {
		return err
	}
	arena.Pause(ctx, time.Until(began.Add(lasts)))
	err = r.stormed(ctx, a, cluster, processes*each, time.Since(began))
	// As a deployment ends them: what is under way gets its end.
	for _, s := range senders {
		s.Signal(termSignal)
	}
	for _, s := range senders {
		<-s.Ended()
	}
	if err = errors.Join(err, leasesHeld(ctx, a)); err != nil {
		return err
	}
	end, err := start(ctx, a, 1, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	return r.recovered(ctx, a, settleWithin, warpStep)
}

// stormed demands that there was a storm of so many instances: connections were
// refused, but in no hot loop, and posts went out all the same.
func (r *trial) stormed(ctx context.Context, a *arena.Arena, cluster *arena.Cluster, instances int, lasted time.Duration) error {
	refused, err := cluster.Refused()
	if err != nil {
		return err
	}
	sent, err := a.Count(ctx, "SELECT count(*) FROM posts WHERE state = 'published'")
	if err != nil {
		return err
	}
	r.note(fmt.Sprintf("%d instances: %d connections refused in %s, %d posts out meanwhile", instances, refused, lasted.Round(time.Second), sent))
	switch {
	case refused < instances/4:
		return fmt.Errorf("no storm: %d instances were refused a connection %d times", instances, refused)
	case sent == 0:
		return errors.New("nothing went out in the storm")
	case float64(refused) > refusedAtMost*float64(instances)*lasted.Seconds():
		return fmt.Errorf("a hot loop: %d instances were refused a connection %d times in %s", instances, refused, lasted.Round(time.Second))
	}
	return nil
}

// leasesHeld demands that whoever began to send a part also wrote what came of it.
func leasesHeld(ctx context.Context, a *arena.Arena) error {
	lost, err := a.Count(ctx, "SELECT count(*) FROM audit_events WHERE action IN ('post.recovered', 'attempt.unclear')")
	if err == nil && lost > 0 {
		err = fmt.Errorf("%d parts were left in the middle of sending", lost)
	}
	return err
}
