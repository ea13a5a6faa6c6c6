package deciding

import (
	"context"
	"fmt"
	"time"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/post"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
)

// Schedule gives the post a time: a wall clock in zone, or in the account's
// when zone is empty. An approved post becomes scheduled; one that failed or was
// missed becomes scheduled again if its approval stands; one that is not
// approved yet keeps the time as its plan. Errors: Forbidden, NotFound,
// PreconditionFailed; Conflict: wrong_state, not_approved; Invalid: due_in_past,
// too_close, bad_zone, bad_local_time.
func (s *Service) Schedule(ctx context.Context, actor audit.Actor, t Target, local, zone string) (Made, error) {
	return s.retime(ctx, actor, t, "post.scheduled", func(ctx context.Context, tx *store.Tx, a account.Account, p post.Post) (*schedule.Time, error) {
		if zone == "" {
			zone = a.Profile.TimeZone
		}
		at, err := schedule.Resolve(local, zone)
		if err != nil {
			return nil, err
		}
		return &at, checkTime(ctx, tx, a, p.ID, at)
	})
}

// PublishNow sends the post at the next whole second. It must be approved.
// Errors as Schedule.
func (s *Service) PublishNow(ctx context.Context, actor audit.Actor, t Target) (Made, error) {
	return s.retime(ctx, actor, t, "post.publish_now", func(ctx context.Context, tx *store.Tx, a account.Account, p post.Post) (*schedule.Time, error) {
		if !canGoOut(p.State) {
			return nil, refuse(p.State, "published now")
		}
		return nextSecond(ctx, tx, a)
	})
}

// Retry tries a post that failed, was missed or is held once more, at the next
// whole second. Errors as Schedule.
func (s *Service) Retry(ctx context.Context, actor audit.Actor, t Target) (Made, error) {
	return s.retime(ctx, actor, t, "post.retried", func(ctx context.Context, tx *store.Tx, a account.Account, p post.Post) (*schedule.Time, error) {
		held := p.State == post.Scheduled && p.Hold != ""
		if p.State != post.Failed && p.State != post.Missed && !held {
			return nil, refuse(p.State, "tried again")
		}
		return nextSecond(ctx, tx, a)
	})
}

// canGoOut lists the states from which an approved post may be given a time to
// go out.
func canGoOut(s post.State) bool {
	return s == post.Approved || s == post.Scheduled || s == post.Failed || s == post.Missed
}

// isPlanned lists the states in which a time is only a plan.
func isPlanned(s post.State) bool {
	return s == post.Draft || s == post.InReview || s == post.ChangesRequested || s == post.AwaitingApproval
}

func (s *Service) retime(
	ctx context.Context, actor audit.Actor, t Target, action string,
	choose func(context.Context, *store.Tx, account.Account, post.Post) (*schedule.Time, error),
) (Made, error) {
	if err := auth.Require(actor, auth.SchedulePosts); err != nil {
		return Made{}, err
	}
	var made Made
	err := s.Relay.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		made = Made{}
		a, p, err := lockBoth(ctx, tx, actor.WorkspaceID, t.PostID)
		if err != nil {
			return err
		}
		if err := fresh(t, p); err != nil {
			return err
		}
		if !canGoOut(p.State) && !isPlanned(p.State) {
			return refuse(p.State, "given a time")
		}
		if canGoOut(p.State) {
			if err := stillApproved(ctx, tx, p); err != nil {
				return err
			}
		}
		at, err := choose(ctx, tx, a, p)
		if err != nil {
			return err
		}
		made.ScheduleNote = at.Note()
		if made.Post, err = tx.SetSchedule(ctx, p, toSchedule(*at), p.State); err != nil {
			return err
		}
		if canGoOut(p.State) && p.State != post.Scheduled {
			if made.Post, err = tx.MovePost(ctx, made.Post, post.Scheduled, p.State); err != nil {
				return err
			}
		}
		detail := map[string]any{"due_at": at.At.Format(time.RFC3339), "local": at.Local, "zone": at.Zone}
		if err := record(ctx, tx, made.Post, actor, action, detail); err != nil {
			return err
		}
		return tellMoved(ctx, tx, made.Post)
	})
	if err != nil {
		return Made{}, fmt.Errorf("give post %s a time: %w", t.PostID, err)
	}
	return made, nil
}

// tellMoved leaves a message for the new revision of a post whose time changed,
// where one of the old revision may be on its way.
func tellMoved(ctx context.Context, tx *store.Tx, p post.Post) error {
	if p.State == post.InReview {
		return enqueueReview(ctx, tx, p)
	}
	return dispatchSoon(ctx, tx, p)
}

// stillApproved checks that the live approval is for the stored content, as the
// sender will once more at the moment of sending.
func stillApproved(ctx context.Context, tx *store.Tx, p post.Post) error {
	ap, err := tx.LatestApproval(ctx, p.WorkspaceID, p.ID)
	if err != nil && !apperr.Is(err, apperr.NotFound) {
		return err
	}
	if err != nil || ap.RevokedAt != nil || ap.VersionID != p.Version.ID || ap.ContentHash != p.Version.Content.Hash(p.AccountID) {
		return apperr.New(apperr.Conflict, "not_approved", "nobody has approved this text").
			WithHint("Submit it and have it approved first.")
	}
	return nil
}

// Unschedule takes the post's time away; a scheduled post is approved again and
// waits for a time. Errors: Forbidden, NotFound, PreconditionFailed, Conflict
// (wrong_state).
func (s *Service) Unschedule(ctx context.Context, actor audit.Actor, t Target) (post.Post, error) {
	return s.change(ctx, actor, auth.SchedulePosts, t, func(ctx context.Context, tx *store.Tx, was post.Post) error {
		if was.Schedule == nil || (was.State != post.Scheduled && !isPlanned(was.State)) {
			return refuse(was.State, "taken off the calendar")
		}
		now := was
		if was.State == post.Scheduled {
			var err error
			if now, err = tx.MovePost(ctx, was, post.Approved, post.Scheduled); err != nil {
				return err
			}
		}
		now, err := tx.SetSchedule(ctx, now, nil, now.State)
		if err != nil {
			return err
		}
		if err := record(ctx, tx, now, actor, "post.unscheduled", nil); err != nil {
			return err
		}
		return tellMoved(ctx, tx, now)
	})
}
