package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/simulator/fault"
)

// frozen stops a sender for ten minutes, before its call or in the middle of
// it, as a sandbox is frozen. A second one takes its posts over and finishes
// them; when the first wakes up it must not send. Judged: I1 to I5, I7.
func frozen(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 2, nil)
	if err != nil {
		return err
	}
	if _, err := a.Schedule(ctx, accounts[0], time.Now(), r.contents(2, 1)...); err != nil {
		return err
	}
	if _, err := a.Schedule(ctx, accounts[1], time.Now(), r.contents(1, 3)...); err != nil {
		return err
	}
	points := []string{"call.before", "intent.committed", "send.prepared", "call.bytes_written", "call.answered"}
	point := points[(r.intN(len(points))+int(r.seed))%len(points)]
	first, err := a.Start(ctx, arena.How{Freeze: point})
	if err != nil {
		return err
	}
	if !first.AwaitStop(ctx, reachWithin) {
		return fmt.Errorf("the sender never came to %s", point)
	}
	second, err := a.Start(ctx, arena.How{})
	if err != nil {
		return err
	}
	defer second.Kill()
	// The lease, 25 s, runs out in real time, on the frozen one's clocks too. The
	// rest of the ten minutes is warped: nothing is on its way to the network.
	arena.Pause(ctx, 27*time.Second)
	for range 48 {
		// A warp that cannot be had now is made up for by the next.
		_ = a.Warp(ctx, warpStep)
		arena.Pause(ctx, 50*time.Millisecond)
	}
	if err := a.Settle(ctx, settleWithin, warpStep); err != nil {
		return err
	}
	first.Signal(contSignal)
	arena.Pause(ctx, 2*time.Second)
	first.Kill()
	return r.recovered(ctx, a, settleWithin, warpStep)
}

// movedClocks has one sender whose wall clock is an hour ahead, one that is an
// hour behind, and one whose clock is set while it sends; then the database's
// clock, which alone says what is due, is set an hour ahead and back while
// posts are in flight. Judged: I1 to I5, I7; a post is due by the database.
func movedClocks(ctx context.Context, r *trial) error {
	url, drop, err := r.suite.cluster.Database(ctx)
	if err != nil {
		return err
	}
	r.onClose(drop)
	if err := arena.SteppableClock(ctx, url); err != nil {
		return err
	}
	a, accounts, err := r.worldOn(ctx, url, 3, nil)
	if err != nil {
		return err
	}
	senders, end, err := r.startMoved(ctx, a)
	if err != nil {
		return err
	}
	defer end()
	// What the step makes an hour late may go out all the same.
	if err := a.Exec(ctx, "UPDATE accounts SET catch_up = 'send_within', catch_up_within_seconds = 7200"); err != nil {
		return err
	}
	began := time.Now()
	if err := r.aroundTheSteps(ctx, a, accounts, began); err != nil {
		return err
	}
	arena.Pause(ctx, time.Until(began.Add(time.Duration(6500+r.intN(2000))*time.Millisecond)))
	stepped := time.Now()
	if err := a.StepClock(ctx, hour); err != nil {
		return err
	}
	for _, p := range a.Posts() {
		if p.Due.After(stepped) && p.Due.Before(began.Add(11*time.Second)) {
			p.Due = stepped
		}
	}
	arena.Pause(ctx, time.Until(began.Add(time.Duration(15500+r.intN(2000))*time.Millisecond)))
	if err := a.StepClock(ctx, 0); err != nil {
		return err
	}
	for by, s := range senders {
		if !s.Moved(by) {
			return errors.New("a sender's clock did not move by " + by.String())
		}
	}
	return r.recovered(ctx, a, settleWithin, warpStep)
}

const hour = time.Hour

// startMoved starts a sender whose clock is ahead, one whose clock is behind,
// and one whose clock is set three seconds after its start.
func (r *trial) startMoved(ctx context.Context, a *arena.Arena) (senders map[time.Duration]*arena.Sender, end func(), err error) {
	jump := []time.Duration{2 * hour, -2 * hour}[r.intN(2)]
	senders = map[time.Duration]*arena.Sender{}
	end = func() {
		for _, s := range senders {
			s.Kill()
		}
	}
	for setting, by := range map[string]time.Duration{"1h": hour, "-1h": -hour, jump.String() + "@3s": jump} {
		s, err := a.Start(ctx, arena.How{Clock: setting})
		if err != nil {
			end()
			return nil, nil, err
		}
		senders[by] = s
	}
	return senders, end, nil
}

// aroundTheSteps schedules posts that moved senders send, that are in flight
// when the database's clock is set ahead, and that are due by that clock. Some
// calls take long.
func (r *trial) aroundTheSteps(ctx context.Context, a *arena.Arena, accounts []*arena.Account, began time.Time) error {
	for i, acc := range accounts {
		for second := range 8 {
			if _, err := a.Schedule(ctx, acc, began.Add(time.Duration(2+second)*time.Second), r.contents(2, 1+i)...); err != nil {
				return err
			}
		}
		ahead, err := a.Schedule(ctx, acc, began.Add(hour+12*time.Second), r.contents(2, 1+i)...)
		if err != nil {
			return err
		}
		for _, p := range ahead {
			p.Due = p.Due.Add(-hour)
		}
	}
	_, err := a.Network.Faults().Add(fault.Rule{
		Match: fault.Match{Method: http.MethodPost, Path: "/2/tweets"}, Times: 12, Action: fault.Action{Kind: fault.Delay, DelayMS: 1500},
	})
	return err
}
