package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/apperr"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/workflow/publishing"
)

// races has people cancel, edit and approve again, move, take off the calendar,
// and throw each kill switch in the moment of the intent: first many posts with
// senders in this process, where the moment can be aimed at, then some with real
// ones. Judged: I3 and I4 (what was withdrawn, changed or moved before its intent
// is not seen so, no intent follows a switch), what the api tells of each post is
// what the audience saw, I1, I2, I5, I7; and that the two sides did meet.
func races(ctx context.Context, r *trial) error {
	return errors.Join(racesInside(ctx, r), racesOutside(ctx, r))
}

const (
	racingLanes = 4
	// atOnce is how many posts of a lane race together, and more where all wait for
	// one second.
	atOnce, inOneSecond = 6, 24
	// leastMet is the part of the acts in which each side has to be first, of those
	// that overlap with the intent.
	leastMet = 0.04
)

// ring is one lane of the races inside: a tenant of its own.
type ring struct {
	*trial
	arena   *arena.Arena
	account *arena.Account
	senders [2]*publishing.Service
	aims    map[bool]*aim // By whether the sender waits for the second.
	behind  sync.WaitGroup

	mu   sync.Mutex
	errs []error
}

func racesInside(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 1, nil)
	if err != nil {
		return err
	}
	for len(accounts) < racingLanes {
		w, err := a.AddWorkspace(ctx)
		if err != nil {
			return err
		}
		more, err := a.AddAccounts(ctx, w, 1)
		if err != nil {
			return err
		}
		accounts = append(accounts, more...)
	}
	var senders [2]*publishing.Service
	for i := range senders {
		if senders[i], err = a.Inside(ctx, watch); err != nil {
			return err
		}
	}
	aims := map[bool]*aim{false: newAim(), true: newAim()}
	errs := make([]error, len(accounts))
	var wg sync.WaitGroup
	for i, acc := range accounts {
		g := &ring{trial: r, arena: a, account: acc, senders: senders, aims: aims}
		wg.Go(func() { errs[i] = g.run(ctx, r.suite.races/racingLanes) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var sum hits
	for atSecond, what := range map[bool]string{false: "posts that are due", true: "senders that wait for the second"} {
		said, counted := aims[atSecond].said()
		r.note(what + ": " + said)
		sum.first, sum.second = sum.first+counted.first, sum.second+counted.second
	}
	if float64(min(sum.first, sum.second)) < leastMet*float64(r.suite.races) {
		return fmt.Errorf("races that one side wins prove nothing: the person was first in %d, the sender in %d of %d", sum.first, sum.second, r.suite.races)
	}
	return r.finish(ctx, a, 0, 0)
}

// run races so many posts of the lane, in chapters: those that are decided on one
// by one, and then, when all of those have their ends, those of the switches.
func (g *ring) run(ctx context.Context, posts int) error {
	kinds := slices.Sorted(maps.Keys(acts()))
	for raced := 0; raced < posts && ctx.Err() == nil; {
		for range 20 {
			raced += atOnce
			if err := g.group(ctx, kinds, atOnce, false); err != nil {
				return err
			}
		}
		raced += 2 * inOneSecond
		if err := g.broughtForward(ctx); err != nil {
			return err
		}
		if err := errors.Join(g.group(ctx, kinds, inOneSecond, true), g.settle(ctx)); err != nil {
			return err
		}
		for _, kind := range killSwitches() {
			raced += 2 * atOnce
			if err := g.switched(ctx, kind); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (g *ring) fail(err error) {
	if err != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.errs = append(g.errs, err)
	}
}

// schedule makes posts that are due: now, or at a second that is still to come.
func (g *ring) schedule(ctx context.Context, n int, due time.Time) ([]*arena.Post, error) {
	contents := append(g.contents(n-n/6, 1), g.contents(n/6, 2)...)
	return g.arena.ScheduleMany(ctx, []*arena.Account{g.account}, contents, func(int) time.Time { return due })
}

// group lets each of some posts meet a sender, or two, and a person.
func (g *ring) group(ctx context.Context, kinds []string, n int, atSecond bool) error {
	due, start := time.Now(), time.Now().Add(60*time.Millisecond)
	if atSecond {
		due = start.Truncate(time.Second).Add(time.Second)
	}
	posts, err := g.schedule(ctx, n, due)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, p := range posts {
		kind := kinds[g.intN(len(kinds))]
		if atSecond {
			start = due
		} else if late := time.Now().Add(20 * time.Millisecond); late.After(start) {
			start = late
		}
		wg.Go(func() { g.fail(g.meet(ctx, p, kind, start, atSecond)) })
	}
	wg.Wait()
	return ctx.Err()
}

// meet has the sender of a post and a person at it in one moment.
func (g *ring) meet(ctx context.Context, p *arena.Post, kind string, start time.Time, atSecond bool) error {
	aim := g.aims[atSecond]
	m := &meeting{}
	message, due := messageOf(p), p.Due
	var wg sync.WaitGroup
	for i := range 1 + g.intN(3)/2 {
		sent := m
		if i > 0 {
			sent = &meeting{} // The message came twice.
		}
		wg.Go(func() {
			if !atSecond {
				arena.Pause(ctx, time.Until(start))
			}
			g.fail(g.senders[i].Send(sent.in(ctx), message, nil))
			sent.over(due)
		})
	}
	arena.Pause(ctx, time.Until(start.Add(aim.offset(kind, float64(g.intN(1000))/1000))))
	t0 := time.Now()
	next, err := acts()[kind](ctx, g.trial, g.arena, p)
	t1 := time.Now()
	if err != nil && !apperr.Is(err, apperr.Conflict) {
		return err
	}
	if err == nil && kind != "cancel" {
		g.behind.Go(func() { g.fail(g.goOn(ctx, p, message, next)) })
	}
	wg.Wait()
	aim.learn(kind, m, start, t0, t1, err == nil)
	return nil
}

// broughtForward has posts moved to an earlier second while senders wait in place
// for the one they had: two messages for each, of which the new one alone is right.
func (g *ring) broughtForward(ctx context.Context) error {
	posts, err := g.schedule(ctx, inOneSecond, time.Now().Add(4*time.Second))
	if err != nil {
		return err
	}
	for _, p := range posts {
		old, pause := messageOf(p), time.Duration(g.intN(900))*time.Millisecond
		g.behind.Go(func() { g.fail(g.senders[1].Send(ctx, old, nil)) })
		g.behind.Go(func() {
			arena.Pause(ctx, pause)
			err := move(ctx, g.arena, p, time.Second)
			if apperr.Is(err, apperr.Conflict) {
				return // The machine was so slow that it is out already.
			}
			g.fail(errors.Join(err, g.senders[0].Send(ctx, messageOf(p), nil)))
		})
	}
	return nil
}

// goOn does what comes after an act that was carried out, and brings the new
// message and the old one.
func (g *ring) goOn(ctx context.Context, p *arena.Post, old queue.Message, next func(context.Context) error) error {
	if next != nil {
		if err := next(ctx); err != nil {
			return err
		}
	}
	message := messageOf(p)
	g.behind.Go(func() { g.fail(g.senders[1].Send(ctx, old, nil)) })
	return g.senders[0].Send(ctx, message, nil)
}

func messageOf(p *arena.Post) queue.Message {
	return queue.Message{
		Version: queue.Version, Kind: queue.PublishPost, WorkspaceID: p.WorkspaceID, SubjectID: uuid.UUID(p.ID), Revision: p.Revision,
		CorrelationID: p.CorrelationID,
	}
}

// settle brings the messages of what is scheduled, as the tick would, until
// nothing is.
func (g *ring) settle(ctx context.Context) error {
	g.behind.Wait()
	for range 100 {
		waiting, err := g.arena.Desk.Browsing.Posts(ctx, g.account.Workspace.Person, store.PostFilter{States: []post.State{post.Scheduled}}, toSettle)
		if err != nil || len(waiting) == 0 {
			g.mu.Lock()
			defer g.mu.Unlock()
			return errors.Join(append(g.errs, err)...)
		}
		var wg sync.WaitGroup
		for _, row := range waiting {
			m := queue.Message{Version: queue.Version, Kind: queue.PublishPost, WorkspaceID: row.WorkspaceID, SubjectID: uuid.UUID(row.ID), Revision: row.Revision}
			wg.Go(func() { g.fail(g.senders[0].Send(ctx, m, nil)) })
		}
		wg.Wait()
	}
	return errors.New("posts stay scheduled although nothing keeps them")
}

const toSettle = 500

// switched has a person stop everything while posts go out, bring messages in
// vain, and let it go on.
func (g *ring) switched(ctx context.Context, kind string) error {
	posts, err := g.schedule(ctx, 2*atOnce, time.Now())
	if err != nil {
		return err
	}
	aim := g.aims[false]
	start := time.Now().Add(50 * time.Millisecond)
	meetings := make([]*meeting, len(posts))
	var wg sync.WaitGroup
	for i, p := range posts {
		meetings[i] = &meeting{}
		wg.Go(func() {
			arena.Pause(ctx, time.Until(start))
			g.fail(g.senders[i%2].Send(meetings[i].in(ctx), messageOf(p), nil))
			meetings[i].over(p.Due)
		})
	}
	arena.Pause(ctx, time.Until(start.Add(aim.offset(kind, float64(g.intN(1000))/1000))))
	t0 := time.Now()
	err = turn(ctx, g.arena, g.account, kind, true)
	t1 := time.Now()
	if err != nil {
		return err
	}
	for _, p := range posts {
		wg.Go(func() { g.fail(g.senders[0].Send(ctx, messageOf(p), nil)) })
	}
	wg.Wait()
	lifting := time.Now()
	if err := turn(ctx, g.arena, g.account, kind, false); err != nil {
		return err
	}
	for _, m := range meetings {
		aim.learn(kind, m, start, t0, t1, !m.called)
	}
	return errors.Join(nothingBegan(ctx, g.arena, g.account, t1, lifting), g.settle(ctx))
}
