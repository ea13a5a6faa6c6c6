package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/post"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
	"rostrum/shared/workflow/deciding"
)

// act is what a person does with a post, by the api's code. It returns what the
// person does next, nil when nothing. Errors: Conflict when the sender was faster.
type act func(ctx context.Context, r *trial, a *arena.Arena, p *arena.Post) (next func(context.Context) error, err error)

// acts are those that race a post's intent, by their names. Each keeps what the
// post is held to up to date.
func acts() map[string]act {
	return map[string]act{
		"cancel": cancel, "edit": edit, "later": later, "now": publishNow, "unschedule": unschedule,
	}
}

func targetOf(p *arena.Post) deciding.Target { return deciding.Target{PostID: p.ID} }

// adopt keeps the post's new revision and time.
func adopt(p *arena.Post, now post.Post) {
	p.Post = now
	if now.Schedule != nil {
		p.Due = now.Schedule.DueAt
	}
}

func cancel(ctx context.Context, _ *trial, a *arena.Arena, p *arena.Post) (func(context.Context) error, error) {
	now, err := a.Desk.Deciding.Cancel(ctx, a.PersonOf(p), targetOf(p), "")
	if err != nil {
		return nil, err
	}
	p.Withdrawn = true
	adopt(p, now)
	return nil, nil //nolint:nilnil // nothing comes after it
}

// edit changes the text; it is reviewed and approved again for its own time or for
// the next second.
func edit(ctx context.Context, r *trial, a *arena.Arena, p *arena.Post) (func(context.Context) error, error) {
	content, err := post.Text(r.contents(1, len(p.Texts))[0]...).Canonical()
	if err != nil {
		return nil, err
	}
	edited, err := a.Desk.Deciding.Edit(ctx, a.PersonOf(p), targetOf(p), content, "")
	if err != nil {
		return nil, err
	}
	p.Texts = content.Texts()
	adopt(p, edited)
	when := []deciding.When{deciding.Now, deciding.AsPlanned}[r.intN(2)]
	return func(ctx context.Context) error {
		if _, err := a.Desk.Deciding.Submit(ctx, a.PersonOf(p), targetOf(p)); err != nil {
			return err
		}
		reviewed, err := a.Reviewed(ctx, p)
		if err != nil {
			return err
		}
		made, err := a.Desk.Deciding.Approve(ctx, a.PersonOf(p), deciding.Approval{
			PostID: p.ID, Revision: reviewed.Revision, ContentHash: reviewed.Version.Content.Hash(p.AccountID), When: when,
		})
		if err != nil {
			return err
		}
		adopt(p, made.Post)
		return nil
	}, nil
}

// move gives the post the whole second that comes so much later than now; one
// that has passed before it could be given is chosen anew.
func move(ctx context.Context, a *arena.Arena, p *arena.Post, ahead time.Duration) error {
	for {
		local := schedule.CeilSecond(time.Now().UTC()).Add(ahead).Format(schedule.LocalFormat)
		made, err := a.Desk.Deciding.Schedule(ctx, a.PersonOf(p), targetOf(p), local, "UTC")
		if apperr.Is(err, apperr.Invalid) && ctx.Err() == nil {
			continue
		}
		if err == nil {
			adopt(p, made.Post)
		}
		return err
	}
}

func later(ctx context.Context, r *trial, a *arena.Arena, p *arena.Post) (func(context.Context) error, error) {
	return nil, move(ctx, a, p, time.Duration(1+r.intN(2))*time.Second)
}

func publishNow(ctx context.Context, _ *trial, a *arena.Arena, p *arena.Post) (func(context.Context) error, error) {
	made, err := a.Desk.Deciding.PublishNow(ctx, a.PersonOf(p), targetOf(p))
	if err == nil {
		adopt(p, made.Post)
	}
	return nil, err
}

func unschedule(ctx context.Context, _ *trial, a *arena.Arena, p *arena.Post) (func(context.Context) error, error) {
	now, err := a.Desk.Deciding.Unschedule(ctx, a.PersonOf(p), targetOf(p))
	if err != nil {
		return nil, err
	}
	adopt(p, now)
	return func(ctx context.Context) error { return move(ctx, a, p, time.Second) }, nil
}

// killSwitches are the three that stop an account's posts.
func killSwitches() []string { return []string{"workspace", "network", "account"} }

// turn throws a kill switch of the account, or lifts it.
func turn(ctx context.Context, a *arena.Arena, acc *arena.Account, kind string, stop bool) error {
	person := acc.Workspace.Person
	switch kind {
	case "workspace":
		return a.Desk.Signing.SetPaused(ctx, person, stop, "a race")
	case "network":
		sw := store.Switch{Kind: store.SwitchNetwork, Subject: string(account.X), Reason: "a race"}
		if stop {
			return a.Desk.Operating.Pause(ctx, person, sw)
		}
		return a.Desk.Operating.Resume(ctx, person, sw)
	}
	var err error
	if stop {
		_, err = a.Desk.Connecting.Pause(ctx, person, acc.ID, "a race")
	} else {
		_, err = a.Desk.Connecting.Resume(ctx, person, acc.ID)
	}
	return err
}

// nothingBegan demands that no part of the account was begun between two moments.
func nothingBegan(ctx context.Context, a *arena.Arena, acc *arena.Account, from, to time.Time) error {
	n, err := a.Count(ctx, "SELECT count(*) FROM attempts WHERE account_id = $1 AND started_at > $2 AND started_at < $3", uuid.UUID(acc.ID), from, to)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d intents while @%s was stopped", n, acc.Handle)
	}
	return err
}
