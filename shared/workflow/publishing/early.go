package publishing

import (
	"context"
	"slices"

	"rostrum/shared/outbox"
	"rostrum/shared/post"
	"rostrum/shared/publication"
	"rostrum/shared/queue"
	"rostrum/shared/store"
)

// makeReady brings a post's images to the network well before it is due, so that
// at its second only the one visible call is left. It never makes that call, and
// the message that does waits for nothing of it: what is not ready by then is
// made ready then. After an edit, a pause or a cancel, what it brought is seen by
// nobody and forgotten there.
func (s *Service) makeReady(ctx context.Context, view store.Sending) error {
	// What a person or a rule keeps back is left alone until it is let go.
	waiting := []post.HoldReason{post.HeldRetry, post.HeldRateLimit}
	if view.Post.Hold != "" && !slices.Contains(waiting, view.Post.Hold) || !view.Post.Version.Content.HasMedia() {
		return nil
	}
	j := &job{view: view, early: true}
	if ready, err := s.fill(ctx, j); err != nil || !ready || view.Post.Hold == "" {
		return err
	}
	// What an earlier visit said is over.
	return s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := tx.LockPost(ctx, j.ref.WorkspaceID, j.ref.PostID)
		if err != nil || p.State != post.Scheduled || p.Revision != view.Post.Revision || !slices.Contains(waiting, p.Hold) {
			return err
		}
		return s.putBack(ctx, tx, j, p, store.Requeue{})
	})
}

// backEarly puts a post that is not due yet back. It comes early again when it
// said why it is not ready and there is time, else with the message that sends.
func (s *Service) backEarly(ctx context.Context, tx *store.Tx, j *job, p post.Post, q store.Requeue) error {
	at, err := tx.BackToScheduled(ctx, j.ref, q)
	if err != nil {
		return err
	}
	due := store.Due{PostRef: j.ref, Revision: p.Revision, SendAt: at}
	if q.Hold != "" && p.Schedule != nil && at.Before(p.Schedule.DueAt.Add(-longestWait)) {
		m := publication.HandOut(due)[0].Message
		m.Early = true
		return outbox.EnqueueAll(ctx, tx, []outbox.Delivery{{Queue: queue.Publish, Message: m, At: at}})
	}
	if p.Schedule != nil && at.Before(p.Schedule.DueAt) {
		due.SendAt = p.Schedule.DueAt
	}
	return enqueue(ctx, tx, due)
}
