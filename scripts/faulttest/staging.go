package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/simulator/fault"
	siminstagram "rostrum/shared/simulator/instagram"
)

// stagedCase is one thing that goes wrong with one post on Instagram.
type stagedCase struct {
	// rule strikes the publishing of the post, or what its match names.
	rule fault.Rule
	// fate is what becomes of what is staged for it.
	fate siminstagram.Fate
	// ends says that the post fails with one of these codes, and with nothing seen
	// of it.
	ends []string
}

// stagedCases are those of the table: containers that stay IN_PROGRESS, end in
// ERROR or EXPIRED, are published although the answer says otherwise or comes
// late, or are not, and images that cannot be fetched.
func stagedCases() []stagedCase {
	var cases []stagedCase
	for _, preset := range []string{
		"accepted_reset", "accepted_server_error", "accepted_transient", "accepted_blocked", "accepted_bad_gateway", "accepted_no_id",
		"accepted_not_json", "accepted_truncated", "accepted_hang", "server_error", "transient_error", "bad_gateway", "reset", "hang",
		"blocked", "container_unknown", "object_unknown", "not_ready", "rate_limited_silent",
	} {
		cases = append(cases, stagedCase{rule: fault.Rule{Preset: preset, Times: 1}})
	}
	return append(cases,
		// It takes effect after the client has given up.
		stagedCase{rule: fault.Rule{Times: 1, Action: fault.Action{Kind: fault.LateEffect, DelayMS: 13_000}}},
		stagedCase{fate: siminstagram.Fate{Kind: siminstagram.FateStuck, Times: 1}},
		stagedCase{fate: siminstagram.Fate{Kind: siminstagram.FateStuck}, ends: []string{"stage_stuck"}},
		stagedCase{fate: siminstagram.Fate{Kind: siminstagram.FateError, Times: 2}},
		stagedCase{fate: siminstagram.Fate{Kind: siminstagram.FateError}, ends: []string{"container_failed_2207053", "media_gone"}},
		stagedCase{fate: siminstagram.Fate{Kind: siminstagram.FateError, Code: 2207009}, ends: []string{"container_failed_2207009", "image_refused"}},
		stagedCase{fate: siminstagram.Fate{Kind: siminstagram.FateExpired, Times: 2}},
		stagedCase{fate: siminstagram.Fate{Kind: siminstagram.FateExpired}, ends: []string{"stage_gone", "media_gone"}},
		stagedCase{rule: fault.Rule{Preset: "media_unreachable", Times: 3, Match: creating()}},
		stagedCase{rule: fault.Rule{Preset: "media_unreachable", Match: creating()}, ends: []string{"media_unreachable"}},
		stagedCase{rule: fault.Rule{Preset: "accepted_server_error", Times: 2, Match: creating()}},
		stagedCase{rule: fault.Rule{Preset: "server_error", Times: 2, Match: fault.Match{Method: http.MethodGet, Path: "/*/media"}}},
		stagedCase{rule: fault.Rule{Preset: "restricted", Times: 1}, ends: []string{"code_25_2207050"}},
	)
}

func creating() fault.Match { return fault.Match{Method: http.MethodPost, Path: "/*/media"} }

// stagedFaults lets posts with images go out on Instagram, each with another
// thing going wrong in one of its two steps, and posts while the images cannot
// be fetched. Judged: I1 to I5, I7; what cannot go out fails with a word.
func stagedFaults(ctx context.Context, r *trial) error {
	cases := stagedCases()
	a, accounts, err := r.world(ctx, 1, nil)
	if err != nil {
		return err
	}
	gallery, err := a.AddInstagram(ctx, accounts[0].Workspace, len(cases)+2)
	if err != nil {
		return err
	}
	if err := a.Exec(ctx, "UPDATE accounts SET catch_up_within_seconds = 1000000"); err != nil {
		return err
	}
	due := time.Now().Add(3 * time.Second)
	for i, c := range cases {
		posts, err := a.Schedule(ctx, gallery[i], due, r.contents(1, 1)...)
		if err != nil {
			return err
		}
		if len(c.ends) > 0 {
			posts[0].Expect = func(s arena.Seen) bool {
				return s.State == "failed" && slices.Contains(c.ends, s.FailureCode) && s.NeedsPerson
			}
		}
		if err := bring(a, gallery[i].Handle, c); err != nil {
			return err
		}
	}
	// Reads lag, so that nothing but the container tells at first that it is out.
	_, err = a.Instagram.Faults().Add(fault.Rule{
		Match: fault.Match{Method: http.MethodGet, Path: "/*/media"}, Action: fault.Action{Kind: fault.Lag, DelayMS: 30_000},
	})
	if err != nil {
		return err
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	// What comes late, and whoever hangs, takes real time; a warp may not pass it.
	arena.Pause(ctx, 20*time.Second)
	if err := r.filesGone(ctx, a, gallery[len(cases):]); err != nil {
		return err
	}
	if err := a.Settle(ctx, 2*time.Minute, warpStep); err != nil {
		return err
	}
	a.Instagram.Faults().Clear()
	a.Instagram.ClearFates()
	return r.recovered(ctx, a, settleWithin, warpStep)
}

// bring puts the case upon its account.
func bring(a *arena.Arena, handle string, c stagedCase) error {
	if c.fate.Kind != "" {
		c.fate.Handle = handle
		return a.Instagram.Doom(c.fate)
	}
	if c.rule.Match.Path == "" {
		c.rule.Match = fault.Match{Method: http.MethodPost, Path: "/*/media_publish"}
	}
	c.rule.Match.Account = handle
	_, err := a.Instagram.Faults().Add(c.rule)
	return err
}

// filesGone has every image answer 404 while posts fall due, and then come back.
func (r *trial) filesGone(ctx context.Context, a *arena.Arena, accounts []*arena.Account) error {
	a.FilesDown.Store(true)
	defer a.FilesDown.Store(false)
	var posts []*arena.Post
	for _, acc := range accounts {
		made, err := a.Schedule(ctx, acc, time.Now().Add(time.Second), r.contents(1, 1)...)
		if err != nil {
			return err
		}
		posts = append(posts, made...)
	}
	for range 60 {
		n, err := a.Count(ctx, "SELECT count(*) FROM posts WHERE state = 'scheduled' AND failure_code = 'media_unreachable' AND hold_reason <> ''")
		if err == nil && n >= len(posts) {
			return nil
		}
		arena.Pause(ctx, 100*time.Millisecond)
	}
	return errors.New("posts whose images cannot be fetched do not say so")
}
