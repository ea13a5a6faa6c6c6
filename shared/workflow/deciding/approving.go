package deciding

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

// When says when an approved post should go out.
type When string

// The ways to say it without a clock.
const (
	// AsPlanned keeps the time the post has; without one it waits for a time.
	AsPlanned When = ""
	// Now is the next whole second.
	Now When = "now"
	// NextSlot is the account's next free weekly slot.
	NextSlot When = "next_slot"
)

// Approval is a person's word for exactly what they saw.
type Approval struct {
	PostID      post.ID
	Revision    int64
	ContentHash string
	When        When
	// DueLocal is a wall clock in the account's zone; it excludes When.
	DueLocal string
}

// Approve binds the actor's word to the post's stored content, and schedules
// it. Errors: Forbidden, NotFound; Conflict: content_moved when what is stored
// is not what was seen, already_decided when somebody was first,
// blocked_by_review, wrong_state, no_free_slot; Invalid: due_in_past, too_close,
// and the codes of platform.Violation for what the network would refuse.
func (s *Service) Approve(ctx context.Context, actor audit.Actor, ap Approval) (Made, error) {
	if err := auth.Require(actor, auth.ApprovePosts); err != nil {
		return Made{}, err
	}
	if ap.DueLocal != "" && ap.When != AsPlanned {
		return Made{}, apperr.New(apperr.Invalid, "two_times", "give either a time or a way to choose one").WithField("at")
	}
	var made Made
	err := s.Relay.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		made = Made{}
		a, p, err := lockBoth(ctx, tx, actor.WorkspaceID, ap.PostID)
		if err != nil {
			return err
		}
		if err := mayApprove(ctx, tx, a, p, ap); err != nil {
			return err
		}
		if p, err = tx.Approve(ctx, p, actor); err != nil {
			return err
		}
		if p, made.ScheduleNote, err = planApproved(ctx, tx, a, p, ap); err != nil {
			return err
		}
		to := post.Approved
		if p.Schedule != nil {
			to = post.Scheduled
		}
		if made.Post, err = tx.MovePost(ctx, p, to, post.AwaitingApproval); err != nil {
			return err
		}
		detail := map[string]any{"version": p.Version.Number, "content_hash": ap.ContentHash}
		if p.Schedule != nil {
			detail["due_at"] = p.Schedule.DueAt.Format(time.RFC3339)
		}
		if err := record(ctx, tx, made.Post, actor, "post.approved", detail); err != nil {
			return err
		}
		return dispatchSoon(ctx, tx, made.Post)
	})
	if err != nil {
		return Made{}, fmt.Errorf("approve post %s: %w", ap.PostID, err)
	}
	return made, nil
}

// lockBoth locks the post's account and then the post, in the order every
// writer keeps, so that no two posts of an account are given one slot.
func lockBoth(ctx context.Context, tx *store.Tx, workspace uuid.UUID, id post.ID) (account.Account, post.Post, error) {
	p, err := tx.Post(ctx, workspace, id)
	if err != nil {
		return account.Account{}, post.Post{}, err
	}
	a, err := tx.LockAccount(ctx, workspace, p.AccountID)
	if err != nil {
		return account.Account{}, post.Post{}, err
	}
	p, err = tx.LockPost(ctx, workspace, id)
	return a, p, err
}

func mayApprove(ctx context.Context, tx *store.Tx, a account.Account, p post.Post, ap Approval) error {
	if p.State != post.AwaitingApproval {
		return decidedBy(ctx, tx, p, ap.Revision)
	}
	if p.Revision != ap.Revision || p.Version.Content.Hash(p.AccountID) != ap.ContentHash {
		return moved()
	}
	summary, err := tx.PostSummary(ctx, p.WorkspaceID, p.ID)
	if err != nil {
		return err
	}
	if summary.Blocks > 0 {
		return apperr.New(apperr.Conflict, "blocked_by_review", "the review found %s that must be mended first", plural(summary.Blocks, "thing")).
			WithHint("Edit the post or ask for changes.")
	}
	return checkSendable(a.Network, p.Version.Content)
}

func moved() *apperr.Error {
	return apperr.New(apperr.Conflict, "content_moved", "the post was changed after you looked at it").
		WithHint("Reload it, read it again and approve what you see.")
}

// decidedBy tells the second of two approvers who was first, and anybody else
// why the post cannot be approved.
func decidedBy(ctx context.Context, tx *store.Tx, p post.Post, seen int64) error {
	events, err := tx.EventsOf(ctx, p.WorkspaceID, uuid.UUID(p.ID))
	if err != nil {
		return err
	}
	verbs := map[string]string{
		"post.approved": "approved it", "post.rejected": "rejected it", "post.changes_requested": "asked for changes",
		"post.canceled": "canceled it",
	}
	// The newest event that sent it to review or decided on it.
	i := slices.IndexFunc(events, func(e store.RecordedEvent) bool {
		return verbs[e.Action] != "" || e.Action == "post.submitted" || e.Action == "post.edited" || e.Action == "post.created"
	})
	if i >= 0 && verbs[events[i].Action] != "" && p.State != post.Draft && p.State != post.InReview {
		return apperr.New(apperr.Conflict, "already_decided", "%s %s first", events[i].Actor.Name, verbs[events[i].Action]).
			WithHint("Reload the post to see where it stands.")
	}
	if p.Revision != seen {
		return moved()
	}
	return refuse(p.State, "approved")
}

// planApproved gives the approved post the time that was asked for.
func planApproved(ctx context.Context, tx *store.Tx, a account.Account, p post.Post, ap Approval) (post.Post, string, error) {
	at, err := chooseTime(ctx, tx, a, p, ap)
	if err != nil || at == nil {
		return p, "", err
	}
	p, err = tx.SetSchedule(ctx, p, toSchedule(*at), post.AwaitingApproval)
	return p, at.Note(), err
}

func chooseTime(ctx context.Context, tx *store.Tx, a account.Account, p post.Post, ap Approval) (*schedule.Time, error) {
	if ap.DueLocal != "" {
		at, err := schedule.Resolve(ap.DueLocal, a.Profile.TimeZone)
		if err != nil {
			return nil, err
		}
		return &at, checkTime(ctx, tx, a, p.ID, at)
	}
	switch ap.When {
	case AsPlanned:
		// A time that has passed meanwhile is the sender's to judge, by the
		// account's catch-up rule.
		return nil, nil //nolint:nilnil // the time it has stays
	case Now:
		return nextSecond(ctx, tx, a)
	case NextSlot:
		return nextSlot(ctx, tx, a, p.ID)
	}
	return nil, apperr.New(apperr.Invalid, "bad_at", "%q is not a way to choose a time", string(ap.When)).WithField("at").
		WithHint("Use now or next_slot, or give due_local.")
}

// nextSecond is the first whole second that has not passed, by the database's clock.
func nextSecond(ctx context.Context, tx *store.Tx, a account.Account) (*schedule.Time, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return nil, err
	}
	at, err := schedule.At(schedule.CeilSecond(now), a.Profile.TimeZone)
	return &at, err
}

// slotSearch bounds how far ahead a free slot is looked for.
const slotSearch = 60 * 24 * time.Hour

func nextSlot(ctx context.Context, tx *store.Tx, a account.Account, self post.ID) (*schedule.Time, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.TakenTimes(ctx, a.WorkspaceID, []account.ID{a.ID}, now.Add(-a.Profile.MinGap), now.Add(slotSearch))
	if err != nil {
		return nil, err
	}
	var taken []time.Time
	for _, r := range rows {
		if post.ID(r.PostID) != self {
			taken = append(taken, r.At)
		}
	}
	free, err := schedule.NextSlots(a.Profile.Slots, a.Profile.TimeZone, taken, a.Profile.MinGap, now, 1)
	if err != nil {
		return nil, err
	}
	if len(free) == 0 {
		return nil, apperr.New(apperr.Conflict, "no_free_slot", "@%s has no free slot", a.Handle).
			WithHint("Add slots to the account, or give a time.")
	}
	return &free[0], nil
}

// RequestChanges sends a post that waits for approval back with a reason.
// Errors: Forbidden, NotFound, PreconditionFailed, Conflict, Invalid (no reason).
func (s *Service) RequestChanges(ctx context.Context, actor audit.Actor, t Target, reason string) (post.Post, error) {
	return s.turnDown(ctx, actor, t, post.ChangesRequested, "post.changes_requested", reason)
}

// Reject ends a post that waits for approval; an edit reopens it. Errors as
// RequestChanges.
func (s *Service) Reject(ctx context.Context, actor audit.Actor, t Target, reason string) (post.Post, error) {
	return s.turnDown(ctx, actor, t, post.Rejected, "post.rejected", reason)
}

func (s *Service) turnDown(ctx context.Context, actor audit.Actor, t Target, to post.State, action, reason string) (post.Post, error) {
	reason, err := checkReason(reason, true)
	if err != nil {
		return post.Post{}, err
	}
	return s.change(ctx, actor, auth.ApprovePosts, t, func(ctx context.Context, tx *store.Tx, was post.Post) error {
		if was.State != post.AwaitingApproval {
			return decidedBy(ctx, tx, was, was.Revision)
		}
		now, err := tx.MovePost(ctx, was, to, post.AwaitingApproval)
		if err != nil {
			return err
		}
		return record(ctx, tx, now, actor, action, map[string]any{"reason": reason, "version": was.Version.Number})
	})
}
