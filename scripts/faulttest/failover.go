package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"rostrum/scripts/internal/arena"
)

// failover kills the primary while its log no longer reaches the standby, and
// promotes that: the last commits are gone. The standby is synchronous, as
// infra/deploy.md requires, so no sender was told of any of them. Judged: I1 to
// I5, I7; what the network had accepted and no result was recorded for is found by
// reading back.
func failover(ctx context.Context, r *trial) error {
	primary, url, err := r.ownCluster(ctx, 60)
	if err != nil {
		return err
	}
	standby, err := primary.OpenStandby(ctx, filepath.Join(r.suite.dir, fmt.Sprintf("standby-%s-%d", r.id, r.seed)), true)
	if err != nil {
		return err
	}
	r.onClose(func(ctx context.Context) { _ = standby.Close(ctx) })
	proxy, through, err := arena.NewProxy(ctx, url)
	if err != nil {
		return err
	}
	r.onClose(func(context.Context) { proxy.Close() })
	a, accounts, err := r.worldOn(ctx, through, 3, nil)
	if err != nil {
		return err
	}
	for i, acc := range accounts {
		for second := range 8 {
			if _, err := a.Schedule(ctx, acc, time.Now().Add(time.Duration(1+second)*time.Second), r.contents(2, 1+i)...); err != nil {
				return err
			}
		}
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	arena.Pause(ctx, time.Duration(1000+r.intN(1500))*time.Millisecond)
	standby.Link.Delay(-1)
	arena.Pause(ctx, time.Duration(1200+r.intN(800))*time.Millisecond)
	lag, err := primary.Lag(ctx, standby)
	if err != nil {
		return err
	}
	if lag == 0 {
		return errors.New("the standby missed nothing")
	}
	if err := primary.Crash(ctx); err != nil {
		return err
	}
	// What was on its way to the standby is lost with the primary.
	if err := standby.Link.Lead(url); err != nil {
		return err
	}
	if err := standby.Promote(ctx); err != nil {
		return err
	}
	if err := proxy.Lead(standby.URL(url)); err != nil {
		return err
	}
	// As after a crash: results wait for the database up to 12 s.
	arena.Pause(ctx, 14*time.Second)
	return r.recovered(ctx, a, settleWithin, warpStep)
}
