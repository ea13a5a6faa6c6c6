package main

import (
	"context"
	"sync/atomic"
	"time"

	"rostrum/scripts/internal/arena"
)

// slo is how late a post may come once nothing is wrong any more (I7). What the
// machine itself was late by in that time is added: see noise.
const slo = 5 * time.Second

// recovered waits for the ends of all that was caught in the fault, then lets
// posts fall due on its accounts, holds them to slo, and judges everything.
func (r *trial) recovered(ctx context.Context, a *arena.Arena, within, warp time.Duration) error {
	if err := a.Settle(ctx, within, warp); err != nil {
		return err
	}
	quiet := listen(ctx)
	due := time.Now().Add(2 * time.Second).Truncate(time.Second)
	var after []*arena.Post
	accounts := a.Accounts()
	for i, acc := range accounts[:min(len(accounts), 4)] {
		made, err := a.Schedule(ctx, acc, due.Add(time.Duration(1+i%3)*time.Second), r.contents(2, 1)...)
		if err != nil {
			return err
		}
		after = append(after, made...)
	}
	err := a.Settle(ctx, 30*time.Second, 0)
	allowed := slo + quiet()
	for _, p := range after {
		p.Within = allowed
	}
	if err != nil {
		return err
	}
	return r.finish(ctx, a, 0, 0)
}

// listen measures the machine's noise until the function that it returns is
// called: the longest that a timer of this process came late.
func listen(ctx context.Context) (noise func() time.Duration) {
	const beat = 50 * time.Millisecond
	var worst atomic.Int64
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			began := time.Now()
			if !arena.Pause(ctx, beat) {
				return
			}
			worst.Store(max(worst.Load(), int64(time.Since(began)-beat)))
		}
	}()
	return func() time.Duration {
		stop()
		<-done
		return time.Duration(worst.Load())
	}
}
