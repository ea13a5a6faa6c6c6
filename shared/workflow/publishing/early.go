package publishing

import (
	"context"
	"slices"

	"rostrum/shared/post"
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
	return s.unmoved(ctx, j, func(ctx context.Context, tx *store.Tx, p post.Post) error {
		if !slices.Contains(waiting, p.Hold) {
			return nil
		}
		return s.putBack(ctx, tx, j, p, store.Requeue{})
	})
}
