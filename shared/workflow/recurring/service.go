// Package recurring makes posts that repeat. A recurrence is a content with a
// rule on the wall clock of its account's zone; each date of the rule becomes a
// post of its own, two weeks ahead, and goes into review like any other: nothing
// here approves or sends.
//
// The api function calls it for people: to look at dates, to write, edit, pause,
// end and remove recurrences. The generate function calls Make at each of its
// ticks. Both may be at one recurrence at once, ticks may be missed or doubled:
// who makes posts holds the recurrence's row, looks at which dates have theirs,
// and a unique index stands behind it. A date that passed before its post was
// made is left out.
//
// Locks are taken in the order account, recurrence, post. Start reading at make.
package recurring

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
)

const (
	// Ahead is how long before it is due a post is made.
	Ahead = 14 * 24 * time.Hour
	// Shown is how many dates people see ahead.
	Shown = 10
	// maxAtOnce bounds the posts of one transaction.
	maxAtOnce = 50
	maxNote   = 1000
)

// Service keeps recurrences and makes their posts.
type Service struct {
	Relay *outbox.Relay
}

// View is a recurrence with its account and its next dates.
type View struct {
	store.Recurrence
	Account account.Account
	// Next are the next ten dates, whether their posts are made or not; none
	// when it does not go on.
	Next []schedule.Occurrence
}

// Plan is what a recurrence says and when.
type Plan struct {
	Content post.Content
	// Rule is an RRULE without DTSTART; StartLocal the wall clock it counts
	// from, in the account's zone.
	Rule, StartLocal string
	// Note is for people.
	Note string
}

// Create writes a recurrence and makes its first posts. Errors: Forbidden;
// NotFound for an account of another workspace; Invalid, with the field at
// fault: a bad rule or start, a text that the network refuses, a network that
// takes no text alone (image_required), dates closer to
// one another than the account's minimum gap (too_close), no date to come.
func (s *Service) Create(ctx context.Context, actor audit.Actor, id account.ID, p Plan) (View, error) {
	if err := auth.Require(actor, auth.EditPosts); err != nil {
		return View{}, err
	}
	var view View
	err := s.Relay.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		a, err := tx.LockAccount(ctx, actor.WorkspaceID, id)
		if err != nil {
			return err
		}
		r := store.Recurrence{
			WorkspaceID: actor.WorkspaceID, AccountID: a.ID, Zone: a.Profile.TimeZone, State: store.RecurrenceActive, CreatedBy: actor,
		}
		if err := p.check(ctx, tx, a, &r); err != nil {
			return err
		}
		if r, err = tx.AddRecurrence(ctx, r); err != nil {
			return err
		}
		if err := record(ctx, tx, r, actor, "recurrence.created", map[string]any{"rule": r.Rule, "zone": r.Zone}); err != nil {
			return err
		}
		if _, err := s.make(ctx, tx, r); err != nil {
			return err
		}
		view, err = viewOf(ctx, tx, a, r.ID)
		return err
	})
	if err != nil {
		return View{}, fmt.Errorf("create recurrence: %w", err)
	}
	return view, nil
}

// check puts the plan into the recurrence, with its next date.
func (p Plan) check(ctx context.Context, tx *store.Tx, a account.Account, r *store.Recurrence) error {
	rule, err := schedule.NewRecurrence(p.Rule, p.StartLocal, r.Zone)
	if err != nil {
		return err
	}
	if p.Note = strings.TrimSpace(p.Note); utf8.RuneCountInString(p.Note) > maxNote {
		return apperr.New(apperr.Invalid, "note_too_long", "the note is longer than %d characters", maxNote).WithField("note")
	}
	if err := takesText(a); err != nil {
		return err
	}
	content, err := p.Content.Canonical()
	if err != nil {
		return err
	}
	if found := platform.CheckParts(a.Network, content.Texts()); len(found) > 0 {
		return apperr.New(apperr.Invalid, found[0].Code, "%s", found[0].Message).WithField("parts")
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	next := rule.Next(now, Shown)
	if err := checkDates(a, next); err != nil {
		return err
	}
	r.Content, r.Rule, r.StartLocal, r.Note, r.NextAt = content, rule.Rule(), rule.Start(), p.Note, &next[0].At
	return nil
}

// takesText refuses an account whose network wants an image in each post:
// recurrences carry none.
func takesText(a account.Account) error {
	if platform.LimitsOf(a.Network).MinImages == 0 {
		return nil
	}
	return apperr.New(apperr.Invalid, "image_required", "a post that repeats carries text only, and %s takes no post without an image", a.Network.Name()).
		WithField("account_id").WithHint("Write each post of @%s by itself, with its image.", a.Handle)
}

// checkDates refuses a rule that has no date to come, or dates that the
// account's gap forbids.
func checkDates(a account.Account, next []schedule.Occurrence) error {
	if len(next) == 0 {
		return apperr.New(apperr.Invalid, "no_date_left", "all dates of the rule have passed").WithField("rule").
			WithHint("Choose a later end, or none.")
	}
	for i := 1; i < len(next); i++ {
		if next[i].At.Sub(next[i-1].At) < a.Profile.MinGap {
			return apperr.New(apperr.Invalid, "too_close", "two dates of the rule are closer than the minimum gap of @%s", a.Handle).
				WithField("rule").WithHint("Repeat it less often, or lower the minimum gap of the account.")
		}
	}
	return nil
}

// Recurrence returns one recurrence. Errors: Forbidden, NotFound.
func (s *Service) Recurrence(ctx context.Context, actor audit.Actor, id uuid.UUID) (View, error) {
	var view View
	err := s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		r, err := tx.Recurrence(ctx, actor.WorkspaceID, id)
		if err != nil {
			return err
		}
		a, err := tx.Account(ctx, actor.WorkspaceID, r.AccountID)
		if err != nil {
			return err
		}
		view, err = viewOf(ctx, tx, a, id)
		return err
	})
	return view, err
}

// Recurrences lists at most limit recurrences before one, newest first; a nil
// account means all. Errors: Forbidden.
func (s *Service) Recurrences(ctx context.Context, actor audit.Actor, of *account.ID, before *uuid.UUID, limit int) ([]View, error) {
	var views []View
	err := s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.Recurrences(ctx, actor.WorkspaceID, of, before, limit)
		if err != nil {
			return err
		}
		accounts := map[account.ID]account.Account{}
		all, err := tx.Accounts(ctx, actor.WorkspaceID)
		if err != nil {
			return err
		}
		for _, a := range all {
			accounts[a.ID] = a
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		views = make([]View, len(list))
		for i, r := range list {
			if views[i], err = withDates(r, accounts[r.AccountID], now); err != nil {
				return err
			}
		}
		return nil
	})
	return views, err
}

func (s *Service) read(ctx context.Context, actor audit.Actor, fn func(context.Context, *store.Tx) error) error {
	if err := auth.Require(actor, auth.ReadWorkspace); err != nil {
		return err
	}
	return s.Relay.Store.InWorkspace(ctx, actor.WorkspaceID, fn)
}

func viewOf(ctx context.Context, tx *store.Tx, a account.Account, id uuid.UUID) (View, error) {
	r, err := tx.Recurrence(ctx, a.WorkspaceID, id)
	if err != nil {
		return View{}, err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return View{}, err
	}
	return withDates(r, a, now)
}

func withDates(r store.Recurrence, a account.Account, now time.Time) (View, error) {
	v := View{Recurrence: r, Account: a}
	if r.State == store.RecurrenceEnded {
		return v, nil
	}
	rule, err := schedule.NewRecurrence(r.Rule, r.StartLocal, r.Zone)
	if err != nil {
		return View{}, fmt.Errorf("dates of recurrence %s: %w", r.ID, err)
	}
	v.Next = rule.Next(now, Shown)
	return v, nil
}

func record(ctx context.Context, tx *store.Tx, r store.Recurrence, actor audit.Actor, action string, detail map[string]any) error {
	return tx.Record(ctx, audit.Event{
		Actor: actor, Action: action, SubjectKind: "recurrence", SubjectID: r.ID, AccountID: uuid.UUID(r.AccountID), Detail: detail,
	})
}
