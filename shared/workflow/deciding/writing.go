package deciding

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/post"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
)

// NewPost is a post as a person writes it.
type NewPost struct {
	AccountID account.ID
	Content   post.Content
	// DueLocal is a wall clock in the account's zone; empty gives no time.
	DueLocal string
	IdeaID   *uuid.UUID
	// Submit sends it to review at once.
	Submit bool
}

// Made is a post with what became of the time that was asked for.
type Made struct {
	post.Post
	// ScheduleNote says that the time was moved, and why; else empty.
	ScheduleNote string
}

// Create writes a post. Errors: Forbidden; NotFound for an account or idea of
// another workspace; Invalid for a text over the limit (code text_too_long), a
// time that has passed (due_in_past) or that is too close to another post's
// (too_close).
func (s *Service) Create(ctx context.Context, actor audit.Actor, n NewPost) (Made, error) {
	if err := auth.Require(actor, auth.EditPosts); err != nil {
		return Made{}, err
	}
	var made Made
	err := s.Relay.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		made = Made{}
		a, err := tx.LockAccount(ctx, actor.WorkspaceID, n.AccountID)
		if err != nil {
			return err
		}
		content, err := checkContent(ctx, tx, a, n.Content)
		if err != nil {
			return err
		}
		row := store.NewPost{AccountID: a.ID, Content: content, Actor: actor, IdeaID: n.IdeaID}
		if n.IdeaID != nil {
			if err := takeIdea(ctx, tx, a, *n.IdeaID); err != nil {
				return err
			}
		}
		if n.DueLocal != "" {
			at, err := schedule.Resolve(n.DueLocal, a.Profile.TimeZone)
			if err != nil {
				return err
			}
			if err := checkTime(ctx, tx, a, post.ID{}, at); err != nil {
				return err
			}
			row.Schedule, made.ScheduleNote = toSchedule(at), at.Note()
		}
		if made.Post, err = tx.InsertPost(ctx, row); err != nil {
			return err
		}
		if err := record(ctx, tx, made.Post, actor, "post.created", map[string]any{"version": made.Version.Number}); err != nil {
			return err
		}
		if !n.Submit {
			return nil
		}
		made.Post, err = submit(ctx, tx, actor, made.Post)
		return err
	})
	if err != nil {
		return Made{}, fmt.Errorf("create post: %w", err)
	}
	return made, nil
}

// takeIdea takes an idea that a person writes about off the list of new ones.
// One that was drafted or dismissed before may be written about all the same.
func takeIdea(ctx context.Context, tx *store.Tx, a account.Account, id uuid.UUID) error {
	idea, err := tx.Idea(ctx, a.WorkspaceID, id)
	if err != nil {
		return err
	}
	if idea.AccountID != a.ID {
		return apperr.New(apperr.Invalid, "other_accounts_idea", "that idea is of another account").WithField("idea_id")
	}
	if idea.State != store.IdeaNew {
		return nil
	}
	return tx.MoveIdea(ctx, a.WorkspaceID, id, store.IdeaDrafted)
}

// Edit gives the post a new content: it becomes a draft again, its approval is
// void, and a time it has stays. A content that says what the stored one says
// changes nothing. Errors: Forbidden, NotFound, PreconditionFailed (stale);
// Conflict (wrong_state) when it is being sent, is unknown, published or
// canceled, (part_public) when it changes a part that is public; Invalid as
// Create.
func (s *Service) Edit(ctx context.Context, actor audit.Actor, t Target, c post.Content, note string) (post.Post, error) {
	if utf8.RuneCountInString(note) > maxReason {
		return post.Post{}, apperr.New(apperr.Invalid, "note_too_long", "the note is longer than %d characters", maxReason).WithField("note")
	}
	return s.change(ctx, actor, auth.EditPosts, t, func(ctx context.Context, tx *store.Tx, was post.Post) error {
		if !was.State.Editable() {
			return refuse(was.State, "edited")
		}
		a, err := tx.Account(ctx, actor.WorkspaceID, was.AccountID)
		if err != nil {
			return err
		}
		content, err := checkContent(ctx, tx, a, c)
		if err != nil {
			return err
		}
		if content.Equal(was.Version.Content) {
			return nil
		}
		if err := keepsPublicParts(ctx, tx, was, content); err != nil {
			return err
		}
		now, err := tx.AddVersion(ctx, was, content, note, actor)
		if err != nil {
			return err
		}
		return record(ctx, tx, now, actor, "post.edited", map[string]any{"version": now.Version.Number, "was": string(was.State)})
	})
}

// keepsPublicParts refuses to change a part of a thread that the audience has
// seen: the sender goes on behind it, so a new text there would be approved and
// never be seen.
func keepsPublicParts(ctx context.Context, tx *store.Tx, was post.Post, c post.Content) error {
	attempts, err := tx.Attempts(ctx, was.WorkspaceID, was.ID)
	if err != nil {
		return err
	}
	old, parts := was.Version.Content.Parts, c.Parts
	for _, a := range attempts {
		if a.State == post.AttemptAccepted && (a.Part >= len(parts) || a.Part >= len(old) || !parts[a.Part].Equal(old[a.Part])) {
			return apperr.New(apperr.Conflict, "part_public", "part %d is on the network already and cannot be changed", a.Part+1).
				WithHint("Change the parts after it, or cancel the rest of the thread.").WithField("parts")
		}
	}
	return nil
}

// Submit sends a draft, or one that changes were asked for, to review. Errors:
// Forbidden, NotFound, PreconditionFailed, Conflict (wrong_state).
func (s *Service) Submit(ctx context.Context, actor audit.Actor, t Target) (post.Post, error) {
	return s.change(ctx, actor, auth.EditPosts, t, func(ctx context.Context, tx *store.Tx, was post.Post) error {
		if !post.CanMove(was.State, post.InReview) {
			return refuse(was.State, "submitted")
		}
		_, err := submit(ctx, tx, actor, was)
		return err
	})
}

func submit(ctx context.Context, tx *store.Tx, actor audit.Actor, was post.Post) (post.Post, error) {
	now, err := tx.MovePost(ctx, was, post.InReview, post.Draft, post.ChangesRequested)
	if err != nil {
		return post.Post{}, err
	}
	if err := record(ctx, tx, now, actor, "post.submitted", map[string]any{"version": now.Version.Number}); err != nil {
		return post.Post{}, err
	}
	return now, enqueueReview(ctx, tx, now)
}

// Cancel ends a post that has not begun to go out; its approval is void.
// Errors: Forbidden, NotFound, PreconditionFailed, Conflict (wrong_state).
func (s *Service) Cancel(ctx context.Context, actor audit.Actor, t Target, reason string) (post.Post, error) {
	reason, err := checkReason(reason, false)
	if err != nil {
		return post.Post{}, err
	}
	return s.change(ctx, actor, auth.SchedulePosts, t, func(ctx context.Context, tx *store.Tx, was post.Post) error {
		if !post.CanMove(was.State, post.Canceled) {
			return refuse(was.State, "canceled")
		}
		if err := tx.RevokeApproval(ctx, was, "canceled"); err != nil {
			return err
		}
		now, err := tx.MovePost(ctx, was, post.Canceled, was.State)
		if err != nil {
			return err
		}
		return record(ctx, tx, now, actor, "post.canceled", withReason(map[string]any{"was": string(was.State)}, reason))
	})
}

// checkReason trims a reason and holds it to its length. Errors: Invalid.
func checkReason(reason string, required bool) (string, error) {
	reason = strings.TrimSpace(reason)
	if required && reason == "" {
		return "", apperr.New(apperr.Invalid, "reason_missing", "a reason is missing").WithField("reason").
			WithHint("Say in a few words what should change.")
	}
	if utf8.RuneCountInString(reason) > maxReason {
		return "", apperr.New(apperr.Invalid, "reason_too_long", "the reason is longer than %d characters", maxReason).WithField("reason")
	}
	return reason, nil
}

func withReason(detail map[string]any, reason string) map[string]any {
	if reason != "" {
		detail["reason"] = reason
	}
	return detail
}
