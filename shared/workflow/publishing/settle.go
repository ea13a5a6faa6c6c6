package publishing

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/clock"
	"rostrum/shared/killpoint"
	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/publication"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/telemetry"
	"rostrum/shared/throttle"
)

const (
	// firstLook is when an unclear answer is looked into first.
	firstLook = 5 * time.Second
	// creditWait is how long an app without credit rests before the next try.
	creditWait = time.Hour
	// maxNotSent bounds the tries of a part that never reached the network:
	// with the waits below, a little over an hour.
	maxNotSent = 20
	// resultPatience bounds how long a result that cannot be written is tried.
	resultPatience = 12 * time.Second
	// longestDelay is the longest delay a queue takes; readings beyond it are
	// left to the schedule.
	longestDelay = 15 * time.Minute
)

// settled is one call with its outcome, about to be written.
type settled struct {
	job     *job
	intent  store.Intent
	judged  store.Judgement
	outcome platform.Outcome
	// quotas are what the answer said of them.
	quotas []throttle.Quota
	// at is when the call ended, by the database's clock.
	at time.Time
}

func (r settled) last() bool { return r.intent.Part == len(r.job.texts)-1 }

// lateness is the end of the call minus the post's due time.
func (r settled) lateness() time.Duration { return r.at.Sub(r.job.view.Post.Schedule.DueAt) }

// measure counts the call, and how late the post is if that is ours to answer
// for: its first call, and nothing that somebody or something did to it after it
// was due.
func (r settled) measure(ctx context.Context) {
	telemetry.Measure(ctx, telemetry.Calls, string(r.outcome.Class), 1)
	p := r.job.view.Post
	if r.outcome.Class == platform.Accepted && r.intent.Part == 0 && r.judged.Tries == 0 && !p.UpdatedAt.After(p.Schedule.DueAt) {
		telemetry.Measure(ctx, telemetry.Lateness, string(r.job.view.Network), float64(r.lateness().Milliseconds()))
	}
}

// record writes the outcome and says whether the next part may go. The id that
// the network gave is in nobody else's memory, so a database that is away is
// asked again until the time is up; after that, reading back finds it.
func (s *Service) record(ctx context.Context, r settled) (bool, error) {
	s.Logger.LogAttrs(ctx, slog.LevelInfo, "call ended", slog.String("post_id", r.job.ref.PostID.String()),
		slog.Int("part", r.intent.Part), slog.String("outcome", string(r.outcome.Class)), slog.String("code", r.outcome.Code),
		slog.String("remote_id", r.outcome.RemoteID), slog.String("request_id", r.outcome.RequestID), slog.Int64("lateness_ms", r.lateness().Milliseconds()),
		slog.String("attempt_id", r.intent.AttemptID.String()), slog.String("correlation_id", r.job.ref.CorrelationID.String()))
	r.measure(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resultPatience)
	defer cancel()
	if r.outcome.Class == platform.Unauthorized {
		if err := s.Tokens.Reject(ctx, r.job.ref.WorkspaceID, r.job.view.Post.AccountID); err != nil {
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "token not rejected", slog.String("error", err.Error()))
		}
	}
	wait := 50 * time.Millisecond
	for {
		goOn, err := s.results.Do(ctx, r.job.ref.WorkspaceID, r, s.writeAll)
		if err == nil || apperr.KindOf(err) != apperr.Unavailable && apperr.KindOf(err) != apperr.Uncertain {
			return goOn, err
		}
		if clock.Wait(ctx, wait) != nil {
			return false, fmt.Errorf("write result of post %s: %w", r.job.ref.PostID, err)
		}
		wait = min(2*wait, 2*time.Second)
	}
}

// writeAll commits the results of posts in flight in one process together:
// acceptances, which are nearly all, with the same few statements, and the rest
// one after the other. It says of each whether its next part may go.
func (s *Service) writeAll(ctx context.Context, rs []settled) ([]bool, error) {
	goOn := make([]bool, len(rs))
	heard := heardOf(rs)
	var closed []store.Closing
	err := s.Relay.ByKey().Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.HearOfApp(ctx, heard); err != nil {
			return err
		}
		locked, err := lockAll(ctx, tx, rs)
		if err != nil {
			return err
		}
		var accepted []settled
		var others []settled
		for i, r := range rs {
			p := locked[r.job.ref.PostID]
			// A post that was taken away is not for the many.
			if r.outcome.Class == platform.Accepted && p.State == post.Sending && p.AttemptNo == r.judged.Fence {
				accepted = append(accepted, r)
				goOn[i] = !r.last()
				locked[r.job.ref.PostID] = store.LockedPost{} // A second result for it is not for the many either.
				continue
			}
			others = append(others, r)
		}
		if err := s.writeAccepted(ctx, tx, accepted); err != nil {
			return err
		}
		for _, r := range others {
			if err := s.write(ctx, tx, r); err != nil {
				return err
			}
		}
		if closed, err = tx.Hear(ctx, heard); err != nil {
			return err
		}
		for range rs {
			killpoint.Here("result.before_commit")
		}
		return nil
	})
	if err == nil {
		s.letGo(ctx, closed)
	}
	return goOn, err
}

// lockAll takes the locks of results in the one order in which all take them.
func lockAll(ctx context.Context, tx *store.Tx, rs []settled) (map[post.ID]store.LockedPost, error) {
	var changing []store.PostRef
	refs := make([]store.PostRef, len(rs))
	for i, r := range rs {
		refs[i] = r.job.ref
		if r.outcome.Class == platform.Delayed || r.outcome.Class == platform.Unauthorized {
			changing = append(changing, r.job.ref)
		}
	}
	if len(changing) > 0 {
		if err := tx.LockAccounts(ctx, changing); err != nil {
			return nil, err
		}
	}
	return tx.LockPosts(ctx, refs)
}

// write is the table of what each outcome means. It runs under the post's lock.
func (s *Service) write(ctx context.Context, tx *store.Tx, r settled) error {
	p, err := tx.LockPost(ctx, r.job.ref.WorkspaceID, r.job.ref.PostID)
	if err != nil {
		return err
	}
	if p.State != post.Sending || p.AttemptNo != r.judged.Fence {
		return s.writeLate(ctx, tx, p, r)
	}
	switch o := r.outcome; o.Class {
	case platform.Accepted:
		return s.writeAccepted(ctx, tx, []settled{r})
	case platform.Refused:
		return s.writeFailed(ctx, tx, r, o.Code, o.Detail)
	case platform.Duplicate:
		return s.writeDuplicate(ctx, tx, r)
	case platform.Delayed:
		if err := tx.LimitAccount(ctx, p.WorkspaceID, p.AccountID, o.RetryAfter); err != nil {
			return err
		}
		return s.writeRetry(ctx, tx, r, post.AttemptRefused, store.Requeue{Wait: o.RetryAfter, Hold: post.HeldRateLimit})
	case platform.Unauthorized:
		return s.writeUnauthorized(ctx, tx, r)
	case platform.OutOfCredit:
		return s.writeRetry(ctx, tx, r, post.AttemptRefused, store.Requeue{Wait: creditWait, Hold: post.HeldOutOfCredit, NeedsPerson: true})
	case platform.MediaGone:
		return s.writeMediaGone(ctx, tx, r)
	case platform.NotSent:
		if r.judged.Tries+1 >= maxNotSent {
			return s.writeFailed(ctx, tx, r, "network_unreachable", "The network could not be reached for over an hour. Nothing was posted.")
		}
		return s.writeRetry(ctx, tx, r, post.AttemptNotSent, store.Requeue{Wait: notSentWait(r.judged.Tries), Hold: post.HeldRetry})
	case platform.Unclear:
		return s.writeUnclear(ctx, tx, r)
	}
	// A class that this code does not know proves nothing.
	return s.writeUnclear(ctx, tx, r)
}

func notSentWait(tries int) time.Duration {
	waits := []time.Duration{time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}
	return waits[min(tries, len(waits)-1)]
}

func (r settled) settlement(to post.AttemptState) store.Settlement {
	return store.Settlement{
		AttemptID: r.intent.AttemptID, To: to, RemoteID: r.outcome.RemoteID, RemoteURL: r.outcome.RemoteURL,
		Code: r.outcome.Code, Detail: r.outcome.Detail, RequestID: r.outcome.RequestID, At: r.at,
	}
}

func (s *Service) event(ctx context.Context, tx *store.Tx, r settled, action string) error {
	return tx.Record(ctx, r.event(action))
}

func (r settled) event(action string) audit.Event {
	return store.PostEvent(r.job.ref, actor(r.job.ref.WorkspaceID), action,
		map[string]any{"part": r.intent.Part, "code": r.outcome.Code, "remote_id": r.outcome.RemoteID})
}

// writeAccepted records that the network took these parts, which their senders
// hold, no two of one post.
func (s *Service) writeAccepted(ctx context.Context, tx *store.Tx, rs []settled) error {
	acceptances := make([]store.Acceptance, len(rs))
	events := make([]audit.Event, len(rs))
	var ended []store.Publication
	var going []store.PostRef
	for i, r := range rs {
		acceptances[i] = store.Acceptance{
			PostRef: r.job.ref, AttemptID: r.intent.AttemptID, RemoteID: r.outcome.RemoteID, RemoteURL: r.outcome.RemoteURL,
			Code: r.outcome.Code, Detail: r.outcome.Detail, RequestID: r.outcome.RequestID, At: r.at,
		}
		events[i] = r.event("attempt.accepted")
		if r.last() {
			ended = append(ended, store.Publication{PostRef: r.job.ref, At: r.at})
		} else {
			going = append(going, r.job.ref)
		}
	}
	if err := tx.SettleAccepted(ctx, acceptances); err != nil {
		return err
	}
	if err := tx.Record(ctx, events...); err != nil {
		return err
	}
	if err := s.finish(ctx, tx, ended...); err != nil {
		return err
	}
	return tx.RenewLeases(ctx, going, lease)
}

// finish marks posts published.
func (s *Service) finish(ctx context.Context, tx *store.Tx, all ...store.Publication) error {
	return publication.Finish(ctx, tx, actor(uuid.Nil), s.ReadingAges, all...)
}

func (s *Service) writeFailed(ctx context.Context, tx *store.Tx, r settled, code, detail string) error {
	if err := tx.SettleAttempt(ctx, r.job.ref.WorkspaceID, r.settlement(post.AttemptRefused)); err != nil {
		return err
	}
	if n := r.intent.Part; n > 0 {
		detail = fmt.Sprintf("Part %d of %d did not go out, parts 1 to %d are public. %s", n+1, len(r.job.texts), n, detail)
	}
	if err := tx.FailPost(ctx, r.job.ref, code, detail); err != nil {
		return err
	}
	return s.event(ctx, tx, r, "post.failed")
}

// writeDuplicate reads the network's word that the text is there already: our
// own earlier attempt if one may have landed, else a twin that somebody posted
// by hand.
func (s *Service) writeDuplicate(ctx context.Context, tx *store.Tx, r settled) error {
	attempts, err := tx.Attempts(ctx, r.job.ref.WorkspaceID, r.job.ref.PostID)
	if err != nil {
		return err
	}
	for _, a := range attempts {
		if a.Part == r.intent.Part && a.State == post.AttemptAbsent {
			return s.writeUnclear(ctx, tx, r)
		}
	}
	return s.writeFailed(ctx, tx, r, r.outcome.Code,
		"The network says that this text is on the account already, and it was not Rostrum that put it there. Change the text or cancel the post.")
}

// writeUnauthorized tries once more with a new token, then asks for a person.
func (s *Service) writeUnauthorized(ctx context.Context, tx *store.Tx, r settled) error {
	attempts, err := tx.Attempts(ctx, r.job.ref.WorkspaceID, r.job.ref.PostID)
	if err != nil {
		return err
	}
	again := false
	for _, a := range attempts {
		if a.Part == r.intent.Part && a.Number == r.judged.Tries && a.Code == r.outcome.Code {
			again = true
		}
	}
	if !again {
		return s.writeRetry(ctx, tx, r, post.AttemptRefused, store.Requeue{Wait: 2 * time.Second, Hold: post.HeldRetry})
	}
	if _, err := tx.AccountNeedsReauth(ctx, r.job.ref.WorkspaceID, r.job.view.Post.AccountID, actor(r.job.ref.WorkspaceID), r.outcome.Code); err != nil {
		return err
	}
	return s.writeRetry(ctx, tx, r, post.AttemptRefused, store.Requeue{Wait: time.Minute, Hold: post.HeldReauth, NeedsPerson: true})
}

func (s *Service) writeRetry(ctx context.Context, tx *store.Tx, r settled, to post.AttemptState, q store.Requeue) error {
	if err := tx.SettleAttempt(ctx, r.job.ref.WorkspaceID, r.settlement(to)); err != nil {
		return err
	}
	q.Code, q.Detail = r.outcome.Code, r.outcome.Detail
	if err := s.requeue(ctx, tx, r.job.ref, r.intent.Revision, q); err != nil {
		return err
	}
	return s.event(ctx, tx, r, "attempt."+string(to))
}

func (s *Service) writeUnclear(ctx context.Context, tx *store.Tx, r settled) error {
	if err := tx.SettleAttempt(ctx, r.job.ref.WorkspaceID, r.settlement(post.AttemptUnknown)); err != nil {
		return err
	}
	if err := s.becomeUnknown(ctx, tx, r.job.ref, firstLook, r.outcome.Code, r.outcome.Detail); err != nil {
		return err
	}
	return s.event(ctx, tx, r, "attempt.unclear")
}

// becomeUnknown marks the post and asks for the first look.
func (s *Service) becomeUnknown(ctx context.Context, tx *store.Tx, ref store.PostRef, wait time.Duration, code, detail string) error {
	at, err := tx.PostBecomesUnknown(ctx, ref, wait, code, detail)
	if err != nil {
		return err
	}
	return enqueueLook(ctx, tx, ref, at)
}

func enqueueLook(ctx context.Context, tx *store.Tx, ref store.PostRef, at time.Time) error {
	return outbox.Enqueue(ctx, tx, queue.Publish, queue.Message{
		Kind: queue.ReconcilePost, WorkspaceID: ref.WorkspaceID, SubjectID: uuid.UUID(ref.PostID), CorrelationID: ref.CorrelationID,
	}, at.Add(time.Second))
}

// writeLate is for a sender whose lease was taken from it while it waited for
// the network. What the network said is still true, so an acceptance is kept:
// it is better evidence than any reading back.
func (s *Service) writeLate(ctx context.Context, tx *store.Tx, p post.Post, r settled) error {
	if r.outcome.Class != platform.Accepted {
		return nil // Reading back decides.
	}
	live, open, err := tx.LiveAttempt(ctx, r.job.ref)
	if err != nil {
		return err
	}
	err = tx.SettleAttempt(ctx, p.WorkspaceID, r.settlement(post.AttemptAccepted))
	if apperr.As(err) != nil && apperr.As(err).Code == "attempt_settled" {
		// Proved absent, and yet here it is: nothing more may go out unasked.
		s.Logger.LogAttrs(ctx, slog.LevelError, "accepted after it was proved absent",
			slog.String("post_id", p.ID.String()), slog.String("remote_id", r.outcome.RemoteID))
		if err := s.event(ctx, tx, r, "attempt.accepted_late"); err != nil {
			return err
		}
		if p.State != post.Scheduled {
			return nil
		}
		return tx.HoldPost(ctx, r.job.ref, actor(p.WorkspaceID), post.HeldFoundLate)
	}
	if err != nil {
		return err
	}
	if p.State != post.Unknown || !open || live.ID != r.intent.AttemptID {
		// Written before, by us or by a reader. If the post is unknown, it is for
		// another part, and only reading back may end that.
		return nil
	}
	if err := s.event(ctx, tx, r, "attempt.accepted"); err != nil {
		return err
	}
	if r.last() {
		return s.finish(ctx, tx, store.Publication{PostRef: r.job.ref, At: r.at})
	}
	return s.requeue(ctx, tx, r.job.ref, p.Revision, store.Requeue{})
}
