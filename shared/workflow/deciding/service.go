// Package deciding is what people do with a post before and beside its sending:
// write, edit, submit, approve, reject, schedule, cancel, and say what became of
// one that is unknown. Every method takes an Actor, checks its right, and
// records what it did in the same transaction.
//
// An approval is bound to what the approver saw: Approve names the revision and
// the content hash, and both must still be the stored ones. Nothing here sends;
// a post that is due soon is handed to the publish queue in the transaction that
// made it due.
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
	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/publication"
	"rostrum/shared/queue"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
)

const (
	// horizon is how far ahead the tick hands posts out; what becomes due
	// sooner is handed out here, since the tick may be a minute away.
	horizon   = 180 * time.Second
	maxReason = 1000
)

// Service carries out people's decisions.
type Service struct {
	Relay *outbox.Relay
	// ReadingAges are the ages at which a published post is read, the same as
	// the sender plans.
	ReadingAges []time.Duration
	// WebURLs are where the networks show accounts, where that is not their own site.
	WebURLs map[account.Network]string
}

// Target names the post that is decided on and the ETag that the person saw; a
// nil ETag decides on whatever is there.
type Target struct {
	PostID post.ID
	ETag   *int64
}

// change runs fn on the locked post in one transaction and returns the post as
// it is afterwards.
func (s *Service) change(
	ctx context.Context, actor audit.Actor, p auth.Permission, t Target,
	fn func(ctx context.Context, tx *store.Tx, was post.Post) error,
) (post.Post, error) {
	if err := auth.Require(actor, p); err != nil {
		return post.Post{}, err
	}
	var now post.Post
	err := s.Relay.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		was, err := tx.LockPost(ctx, actor.WorkspaceID, t.PostID)
		if err != nil {
			return err
		}
		if err := fresh(t, was); err != nil {
			return err
		}
		if err := fn(ctx, tx, was); err != nil {
			return err
		}
		now, err = tx.Post(ctx, actor.WorkspaceID, t.PostID)
		return err
	})
	if err != nil {
		return post.Post{}, fmt.Errorf("decide on post %s: %w", t.PostID, err)
	}
	return now, nil
}

// fresh refuses a decision on what has changed since the person saw it.
func fresh(t Target, p post.Post) error {
	if t.ETag != nil && *t.ETag != p.ETag {
		return apperr.New(apperr.PreconditionFailed, "stale", "somebody changed this post in between").
			WithHint("Reload it and repeat your change.")
	}
	return nil
}

func record(ctx context.Context, tx *store.Tx, p post.Post, actor audit.Actor, action string, detail map[string]any) error {
	return tx.RecordPost(ctx, store.Ref(p), actor, action, detail)
}

// checkContent brings a content to its stored form, with what is known of its
// images, and holds it to the network's limits. It may lack what only an
// approval asks for.
func checkContent(ctx context.Context, tx *store.Tx, a account.Account, c post.Content) (post.Content, error) {
	canonical, err := c.Canonical()
	if err != nil {
		return post.Content{}, err
	}
	if err := violated(platform.CheckParts(a.Network, canonical.Texts())); err != nil {
		return post.Content{}, err
	}
	if canonical, err = tx.FillMedia(ctx, a.WorkspaceID, canonical); err != nil {
		return post.Content{}, err
	}
	return canonical, violated(platform.CheckImages(a.Network, canonical.Parts))
}

// checkSendable holds a content to everything that its network asks for.
func checkSendable(n account.Network, c post.Content) error {
	return violated(slices.Concat(platform.CheckParts(n, c.Texts()), platform.CheckImages(n, c.Parts), platform.CheckReady(n, c.Parts)))
}

func violated(found []platform.Violation) error {
	if len(found) == 0 {
		return nil
	}
	return apperr.New(apperr.Invalid, found[0].Code, "%s", found[0].Message).WithField("parts")
}

// dispatchSoon hands a scheduled post to the publish queue when the next tick
// could come too late for it.
func dispatchSoon(ctx context.Context, tx *store.Tx, p post.Post) error {
	if p.State != post.Scheduled || p.Schedule == nil {
		return nil
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	if p.Schedule.DueAt.Sub(now) > horizon {
		return nil
	}
	due, err := tx.Dispatch(ctx, store.Ref(p))
	if err != nil {
		return err
	}
	return outbox.EnqueueAll(ctx, tx, publication.HandOut(due))
}

// enqueueReview asks the review function to look at the post as it is now.
func enqueueReview(ctx context.Context, tx *store.Tx, p post.Post) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	return outbox.Enqueue(ctx, tx, queue.Review, queue.Message{
		Kind: queue.ReviewPost, WorkspaceID: p.WorkspaceID, SubjectID: uuid.UUID(p.ID), Revision: p.Revision, CorrelationID: p.CorrelationID,
	}, now)
}

// checkTime refuses a time that has passed or that lies too close to another
// post of the account. The account's row must be locked, or the gap is only as
// good as the luck of two people.
func checkTime(ctx context.Context, tx *store.Tx, a account.Account, self post.ID, t schedule.Time) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	if !t.At.After(now) {
		return apperr.New(apperr.Invalid, "due_in_past", "%s in %s has passed", clockText(t), t.Zone).WithField("due_local").
			WithHint("Choose a later time, or publish it now.")
	}
	if a.Profile.MinGap <= 0 {
		return nil
	}
	taken, err := tx.TakenTimes(ctx, a.WorkspaceID, []account.ID{a.ID}, t.At.Add(-a.Profile.MinGap), t.At.Add(a.Profile.MinGap))
	if err != nil {
		return err
	}
	for _, other := range taken {
		if post.ID(other.PostID) != self && other.At.Sub(t.At).Abs() < a.Profile.MinGap {
			return apperr.New(apperr.Invalid, "too_close", "another post of @%s is due within %s of that time", a.Handle, gapText(a.Profile.MinGap)).
				WithField("due_local").WithHint("Choose another time, or lower the minimum gap of the account.")
		}
	}
	return nil
}

func clockText(t schedule.Time) string {
	wall, err := time.Parse(schedule.LocalFormat, t.Local)
	if err != nil {
		return t.Local
	}
	return wall.Format("2 Jan 2006 15:04")
}

func gapText(d time.Duration) string {
	if d%time.Hour == 0 {
		return plural(int(d/time.Hour), "hour")
	}
	return plural(int(d/time.Minute), "minute")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func toSchedule(t schedule.Time) *post.Schedule {
	return &post.Schedule{DueAt: t.At, Local: t.Local, Zone: t.Zone}
}

// refuse says in one sentence why the post's state does not allow the verb.
func refuse(s post.State, verb string) *apperr.Error {
	return apperr.New(apperr.Conflict, "wrong_state", "%s cannot be %s: %s", "this post", verb, stateSentence(s)).
		WithHint("Reload the post to see where it stands.")
}

func stateSentence(s post.State) string {
	switch s {
	case post.Draft:
		return "it is still a draft"
	case post.InReview:
		return "it is being reviewed"
	case post.AwaitingApproval:
		return "it waits for approval"
	case post.ChangesRequested:
		return "changes were asked for"
	case post.Rejected:
		return "it was rejected"
	case post.Approved:
		return "it is approved and has no time yet"
	case post.Scheduled:
		return "it is scheduled"
	case post.Sending:
		return "it is being sent at this moment"
	case post.Published:
		return "it is published"
	case post.Canceled:
		return "it was canceled"
	case post.Failed:
		return "sending it failed"
	case post.Unknown:
		return "it may or may not be public; that must be settled first"
	case post.Missed:
		return "its time passed before it could go out"
	}
	return "it is in the state " + string(s)
}
