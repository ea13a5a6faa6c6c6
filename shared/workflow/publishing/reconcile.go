package publishing

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
	"rostrum/shared/killpoint"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/throttle"
)

const (
	// lookLease keeps two readers of one account apart.
	lookLease = 20 * time.Second
	// settleWindow is how long after its start an attempt may still take
	// effect: a sender that was held up before its call, the call's deadline, a
	// network that accepts 45 s later, and a read that lags 40 s behind, or either
	// of them for both. Absence is proved only by a read after it.
	settleWindow = heldUpAtMost + callDeadline + 45*time.Second + 40*time.Second + 2*time.Second
	// cleanReads is how many reads must find nothing before a part counts as absent.
	cleanReads = 2
	// clockSkew is how far the network's clock may be behind ours.
	clockSkew = 5 * time.Second
	// twinWithin is how much older than the attempt a post with its text may be
	// and still keep it from being sent anew: the network's clock may be wrong by
	// a time zone, and a network refuses what was posted on the same day.
	twinWithin = 24 * time.Hour
	// blindLooks is how many looks may fail before a person is asked; looking goes on.
	blindLooks = 5
	// maxAbsent bounds how often a part is sent anew after it was proved absent.
	maxAbsent = 3
	// fullPage is how many posts one read returns at the most.
	fullPage = 100
)

// lookAfter is how long to wait after look n (from 1).
func lookAfter(n int) time.Duration {
	waits := []time.Duration{15 * time.Second, 40 * time.Second, time.Minute, 5 * time.Minute}
	return waits[min(max(n, 1), len(waits))-1]
}

// Reconcile handles one message about an unknown post: it reads the account
// back and decides only on proof. It never sends. Errors: Unavailable when the
// database is away.
func (s *Service) Reconcile(ctx context.Context, m queue.Message) error {
	ref := store.PostRef{WorkspaceID: m.WorkspaceID, PostID: post.ID(m.SubjectID), CorrelationID: m.CorrelationID}
	var turn store.Reconcile
	var mine bool
	var view store.Sending
	err := s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if turn, mine, err = tx.ClaimReconcile(ctx, ref, lookLease); err != nil || !mine {
			return err
		}
		view, err = tx.LoadSending(ctx, ref.WorkspaceID, ref.PostID)
		return err
	})
	if err != nil || !mine {
		return err
	}
	killpoint.Here("reconcile.claimed")
	look := look{ref: store.Ref(view.Post), view: view, turn: turn}
	for _, a := range view.Attempts {
		if a.State == post.AttemptUnknown {
			look.attempt = a
		}
	}
	look.since, look.sinceID = look.attempt.StartedAt, look.attempt.SinceID
	// An earlier attempt that was taken for absent may have been shown since.
	for _, a := range view.Attempts {
		if a.Part == look.attempt.Part && a.State == post.AttemptAbsent && a.StartedAt.Before(look.since) {
			look.since, look.sinceID = a.StartedAt, a.SinceID
		}
	}
	if look.attempt.ID == uuid.Nil {
		return s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error { return s.recoverLocked(ctx, tx, look.ref) })
	}
	found, proved, err := s.read(ctx, &look)
	killpoint.Here("reconcile.read")
	if err != nil {
		return s.blind(ctx, look, err)
	}
	if found != nil {
		return s.adopt(ctx, look, *found)
	}
	return s.absent(ctx, look, proved)
}

// look is one turn at reading an account back for one unknown part.
type look struct {
	ref     store.PostRef
	view    store.Sending
	attempt post.Attempt
	turn    store.Reconcile
	// since and sinceID are when, and behind which post, the part can have become
	// public at the earliest.
	since   time.Time
	sinceID string
	// phase is how far what was staged has come, on a network that publishes in
	// two steps.
	phase platform.Phase
	// twin is a post with the same text that seems to be older than the attempt.
	twin *platform.RemotePost
}

// read looks for the part among the account's posts. proved says that its not
// being there counts: the page reached back to the attempt, and the network does
// not say otherwise.
func (s *Service) read(ctx context.Context, l *look) (found *platform.RemotePost, proved bool, err error) {
	publisher, ok := s.Publishers[l.view.Network]
	if !ok {
		return nil, false, apperr.New(apperr.Forbidden, "network_not_configured", "Rostrum is not set up to read this network")
	}
	token, err := s.Tokens.AccessToken(ctx, l.ref.WorkspaceID, l.view.Post.AccountID)
	if err != nil {
		return nil, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	target := platform.Target{Network: l.view.Network, RemoteID: l.view.RemoteID, Handle: l.view.Handle, AccessToken: token}
	heard := store.Heard{WorkspaceID: l.ref.WorkspaceID, AccountID: l.view.Post.AccountID, Network: l.view.Network}
	target.Heard = func(quotas []throttle.Quota) { heard.Quotas = append(heard.Quotas, quotas...) }
	// Asked before the account is read: what is published in between is found there.
	unasked := s.askStage(ctx, l, publisher, target)
	posts, err := publisher.RecentPosts(ctx, target, l.sinceID)
	if err != nil {
		return nil, false, err
	}
	ids := make([]string, len(posts))
	for i, p := range posts {
		ids[i] = p.ID
	}
	var owned map[string]bool
	err = s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Hear(ctx, []store.Heard{heard}); err != nil {
			return err
		}
		var err error
		owned, err = tx.OwnedRemoteIDs(ctx, l.ref.WorkspaceID, l.view.Post.AccountID, ids)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	if found, l.twin = match(*l, posts, owned); found == nil && unasked != nil {
		return nil, false, unasked
	}
	proved = len(posts) < fullPage || reachesBack(posts, l.since.Add(-clockSkew))
	return found, proved && l.phase != platform.StagePublished && l.phase != platform.StagePending, nil
}

// reachesBack reports whether the last post of a page, the oldest, was made before
// a time. One that has no date says nothing about what follows it.
func reachesBack(posts []platform.RemotePost, before time.Time) bool {
	last := posts[len(posts)-1].CreatedAt
	return !last.IsZero() && last.Before(before)
}

// match finds the oldest post that can only be this attempt's: the same text,
// the same parent, not older than the attempt, and owned by no other delivery.
// twin is one that is like it but for its time. A reply needs no time: nothing
// answers our own post in our words but we.
func match(l look, posts []platform.RemotePost, owned map[string]bool) (found, twin *platform.RemotePost) {
	want := platform.Normalize(l.view.Post.Version.Content.Parts[l.attempt.Part].Text)
	for i, p := range posts {
		if owned[p.ID] || p.ReplyTo != l.attempt.ReplyTo || platform.Normalize(p.Text) != want {
			continue
		}
		switch {
		case p.ReplyTo != "" || !p.CreatedAt.Before(l.since.Add(-clockSkew)):
			if found == nil || p.CreatedAt.Before(found.CreatedAt) {
				found = &posts[i]
			}
		case p.CreatedAt.IsZero() || p.CreatedAt.After(l.since.Add(-twinWithin)):
			twin = &posts[i]
		}
	}
	return found, twin
}

// underLock runs fn if the post is still unknown with the same open attempt.
func (s *Service) underLock(ctx context.Context, l look, fn func(context.Context, *store.Tx, post.Post) error) error {
	defer killpoint.Here("reconcile.committed")
	return s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		defer killpoint.Here("reconcile.before_commit")
		p, err := tx.LockPost(ctx, l.ref.WorkspaceID, l.ref.PostID)
		if err != nil || p.State != post.Unknown {
			return err
		}
		live, ok, err := tx.LiveAttempt(ctx, l.ref)
		if err != nil || !ok || live.ID != l.attempt.ID {
			return err
		}
		return fn(ctx, tx, p)
	})
}

// adopt takes the post that was found as this attempt's.
func (s *Service) adopt(ctx context.Context, l look, found platform.RemotePost) error {
	return s.underLock(ctx, l, func(ctx context.Context, tx *store.Tx, p post.Post) error {
		at := found.CreatedAt
		// The network's clock may be behind ours or ahead of it, or show whole seconds.
		if at.Before(l.attempt.StartedAt) {
			at = l.attempt.StartedAt
		} else if at.After(l.view.Now) {
			at = l.view.Now
		}
		err := tx.SettleAttempt(ctx, p.WorkspaceID, store.Settlement{
			AttemptID: l.attempt.ID, To: post.AttemptAccepted, RemoteID: found.ID, RemoteURL: found.URL,
			Code: l.attempt.Code, Detail: "Found on the account by reading it back.", SettledBy: "read_back", At: at,
		})
		if err != nil {
			return err
		}
		err = tx.RecordPost(ctx, l.ref, actor(p.WorkspaceID), "attempt.found", map[string]any{"part": l.attempt.Part, "remote_id": found.ID, "looks": l.turn.Tries})
		if err != nil {
			return err
		}
		if l.attempt.Part == len(p.Version.Content.Parts)-1 {
			return s.finish(ctx, tx, store.Publication{PostRef: l.ref, At: at})
		}
		return s.requeue(ctx, tx, l.ref, p.Revision, store.Requeue{})
	})
}

// absent counts a read that found nothing, and sends the part anew once enough
// of them span the time in which it could still have appeared.
func (s *Service) absent(ctx context.Context, l look, proved bool) error {
	return s.underLock(ctx, l, func(ctx context.Context, tx *store.Tx, p post.Post) error {
		if l.phase == platform.StagePublished {
			return s.lookAgain(ctx, tx, l, lookAfter(l.turn.Tries), 0,
				"The network says that the post is public, but does not list it on the account so far.", l.turn.Tries >= blindLooks)
		}
		clean := l.turn.CleanReads
		if proved {
			clean++
		}
		// As it was before the read began: a read may take seconds, and what was
		// accepted in them is not in it (infra/model/sending.pml, BUG=5).
		age := l.view.Now.Sub(l.attempt.StartedAt)
		if clean < cleanReads || age < settleWindow {
			wait := lookAfter(l.turn.Tries)
			if clean+1 >= cleanReads {
				wait = max(min(wait, settleWindow-age+time.Second), time.Second)
			}
			detail := "Looked " + often(l.turn.Tries) + "; the post is not on the account so far."
			return s.lookAgain(ctx, tx, l, wait, clean, detail, !proved && l.turn.Tries >= blindLooks)
		}
		if l.attempt.Code == "duplicate_content" {
			return s.lookAgain(ctx, tx, l, time.Hour, clean,
				"The network says that this text is there already, but the account does not show it. Look at the account and decide.", true)
		}
		if l.twin != nil {
			return s.lookAgain(ctx, tx, l, time.Hour, clean, "The account shows this very text, but dated before Rostrum sent it: "+
				l.twin.URL+" Look whether that is this post, and decide.", true)
		}
		return s.sendAnew(ctx, tx, l, p, clean)
	})
}

// often is how many times, in words.
func often(times int) string {
	if times == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", times)
}

func (s *Service) sendAnew(ctx context.Context, tx *store.Tx, l look, p post.Post, clean int) error {
	vanished := 0
	for _, a := range l.view.Attempts {
		if a.Part == l.attempt.Part && a.State == post.AttemptAbsent {
			vanished++
		}
	}
	err := tx.SettleAttempt(ctx, p.WorkspaceID, store.Settlement{
		AttemptID: l.attempt.ID, To: post.AttemptAbsent, Code: l.attempt.Code, SettledBy: "read_back",
		Detail: fmt.Sprintf("Not on the account in %d reads.", clean),
	})
	if err != nil {
		return err
	}
	err = tx.RecordPost(ctx, l.ref, actor(p.WorkspaceID), "attempt.absent", map[string]any{"part": l.attempt.Part, "reads": clean})
	if err != nil {
		return err
	}
	if vanished+1 >= maxAbsent {
		err := tx.FailPost(ctx, l.ref, "kept_vanishing", "Three tries to send this ended without a clear answer, and the account shows none of them. Rostrum has stopped, so that it cannot go out twice. Look at the account, then try again.")
		if err != nil {
			return err
		}
		return tx.RecordPost(ctx, l.ref, actor(p.WorkspaceID), "post.failed", map[string]any{"code": "kept_vanishing"})
	}
	return s.requeue(ctx, tx, l.ref, p.Revision, store.Requeue{Hold: post.HeldRetry})
}

// blind is a look that could not see. It proves nothing, so it never leads to a
// resend; after a while a person is asked.
func (s *Service) blind(ctx context.Context, l look, cause error) error {
	s.Logger.LogAttrs(ctx, slog.LevelWarn, "account could not be read back", slog.String("post_id", l.ref.PostID.String()),
		slog.Int("look", l.turn.Tries), slog.String("error", cause.Error()), slog.String("correlation_id", l.ref.CorrelationID.String()))
	wait, detail, person := lookAfter(l.turn.Tries), "The account could not be read just now; the next look follows.", l.turn.Tries >= blindLooks
	if person {
		detail = fmt.Sprintf("The account could not be read in %d looks, and looking goes on. Wait, or look at the account and decide.", l.turn.Tries)
	}
	if e := apperr.As(cause); e != nil {
		switch e.Kind {
		case apperr.RateLimited:
			wait = max(wait, min(e.RetryAfter, time.Hour))
		case apperr.Forbidden, apperr.Unauthenticated:
			wait, person = 5*time.Minute, true
			detail = "Rostrum may not read this account, so it cannot tell whether the post is there. Look at the account and decide."
		default:
		}
	}
	return s.underLock(ctx, l, func(ctx context.Context, tx *store.Tx, _ post.Post) error {
		return s.lookAgain(ctx, tx, l, wait, l.turn.CleanReads, detail, person)
	})
}

func (s *Service) lookAgain(ctx context.Context, tx *store.Tx, l look, wait time.Duration, clean int, detail string, person bool) error {
	if err := tx.NextReconcile(ctx, l.ref, wait, clean, detail, person); err != nil {
		return err
	}
	if person && !l.turn.NeedsPerson {
		if err := tx.RecordPost(ctx, l.ref, actor(l.ref.WorkspaceID), "post.needs_person", map[string]any{"why": detail}); err != nil {
			return err
		}
	}
	if wait > longestDelay {
		return nil // The tick finds it.
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	return enqueueLook(ctx, tx, l.ref, now.Add(wait))
}
