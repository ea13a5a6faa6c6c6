package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/killpoint"
	"rostrum/shared/simulator/fault"
)

// deadlines of one kill: how long until the point is reached, and until all
// posts have their ends, with time warped.
const (
	reachWithin  = 40 * time.Second
	settleWithin = 60 * time.Second
	warpStep     = 12 * time.Second
	lanes        = 3
)

// killedAnywhere kills a sender with SIGKILL at every kill point, each time while
// posts on X with and without images, a thread, and posts on Instagram go out,
// and starts another. Judged: I1 to I5, I7.
func killedAnywhere(ctx context.Context, r *trial) error {
	points := killpoint.Points()
	errs := make([]error, lanes)
	var wg sync.WaitGroup
	for lane := range lanes {
		wg.Go(func() {
			a, accounts, err := r.world(ctx, 3, nil)
			if err != nil {
				errs[lane] = err
				return
			}
			gallery, err := a.AddInstagram(ctx, accounts[0].Workspace, 2)
			if err != nil {
				errs[lane] = err
				return
			}
			for i := lane; i < len(points); i += lanes {
				if err := r.killAt(ctx, a, accounts, gallery, points[i].Name); err != nil {
					errs[lane] = errors.Join(errs[lane], fmt.Errorf("kill at %s: %w", points[i].Name, err))
				}
			}
			end, err := start(ctx, a, 1, arena.How{})
			if err != nil {
				errs[lane] = errors.Join(errs[lane], err)
				return
			}
			defer end()
			errs[lane] = errors.Join(errs[lane], r.recovered(ctx, a, settleWithin, warpStep))
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// killAt lets posts go out, kills the sender at the point, and has another one
// finish the work.
func (r *trial) killAt(ctx context.Context, a *arena.Arena, accounts, gallery []*arena.Account, point string) error {
	area, _, _ := strings.Cut(point, ".")
	posts, err := r.somePosts(ctx, a, accounts, gallery)
	if err != nil {
		return err
	}
	if err := r.prepareKill(ctx, a, area, posts); err != nil {
		return err
	}
	kill := fmt.Sprintf("%s:%d", point, 1+r.intN(passings(point)))
	sender, err := a.Start(ctx, arena.How{Kill: kill})
	if err != nil {
		return err
	}
	if !sender.AwaitDeath(ctx, reachWithin, area == "reconcile" || area == "recover") {
		sender.Kill()
		return fmt.Errorf("the sender never came to %s", kill)
	}
	next, err := a.Start(ctx, arena.How{})
	if err != nil {
		return err
	}
	defer next.Kill()
	if area == "refresh" {
		accounts = append(accounts, gallery...)
		// What the network gave and the dead sender alone knew is lost for good:
		// the account is to be held, its posts not failed, until a person signs in.
		if err := a.Settle(ctx, settleWithin, warpStep); err != nil {
			return err
		}
		for _, acc := range accounts {
			if err := a.Reconnect(ctx, acc); err != nil {
				return err
			}
		}
		for _, p := range posts {
			p.Expect = nil
		}
	}
	return a.Settle(ctx, settleWithin, warpStep)
}

// somePosts are a post and a thread on each account of X, on the second with
// images, and a post on each of Instagram.
func (r *trial) somePosts(ctx context.Context, a *arena.Arena, accounts, gallery []*arena.Account) ([]*arena.Post, error) {
	now := time.Now()
	var posts []*arena.Post
	for i, acc := range accounts {
		schedule := a.Schedule
		if i == 1 {
			schedule = a.ScheduleIllustrated
		}
		made, err := schedule(ctx, acc, now.Add(time.Duration(2*i-1)*time.Second), r.contents(1, 1)[0], r.contents(1, 3)[0])
		if err != nil {
			return nil, err
		}
		posts = append(posts, made...)
	}
	for i, acc := range gallery {
		made, err := a.Schedule(ctx, acc, now.Add(time.Duration(2*i)*time.Second), r.contents(1, 1)...)
		if err != nil {
			return nil, err
		}
		posts = append(posts, made...)
	}
	return posts, nil
}

// prepareKill brings about what has to be there for the point to be reached.
func (r *trial) prepareKill(ctx context.Context, a *arena.Arena, area string, posts []*arena.Post) error {
	switch area {
	case "recover":
		sender, err := a.Start(ctx, arena.How{Kill: "call.bytes_written:2"})
		if err != nil {
			return err
		}
		if !sender.AwaitDeath(ctx, reachWithin, false) {
			sender.Kill()
			return errors.New("the first sender did not die")
		}
	case "reconcile":
		for i, p := range posts {
			preset := []string{"accepted_reset", "server_error", "accepted_truncated"}[i%3]
			if err := spoil(a, p.Texts[len(p.Texts)-1], fault.Rule{Preset: preset, Times: 1}); err != nil {
				return err
			}
		}
		for _, preset := range []string{"accepted_reset", "server_error"} {
			_, err := a.Instagram.Faults().Add(fault.Rule{Preset: preset, Times: 1, Match: fault.Match{Method: http.MethodPost, Path: "/*/media_publish"}})
			if err != nil {
				return err
			}
		}
	case "refresh":
		for _, p := range posts {
			p.Expect = func(s arena.Seen) bool { return s.State == "scheduled" && s.Hold == "account_needs_reconnect" }
		}
		return a.Exec(ctx, "UPDATE account_tokens SET expires_at = clock_timestamp() + interval '10 seconds'")
	}
	return nil
}

// passings is how often a point is passed at least while six posts go out.
func passings(point string) int {
	switch point {
	case "dispatch.committed", "outbox.before_send", "outbox.half_sent", "outbox.before_mark", "recover.before_commit", "recover.committed":
		return 1
	case "refresh.leased", "refresh.answered", "refresh.saved", "reconcile.before_commit", "reconcile.committed", "reconcile.read", "reconcile.claimed":
		return 2
	case "stage.created", "stage.saved":
		return 2
	}
	return 4
}

// spoil puts a rule on the creation of one text.
func spoil(a *arena.Arena, text string, rule fault.Rule) error {
	rule.Match = fault.Match{Method: http.MethodPost, Path: "/2/tweets", Contains: firstWords(text)}
	_, err := a.Network.Faults().Add(rule)
	return err
}

// firstWords is the part of a text that JSON writes as it is.
func firstWords(text string) string {
	head, _, _ := strings.Cut(text, "<")
	return head
}

// rollout ends senders as a deployment does, with SIGTERM, while they send, and
// hands the new one a hold and a message of a kind that it does not know. Judged:
// I1 to I5, I7.
func rollout(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 2, nil)
	if err != nil {
		return err
	}
	for round := range 3 {
		for _, acc := range accounts {
			if _, err := a.Schedule(ctx, acc, time.Now().Add(time.Second), r.contents(2, 2)...); err != nil {
				return err
			}
		}
		old, err := a.Start(ctx, arena.How{})
		if err != nil {
			return err
		}
		arena.Pause(ctx, time.Duration(300+r.intN(1500))*time.Millisecond)
		next, err := a.Start(ctx, arena.How{})
		if err != nil {
			return err
		}
		old.Signal(termSignal)
		<-old.Ended()
		if round == 0 {
			p := a.Posts()[0]
			e, err := unknownKind(p)
			if err != nil {
				return err
			}
			if err := a.Deliver(ctx, 2, e); err != nil {
				return err
			}
			err = a.Exec(ctx, "UPDATE posts SET hold_reason = 'of_a_newer_version' WHERE state = 'scheduled' AND id = $1", uuid.UUID(p.ID))
			if err != nil {
				return err
			}
		}
		if err := a.Settle(ctx, settleWithin, warpStep); err != nil {
			return err
		}
		next.Kill()
	}
	end, err := start(ctx, a, 1, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	return r.recovered(ctx, a, settleWithin, warpStep)
}
