package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/post"
	"rostrum/shared/simulator/fault"
)

// rateLimits answers 429 to single accounts, and then one for the whole app.
func rateLimits(ctx context.Context, r *trial) error {
	return errors.Join(accountLimits(ctx, r), appLimit(ctx, r))
}

// accountLimits answers 429 with a short, an absent, a past, an absurd and a day's wait, and
// that the credit is used up. Judged: bounded waits with a reason on the post, no
// hot loop, I1 to I5, I7.
func accountLimits(ctx context.Context, r *trial) error {
	rules := []fault.Rule{
		{Preset: "rate_limited", Times: 2},
		{Preset: "rate_limited_silent", Times: 2},
		{Preset: "rate_limited_past", Times: 3},
		{Preset: "rate_limited_absurd", Times: 1},
		{Preset: "rate_limited_day", Times: 1},
		{Preset: "credits_depleted", Times: 1},
		{Times: 2, Action: askedToWait("0")},
		{Times: 1, Action: askedToWait("1000000000")},
		{Times: 2, Action: askedToWait("Thu, 01 Jan 1970 00:00:00 GMT")},
	}
	return r.play(ctx, rules, func(a *arena.Arena, posts []*arena.Post) error {
		for _, p := range posts {
			p.Expect = func(s arena.Seen) bool { return s.State == "scheduled" && (s.FailureCode != "" || s.Hold != "") }
		}
		arena.Pause(ctx, 4*time.Second)
		began := a.Network.Faults().Requests()["POST /2/tweets"]
		arena.Pause(ctx, 3*time.Second)
		if n := a.Network.Faults().Requests()["POST /2/tweets"] - began; n > 15 {
			return fmt.Errorf("%d calls within three seconds of a rate limit", n)
		}
		// The longest wait is bounded by a day, and whoever waits says why.
		for _, wrong := range []string{
			"not_before > clock_timestamp() + interval '25 hours'",
			"state = 'scheduled' AND not_before > clock_timestamp() + interval '2 seconds' AND hold_reason = ''",
		} {
			n, err := a.Count(ctx, "SELECT count(*) FROM posts WHERE "+wrong)
			if err != nil {
				return err
			}
			if n > 0 {
				return fmt.Errorf("%d posts where %s", n, wrong)
			}
		}
		// Whoever was let go in this moment goes within a tick.
		if err := r.finish(ctx, a, 45*time.Second, 0); err != nil {
			return err
		}
		for _, p := range posts {
			p.Expect = nil
		}
		if err := a.Exec(ctx, "UPDATE accounts SET catch_up_within_seconds = 1000000"); err != nil {
			return err
		}
		return r.recovered(ctx, a, 90*time.Second, 2*time.Hour)
	})
}

// askedToWait is a 429 that says nothing but Retry-After.
func askedToWait(how string) fault.Action {
	return fault.Action{Kind: fault.Answer, Status: http.StatusTooManyRequests, Headers: map[string]string{"Retry-After": how}, Body: "{}"}
}

// appLimit has X tell one account that all of the app's posts of a day are used
// up, and refuse whoever else asks. Judged: nobody else does ask, of no tenant;
// they wait, and read why; another network's posts keep their time; once the day
// is over all go out by themselves. I1 to I5, I7.
func appLimit(ctx context.Context, r *trial) error {
	a, first, err := r.world(ctx, 1, nil)
	if err != nil {
		return err
	}
	neighbour, err := a.AddWorkspace(ctx)
	if err != nil {
		return err
	}
	others, err := a.AddAccounts(ctx, neighbour, 3)
	if err != nil {
		return err
	}
	gallery, err := a.AddInstagram(ctx, neighbour, 1)
	if err != nil {
		return err
	}
	now := time.Now()
	told, err := a.Schedule(ctx, first[0], now.Add(time.Second), r.contents(1, 1)...)
	if err != nil {
		return err
	}
	var held []*arena.Post
	for _, acc := range others {
		made, err := a.Schedule(ctx, acc, now.Add(4*time.Second), append(r.contents(1, 3), r.contents(1, 1)...)...)
		if err != nil {
			return err
		}
		held = append(held, made...)
	}
	elsewhere, err := a.Schedule(ctx, gallery[0], now.Add(4*time.Second), r.contents(2, 1)...)
	if err != nil {
		return err
	}
	refusal, err := a.Network.Faults().Add(fault.Rule{
		Preset: "rate_limited_app", Match: fault.Match{Method: http.MethodPost, Path: "/2/tweets"},
	})
	if err != nil {
		return err
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	if err := r.waitsForTheApp(ctx, a, told, held); err != nil {
		return err
	}
	if n := len(a.Instagram.Items("", time.Time{})); n != len(elsewhere) {
		return fmt.Errorf("%d of %d posts of another network went out", n, len(elsewhere))
	}
	a.Network.Faults().Remove(refusal.ID)
	if err := a.Exec(ctx, "UPDATE accounts SET catch_up_within_seconds = 1000000"); err != nil {
		return err
	}
	return r.recovered(ctx, a, 90*time.Second, 2*time.Hour)
}

// waitsForTheApp demands that after one refusal everybody waits and reads why.
func (r *trial) waitsForTheApp(ctx context.Context, a *arena.Arena, told, held []*arena.Post) error {
	for reason, posts := range map[post.HoldReason][]*arena.Post{post.HeldRateLimit: told, post.HeldQuota: held} {
		for _, p := range posts {
			p.Expect = func(s arena.Seen) bool { return s.State == "scheduled" && s.Hold == string(reason) }
		}
	}
	if err := r.finish(ctx, a, 20*time.Second, 0); err != nil {
		return err
	}
	if n := len(a.Network.Faults().Strikes()); n != 1 {
		return fmt.Errorf("%d calls where the first was told that nobody of the app may post", n)
	}
	for _, p := range held {
		d, err := a.Told(ctx, p)
		if err != nil {
			return err
		}
		if !strings.Contains(d.WhyNotOut, "the number that it allows is used up. It goes out by itself at ") {
			return fmt.Errorf("who asks why post %s is not out reads %q", p.ID, d.WhyNotOut)
		}
	}
	for _, p := range append(told, held...) {
		p.Expect = nil
	}
	return nil
}
