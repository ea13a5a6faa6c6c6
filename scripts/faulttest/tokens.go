package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/simulator/fault"
)

// X takes a refresh token once: a second use ends the whole family.
const refreshCall = "POST /2/oauth2/token"

// tokenTrouble has a token run out under five senders, has the answer of a
// refresh lost, and takes the database away when the network has just given new
// tokens. Judged: one refresh call for one token, I1 to I5, I7; an account waits
// and its posts are not failed.
func tokenTrouble(ctx context.Context, r *trial) error {
	for _, story := range []func(context.Context, *trial) error{tokenStampede, lostRotation, rotationWithoutDatabase} {
		if err := story(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// refreshes holds the number of refresh calls to what it has to be.
func refreshes(a *arena.Arena, want int) error {
	if n := a.Network.Faults().Requests()[refreshCall]; n != want {
		return fmt.Errorf("%d refresh calls where %d are right", n, want)
	}
	return nil
}

func expire(ctx context.Context, a *arena.Arena, in string) error {
	return a.Exec(ctx, "UPDATE account_tokens SET expires_at = clock_timestamp() + $1::interval", in)
}

func tokenStampede(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 1, nil)
	if err != nil {
		return err
	}
	if _, err := a.Schedule(ctx, accounts[0], time.Now().Add(2*time.Second), r.contents(50, 1)...); err != nil {
		return err
	}
	if err := expire(ctx, a, "5 seconds"); err != nil {
		return err
	}
	end, err := start(ctx, a, 5, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	if err := r.finish(ctx, a, settleWithin, 0); err != nil {
		return err
	}
	return refreshes(a, 1)
}

// lostRotation: the new tokens are lost for good. What is due goes out with the
// old access token; the old refresh token is used once more when the lane is
// over, and tells that a person is needed.
func lostRotation(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 1, nil)
	if err != nil {
		return err
	}
	if _, err := a.Schedule(ctx, accounts[0], time.Now().Add(2*time.Second), r.contents(10, 1)...); err != nil {
		return err
	}
	_, err = a.Network.Faults().Add(fault.Rule{Preset: "accepted_reset", Times: 1, Match: fault.Match{Method: http.MethodPost, Path: "/2/oauth2/token"}})
	if err != nil {
		return err
	}
	if err := expire(ctx, a, "50 seconds"); err != nil {
		return err
	}
	end, err := start(ctx, a, 3, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	if err := a.Settle(ctx, 20*time.Second, 0); err != nil {
		return err
	}
	if err := refreshes(a, 1); err != nil {
		return err
	}
	if err := r.usedTwice(ctx, a, accounts[0]); err != nil {
		return err
	}
	return r.recovered(ctx, a, settleWithin, warpStep)
}

// usedTwice has the old refresh token used once more, and a person sign in.
func (r *trial) usedTwice(ctx context.Context, a *arena.Arena, acc *arena.Account) error {
	// The token runs out, and so does the lane.
	if err := expire(ctx, a, "-1 second"); err != nil {
		return err
	}
	if err := a.Exec(ctx, "UPDATE account_tokens SET refresh_lease_until = NULL"); err != nil {
		return err
	}
	later, err := a.Schedule(ctx, acc, time.Now(), r.contents(4, 1)...)
	if err != nil {
		return err
	}
	for _, p := range later {
		p.Expect = func(s arena.Seen) bool { return s.State == "scheduled" && s.Hold == "account_needs_reconnect" }
	}
	// Not warped: that would end the lane of the refresh that is under way.
	if err := a.Settle(ctx, settleWithin, 0); err != nil {
		return err
	}
	if err := refreshes(a, 2); err != nil {
		return err
	}
	if err := a.Reconnect(ctx, acc); err != nil {
		return err
	}
	for _, p := range later {
		p.Expect = nil
	}
	return nil
}

// rotationWithoutDatabase: nobody but the process that has the answer knows the
// new tokens, and the database is away for longer than it waits.
func rotationWithoutDatabase(ctx context.Context, r *trial) error {
	cluster, url, err := r.ownCluster(ctx, 60)
	if err != nil {
		return err
	}
	a, accounts, err := r.worldOn(ctx, url, 1, nil)
	if err != nil {
		return err
	}
	if _, err := a.Schedule(ctx, accounts[0], time.Now().Add(3*time.Second), r.contents(10, 1)...); err != nil {
		return err
	}
	_, err = a.Network.Faults().Add(fault.Rule{
		Match: fault.Match{Method: http.MethodPost, Path: "/2/oauth2/token"}, Action: fault.Action{Kind: fault.DelayAnswer, DelayMS: 1500},
	})
	if err != nil {
		return err
	}
	if err := expire(ctx, a, "5 seconds"); err != nil {
		return err
	}
	end, err := start(ctx, a, 2, arena.How{TickEvery: 5 * time.Second})
	if err != nil {
		return err
	}
	defer end()
	for a.Network.Faults().Requests()[refreshCall] == 0 {
		if !arena.Pause(ctx, 20*time.Millisecond) {
			return ctx.Err()
		}
	}
	if err := cluster.Restart(ctx, time.Duration(18_000+r.intN(8_000))*time.Millisecond); err != nil {
		return err
	}
	// The queue brings the tokens in real time.
	arena.Pause(ctx, 12*time.Second)
	if err := r.recovered(ctx, a, settleWithin, warpStep); err != nil {
		return err
	}
	return refreshes(a, 1)
}
