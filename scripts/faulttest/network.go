package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/simulator/fault"
)

// play lets one post per rule go out, with that rule upon it, and judges.
func (r *trial) play(ctx context.Context, rules []fault.Rule, then func(a *arena.Arena, posts []*arena.Post) error) error {
	a, accounts, err := r.world(ctx, 3, nil)
	if err != nil {
		return err
	}
	var posts []*arena.Post
	for i, rule := range rules {
		made, err := a.Schedule(ctx, accounts[i%len(accounts)], time.Now().Add(time.Second), r.contents(1, 1+i%3)...)
		if err != nil {
			return err
		}
		// The rule falls on one of the parts.
		texts := made[0].Texts
		if err := spoil(a, texts[r.intN(len(texts))], rule); err != nil {
			return err
		}
		posts = append(posts, made...)
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	return then(a, posts)
}

// lostAnswers has the network accept posts and answer with a reset, a 500, a 502, no id, no
// JSON, half a body or nothing, or refuse them in ways that look the same.
// Judged: I1 to I5, I7.
func lostAnswers(ctx context.Context, r *trial) error {
	rules := []fault.Rule{
		{Preset: "accepted_reset", Times: 1},
		{Preset: "accepted_server_error", Times: 1},
		{Preset: "accepted_bad_gateway", Times: 1},
		{Preset: "accepted_no_id", Times: 1},
		{Preset: "accepted_not_json", Times: 1},
		{Preset: "accepted_truncated", Times: 1},
		{Preset: "accepted_hang", Times: 1},
		{Preset: "server_error", Times: 1},
		{Preset: "bad_gateway", Times: 1},
		{Preset: "reset", Times: 1},
		{Preset: "hang", Times: 1},
		{Preset: "server_error", Times: 2},
	}
	return r.play(ctx, rules, func(a *arena.Arena, _ []*arena.Post) error {
		// Those that hang take the call's deadline of 10 s; a warp may not pass it.
		arena.Pause(ctx, 13*time.Second)
		return r.recovered(ctx, a, settleWithin, warpStep)
	})
}

// lateEffects is waited for in real time: 10 s until the client gives up, 40 s
// until the network takes the post all the same, 30 s until reads show it.
// Judged: I1 (nothing is sent again inside the settle window) to I5, I7.
func lateEffects(ctx context.Context, r *trial) error {
	late := fault.Rule{Times: 1, Action: fault.Action{Kind: fault.LateEffect, DelayMS: 40_000}}
	return r.play(ctx, []fault.Rule{late, late, late, late, late, late}, func(a *arena.Arena, _ []*arena.Post) error {
		_, err := a.Network.Faults().Add(fault.Rule{
			Match:  fault.Match{Method: http.MethodGet, Path: "/2/users/*/tweets"},
			Action: fault.Action{Kind: fault.Lag, DelayMS: 30_000},
		})
		if err != nil {
			return err
		}
		// Not before the last effect has come may anybody be judged.
		arena.Pause(ctx, 55*time.Second)
		return r.recovered(ctx, a, 4*time.Minute, 0)
	})
}

// blindReads has answers lost while the accounts cannot be read: one is unavailable, one
// forbidden, one limited. Judged: I1 to I5 with every post unknown and a person asked; then it
// can be read again, and all settle by themselves, I7.
func blindReads(ctx context.Context, r *trial) error {
	unsure := fault.Rule{Preset: "accepted_server_error", Times: 1}
	never := fault.Rule{Preset: "server_error", Times: 1}
	// Of each account one was accepted and one was not.
	return r.play(ctx, []fault.Rule{unsure, never, unsure, never, unsure, never}, func(a *arena.Arena, posts []*arena.Post) error {
		var blind []string
		for i, acc := range a.Accounts() {
			rule, err := a.Network.Faults().Add(fault.Rule{
				Preset: []string{"unavailable", "not_permitted", "rate_limited"}[i%3],
				Match:  fault.Match{Method: http.MethodGet, Path: "/2/users/*/tweets", Account: acc.Handle},
			})
			if err != nil {
				return err
			}
			blind = append(blind, rule.ID)
		}
		for _, p := range posts {
			p.Expect = func(s arena.Seen) bool { return s.State == "unknown" && s.NeedsPerson }
		}
		if err := r.finish(ctx, a, 90*time.Second, warpStep); err != nil {
			return err
		}
		// It can be read again: what a person was asked about settles by itself.
		for _, id := range blind {
			a.Network.Faults().Remove(id)
		}
		for _, p := range posts {
			p.Expect = nil
		}
		return r.recovered(ctx, a, 90*time.Second, 30*time.Second)
	})
}

// duplicateRefusals has the network refuse a text as a duplicate: of a twin that somebody posted by
// hand, and of our own after a doubt that a lagging read had settled wrongly.
// Judged: I1 to I5, I7; nothing is adopted that is not ours.
func duplicateRefusals(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 2, func(o *arena.Options) { o.RefuseDuplicates = true })
	if err != nil {
		return err
	}
	// A twin that somebody posted by hand: ours is refused, and fails with a word.
	twin, err := a.Schedule(ctx, accounts[0], time.Now(), []string{arena.OwnTwin + r.text()})
	if err != nil {
		return err
	}
	if err := a.PostByHand(ctx, accounts[0], twin[0].Texts[0]); err != nil {
		return err
	}
	twin[0].Expect = func(s arena.Seen) bool { return s.State == "failed" && s.FailureCode == "duplicate_content" }
	// It was seen before ours was due, by whoever posted it.
	twin[0].Due = time.Time{}
	// One that was accepted without a word, and whose absence a lagging read then
	// proves falsely: the second try is refused as its duplicate.
	doubt, err := a.Schedule(ctx, accounts[1], time.Now(), r.contents(2, 1)...)
	if err != nil {
		return err
	}
	for _, p := range doubt {
		if err := spoil(a, p.Texts[0], fault.Rule{Preset: "accepted_server_error", Times: 1}); err != nil {
			return err
		}
	}
	lag, err := a.Network.Faults().Add(fault.Rule{
		Match:  fault.Match{Method: http.MethodGet, Path: "/2/users/*/tweets"},
		Action: fault.Action{Kind: fault.Lag, DelayMS: 3_600_000},
	})
	if err != nil {
		return err
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	arena.Pause(ctx, 2*time.Second)
	for range 40 {
		if err := a.Warp(ctx, warpStep); err != nil {
			return err
		}
		arena.Pause(ctx, 200*time.Millisecond)
		n, err := a.Count(ctx, "SELECT count(*) FROM attempts WHERE code = 'duplicate_content' AND state = 'unknown'")
		if err == nil && n == len(doubt) {
			break
		}
	}
	a.Network.Faults().Remove(lag.ID)
	return r.recovered(ctx, a, settleWithin, 30*time.Second)
}

// hostileAnswers answers a byte a second, a gigabyte, a gzip bomb and redirects, one of them to
// the metadata address. Judged: nothing is followed, deadlines and caps hold, I1
// to I5, I7.
func hostileAnswers(ctx context.Context, r *trial) error {
	var visits atomic.Int64
	canary := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer canary.Close()
	rules := []fault.Rule{
		{Times: 1, Action: fault.Action{Kind: fault.SlowBody, DelayMS: 1000}},
		{Times: 1, Action: fault.Action{Kind: fault.BigBody, Status: 201, SizeMB: 1000}},
		{Times: 1, Action: fault.Action{Kind: fault.GzipBomb, Status: 201, SizeMB: 1000}},
		{Times: 1, Action: fault.Action{Kind: fault.Redirect, Location: canary.URL + "/2/tweets"}},
		{Times: 1, Action: fault.Action{Kind: fault.Redirect, Status: 308, Location: "http://169.254.169.254/latest/meta-data/"}},
		{Times: 1, Action: fault.Action{Kind: fault.Redirect, Status: 303, Location: canary.URL}},
	}
	return r.play(ctx, rules, func(a *arena.Arena, _ []*arena.Post) error {
		arena.Pause(ctx, 13*time.Second)
		if err := r.recovered(ctx, a, settleWithin, warpStep); err != nil {
			return err
		}
		if n := visits.Load(); n > 0 {
			return fmt.Errorf("%d redirects were followed", n)
		}
		return nil
	})
}

// revokedMidThread revokes the account's access in the middle of a thread of seven. Judged: the
// post waits and is not failed, resumes where it stopped once a person has signed
// in, I1 to I5, I7.
func revokedMidThread(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 1, nil)
	if err != nil {
		return err
	}
	posts, err := a.Schedule(ctx, accounts[0], time.Now(), r.contents(1, 7)...)
	if err != nil {
		return err
	}
	p := posts[0]
	p.Expect = func(s arena.Seen) bool { return s.State == "scheduled" && s.Hold == "account_needs_reconnect" }
	at := 2 + r.intN(4)
	if err := spoil(a, p.Texts[at], fault.Rule{Times: 1, Action: fault.Action{Kind: fault.Delay, DelayMS: 600}}); err != nil {
		return err
	}
	end, err := start(ctx, a, 1, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	for range 200 {
		if len(a.Network.Items("", time.Time{})) == at {
			break
		}
		arena.Pause(ctx, 20*time.Millisecond)
	}
	if err := a.Network.RevokeTokens(accounts[0].Handle); err != nil {
		return err
	}
	if err := r.finish(ctx, a, settleWithin, 10*time.Second); err != nil {
		return err
	}
	failed, err := a.Count(ctx, "SELECT count(*) FROM posts WHERE id = $1 AND state = 'failed'", uuid.UUID(p.ID))
	if err != nil || failed > 0 {
		return errors.Join(err, errors.New("the post failed where it had to wait"))
	}
	if err := a.Reconnect(ctx, accounts[0]); err != nil {
		return err
	}
	p.Expect = nil
	return r.recovered(ctx, a, settleWithin, warpStep)
}
