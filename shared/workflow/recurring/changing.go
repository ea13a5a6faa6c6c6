package recurring

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/post"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
)

// change runs fn on a locked recurrence and returns it as it is afterwards. A
// nil etag changes whatever is there.
func (s *Service) change(
	ctx context.Context, actor audit.Actor, p auth.Permission, id uuid.UUID, etag *int64,
	fn func(ctx context.Context, tx *store.Tx, a account.Account, r store.Recurrence) error,
) (View, error) {
	var view View
	err := s.locked(ctx, actor, p, id, etag, func(ctx context.Context, tx *store.Tx, a account.Account, r store.Recurrence) error {
		if r.State == store.RecurrenceEnded {
			return apperr.New(apperr.Conflict, "wrong_state", "this recurrence has ended").WithHint("Make a new one.")
		}
		if err := fn(ctx, tx, a, r); err != nil {
			return err
		}
		var err error
		view, err = viewOf(ctx, tx, a, id)
		return err
	})
	return view, err
}

func (s *Service) locked(
	ctx context.Context, actor audit.Actor, p auth.Permission, id uuid.UUID, etag *int64,
	fn func(ctx context.Context, tx *store.Tx, a account.Account, r store.Recurrence) error,
) error {
	if err := auth.Require(actor, p); err != nil {
		return err
	}
	err := s.Relay.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		r, err := tx.Recurrence(ctx, actor.WorkspaceID, id)
		if err != nil {
			return err
		}
		a, err := tx.LockAccount(ctx, actor.WorkspaceID, r.AccountID)
		if err != nil {
			return err
		}
		if r, err = tx.LockRecurrence(ctx, actor.WorkspaceID, id); err != nil {
			return err
		}
		if etag != nil && *etag != r.ETag {
			return apperr.New(apperr.PreconditionFailed, "stale", "somebody changed this recurrence in between").
				WithHint("Reload it and repeat your change.")
		}
		return fn(ctx, tx, a, r)
	})
	if err != nil {
		return fmt.Errorf("change recurrence %s: %w", id, err)
	}
	return nil
}

// Edit changes what a recurrence says and when, if its etag is still the given
// one. Its posts that nobody has approved follow: they get the new text, and
// those on dates that the rule no longer has are canceled. A post that a person
// changed by hand stays as it is, and so does one that is approved. Errors: as
// Create; PreconditionFailed (stale); Conflict (wrong_state) when it has ended.
func (s *Service) Edit(ctx context.Context, actor audit.Actor, id uuid.UUID, etag int64, edit func(*Plan)) (View, error) {
	return s.change(ctx, actor, auth.EditPosts, id, &etag, func(ctx context.Context, tx *store.Tx, a account.Account, was store.Recurrence) error {
		p := Plan{Content: was.Content, Rule: was.Rule, StartLocal: was.StartLocal, Note: was.Note}
		edit(&p)
		r := was
		if err := p.check(ctx, tx, a, &r); err != nil {
			return err
		}
		if err := tx.SaveRecurrence(ctx, r); err != nil {
			return err
		}
		if err := record(ctx, tx, r, actor, "recurrence.edited", map[string]any{"rule": r.Rule, "zone": r.Zone}); err != nil {
			return err
		}
		if err := followEdit(ctx, tx, actor, was, r); err != nil {
			return err
		}
		return s.makeIfActive(ctx, tx, r)
	})
}

func (s *Service) makeIfActive(ctx context.Context, tx *store.Tx, r store.Recurrence) error {
	if r.State != store.RecurrenceActive {
		return nil
	}
	_, err := s.make(ctx, tx, r)
	return err
}

// followEdit brings the undecided posts of a recurrence to what it is now.
func followEdit(ctx context.Context, tx *store.Tx, actor audit.Actor, was, r store.Recurrence) error {
	made, err := tx.PostsOfRecurrence(ctx, r.WorkspaceID, r.ID, store.UndecidedStates()...)
	if err != nil {
		return err
	}
	dates, err := datesToCome(ctx, tx, r)
	if err != nil {
		return err
	}
	for _, m := range made {
		if m.Asked == "" {
			continue
		}
		p, err := tx.LockPost(ctx, r.WorkspaceID, m.ID)
		if err != nil {
			return err
		}
		hand, err := changedByHand(was, m, p)
		if err != nil {
			return err
		}
		switch {
		case hand || !slices.Contains(store.UndecidedStates(), p.State):
		case !dates[m.Asked]:
			err = dropDate(ctx, tx, actor, p)
		case p.Version.Content.Hash(p.AccountID) != r.Content.Hash(p.AccountID):
			err = rewrite(ctx, tx, actor, p, r.Content)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// datesToCome are the wall clocks of the rule from now to well beyond what is made.
func datesToCome(ctx context.Context, tx *store.Tx, r store.Recurrence) (map[string]bool, error) {
	rule, err := schedule.NewRecurrence(r.Rule, r.StartLocal, r.Zone)
	if err != nil {
		return nil, err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return nil, err
	}
	dates := map[string]bool{}
	const most = 15 * 24 // Each hour of the days ahead.
	for _, o := range rule.Next(now, most) {
		dates[o.Asked] = true
	}
	return dates, nil
}

// changedByHand reports whether a person gave the post another text or time
// than the recurrence had for it.
func changedByHand(was store.Recurrence, m store.MadePost, p post.Post) (bool, error) {
	if p.Schedule == nil || p.Version.Content.Hash(p.AccountID) != was.Content.Hash(p.AccountID) {
		return true, nil
	}
	planned, err := schedule.Resolve(m.Asked, was.Zone)
	if err != nil {
		return false, err
	}
	return !planned.At.Equal(p.Schedule.DueAt), nil
}

// dropDate cancels an undecided post whose date the rule no longer has, and
// frees the date for a later rule.
func dropDate(ctx context.Context, tx *store.Tx, actor audit.Actor, p post.Post) error {
	if err := cancel(ctx, tx, actor, p, "its recurrence no longer has this date"); err != nil {
		return err
	}
	return tx.LeaveRule(ctx, p)
}

func rewrite(ctx context.Context, tx *store.Tx, actor audit.Actor, p post.Post, c post.Content) error {
	was := p.State
	p, err := tx.AddVersion(ctx, p, c, "The recurrence was edited.", actor)
	if err != nil {
		return err
	}
	if err := tx.RecordPost(ctx, store.Ref(p), actor, "post.edited", map[string]any{"version": p.Version.Number, "was": string(was)}); err != nil {
		return err
	}
	return submit(ctx, tx, actor, p)
}

func cancel(ctx context.Context, tx *store.Tx, actor audit.Actor, p post.Post, reason string) error {
	if err := tx.RevokeApproval(ctx, p, "canceled"); err != nil {
		return err
	}
	was := p.State
	p, err := tx.MovePost(ctx, p, post.Canceled, p.State)
	if err != nil {
		return err
	}
	return tx.RecordPost(ctx, store.Ref(p), actor, "post.canceled", map[string]any{"was": string(was), "reason": reason})
}

// Pause stops making posts; those that are made stay. Errors: Forbidden,
// NotFound, PreconditionFailed, Conflict (wrong_state).
func (s *Service) Pause(ctx context.Context, actor audit.Actor, id uuid.UUID, etag *int64) (View, error) {
	return s.move(ctx, actor, id, etag, store.RecurrencePaused, "recurrence.paused")
}

// Resume goes on with the dates to come; those that passed meanwhile are left
// out. Errors: as Pause; Invalid (no_date_left) when all have passed.
func (s *Service) Resume(ctx context.Context, actor audit.Actor, id uuid.UUID, etag *int64) (View, error) {
	return s.move(ctx, actor, id, etag, store.RecurrenceActive, "recurrence.resumed")
}

// End makes no more posts, for good; those that are made stay. Errors: as Pause.
func (s *Service) End(ctx context.Context, actor audit.Actor, id uuid.UUID, etag *int64) (View, error) {
	return s.move(ctx, actor, id, etag, store.RecurrenceEnded, "recurrence.ended")
}

func (s *Service) move(ctx context.Context, actor audit.Actor, id uuid.UUID, etag *int64, to store.RecurrenceState, action string) (View, error) {
	return s.change(ctx, actor, auth.SchedulePosts, id, etag, func(ctx context.Context, tx *store.Tx, a account.Account, r store.Recurrence) error {
		if r.State == to {
			return nil
		}
		r.State = to
		if to == store.RecurrenceActive {
			next, err := nextDate(ctx, tx, a, r)
			if err != nil {
				return err
			}
			r.NextAt = next
		}
		if err := tx.SaveRecurrence(ctx, r); err != nil {
			return err
		}
		if err := record(ctx, tx, r, actor, action, nil); err != nil {
			return err
		}
		return s.makeIfActive(ctx, tx, r)
	})
}

func nextDate(ctx context.Context, tx *store.Tx, a account.Account, r store.Recurrence) (*time.Time, error) {
	rule, err := schedule.NewRecurrence(r.Rule, r.StartLocal, r.Zone)
	if err != nil {
		return nil, err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return nil, err
	}
	next := rule.Next(now, 1)
	if err := checkDates(a, next); err != nil {
		return nil, err
	}
	return &next[0].At, nil
}

// Leftover says what becomes of a removed recurrence's posts that are not out.
type Leftover string

// The ways to deal with them.
const (
	// Unsaid is only good while there are none.
	Unsaid Leftover = ""
	// KeepAll leaves them as they are.
	KeepAll Leftover = "keep"
	// CancelUnapproved cancels those that nobody has approved.
	CancelUnapproved Leftover = "cancel_unapproved"
	// CancelAll cancels the approved ones too.
	CancelAll Leftover = "cancel_all"
)

// Remove takes a recurrence away. Errors: Forbidden, NotFound,
// PreconditionFailed; Conflict (posts_planned) when posts of it are planned and
// how is Unsaid; Invalid for another word.
func (s *Service) Remove(ctx context.Context, actor audit.Actor, id uuid.UUID, etag *int64, how Leftover) error {
	var states []post.State
	switch how {
	case Unsaid, KeepAll:
	case CancelUnapproved:
		states = store.UndecidedStates()
	case CancelAll:
		states = store.PlannedStates()
	default:
		return apperr.New(apperr.Invalid, "bad_posts", "%q is not a way to deal with posts", string(how)).WithField("posts").
			WithHint("Use keep, cancel_unapproved or cancel_all.")
	}
	return s.locked(ctx, actor, auth.SchedulePosts, id, etag, func(ctx context.Context, tx *store.Tx, _ account.Account, r store.Recurrence) error {
		if r.Planned > 0 && how == Unsaid {
			return apperr.New(apperr.Conflict, "posts_planned", "%d posts of this recurrence are planned", r.Planned).
				WithHint("Say in posts what becomes of them: keep, cancel_unapproved or cancel_all.")
		}
		canceled, err := cancelThose(ctx, tx, actor, r, states)
		if err != nil {
			return err
		}
		if err := tx.RemoveRecurrence(ctx, r.WorkspaceID, r.ID); err != nil {
			return err
		}
		return record(ctx, tx, r, actor, "recurrence.removed", map[string]any{"canceled": canceled})
	})
}

func cancelThose(ctx context.Context, tx *store.Tx, actor audit.Actor, r store.Recurrence, states []post.State) (int, error) {
	if len(states) == 0 {
		return 0, nil
	}
	made, err := tx.PostsOfRecurrence(ctx, r.WorkspaceID, r.ID, states...)
	if err != nil {
		return 0, err
	}
	canceled := 0
	for _, m := range made {
		p, err := tx.LockPost(ctx, r.WorkspaceID, m.ID)
		if err != nil {
			return 0, err
		}
		if !slices.Contains(states, p.State) {
			// It moved on before it was locked.
			continue
		}
		if err := cancel(ctx, tx, actor, p, "its recurrence was removed"); err != nil {
			return 0, err
		}
		canceled++
	}
	return canceled, nil
}
