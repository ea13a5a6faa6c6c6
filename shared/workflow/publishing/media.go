package publishing

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/blob"
	"rostrum/shared/killpoint"
	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/publication"
	"rostrum/shared/store"
)

const (
	// uploadWait is how long an upload that did not work rests.
	uploadWait = 15 * time.Second
	// grantWait is how long a post waits for its account to be connected again.
	grantWait = 5 * time.Minute
	// maxMediaGone bounds how often a network may forget what it was given.
	maxMediaGone = 5
)

// uploadMedia brings the images of the parts that are not out yet to the
// network, where nobody sees them: it comes before the intent, may be repeated,
// and none of its failures leaves anything unknown. Each is recorded by itself,
// so that a repeat goes on where this one ended. It reports false when the post
// cannot go now; its row then says why.
func (s *Service) uploadMedia(ctx context.Context, j *job) (bool, error) {
	// What is not approved as it is stands held by the intent, and no network
	// needs to see its images.
	if !j.illustrated() || j.view.ApprovedHash != j.hash {
		return true, nil
	}
	known, err := s.knownMedia(ctx, j.ref)
	if err != nil {
		return false, err
	}
	for part, p := range j.parts {
		if j.remote[part] != "" {
			continue
		}
		for position, m := range p.Media {
			want := store.NetworkMedia{Part: part, Position: position, Digest: m.Digest, Alt: m.Alt}
			id, uploaded := known[want]
			want.RemoteID = id
			if !uploaded {
				ok, err := s.uploadOne(ctx, j, m, &want)
				if err != nil || !ok {
					return false, err
				}
			}
			j.media[part] = append(j.media[part], want.RemoteID)
		}
	}
	return true, nil
}

func (j *job) illustrated() bool {
	content := post.Content{Parts: j.parts}
	return content.HasMedia()
}

// knownMedia returns the ids of what was uploaded for a post and lives, by what
// it is of.
func (s *Service) knownMedia(ctx context.Context, ref store.PostRef) (map[store.NetworkMedia]string, error) {
	var list []store.NetworkMedia
	err := s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		list, err = tx.NetworkMedia(ctx, ref.WorkspaceID, ref.PostID)
		return err
	})
	known := make(map[store.NetworkMedia]string, len(list))
	for _, m := range list {
		id := m.RemoteID
		m.RemoteID = ""
		known[m] = id
	}
	return known, err
}

// uploadOne reads an image, holds it to the digest that was approved, and
// uploads it.
func (s *Service) uploadOne(ctx context.Context, j *job, m post.Media, want *store.NetworkMedia) (bool, error) {
	if s.Files == nil {
		return false, s.later(ctx, j, store.Requeue{
			Wait: grantWait, Hold: post.HeldRetry, Code: "no_media", Detail: "Rostrum is not set up to keep images, so it has none to send.",
		})
	}
	data, err := s.Files.Read(ctx, blob.MediaKey(j.ref.WorkspaceID, m.ID, m.Digest), platform.MaxImageBytes)
	switch {
	case apperr.Is(err, apperr.NotFound):
		return false, s.giveUp(ctx, j, "media_missing", "An image of this post is not stored any more. Nothing was posted. Add it again and ask for approval.")
	case apperr.Is(err, apperr.TooLarge), err == nil && blob.Digest(data) != m.Digest:
		return false, s.giveUp(ctx, j, "media_changed", "The stored image is not the one that was approved. Nothing was posted. Add it again and ask for approval.")
	case err != nil:
		return false, s.notUploaded(ctx, j, want.Part, err)
	}
	bounded, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	url, err := s.fileURL(ctx, j, m)
	if err != nil {
		return false, s.notUploaded(ctx, j, want.Part, err)
	}
	uploaded, err := j.publisher.UploadMedia(bounded, platform.MediaUpload{
		Target: j.target, Type: m.Type, Data: data, URL: url, Of: len(j.parts[want.Part].Media), Alt: m.Alt,
	})
	if err != nil {
		return false, s.notUploaded(ctx, j, want.Part, err)
	}
	killpoint.Here("media.uploaded")
	want.RemoteID = uploaded.RemoteID
	err = s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.SaveNetworkMedia(ctx, j.ref.WorkspaceID, j.ref.PostID, *want, uploaded.Lives)
	})
	return err == nil, err
}

// notUploaded says on the post why an image is not on the network. Nothing is
// public, whatever the reason.
func (s *Service) notUploaded(ctx context.Context, j *job, part int, cause error) error {
	e := apperr.As(cause)
	if e != nil && e.Code == mediaProcessing {
		return s.later(ctx, j, processing(4*e.RetryAfter))
	}
	s.Logger.LogAttrs(ctx, slog.LevelWarn, "image not uploaded", slog.String("post_id", j.ref.PostID.String()),
		slog.String("error", cause.Error()), slog.String("correlation_id", j.ref.CorrelationID.String()))
	q := store.Requeue{
		Wait: uploadWait, Hold: post.HeldRetry, Code: "upload_failed",
		Detail: "An image could not be brought to the network. Nothing was posted.",
	}
	if e == nil {
		return s.later(ctx, j, q)
	}
	switch e.Kind {
	case apperr.NotFound, apperr.Unavailable:
		if _, ok := j.publisher.(platform.Stager); ok && (e.Code == mediaUnreachable || e.Kind == apperr.NotFound) {
			return s.refused(ctx, j, part, e)
		}
	case apperr.Invalid:
		return s.giveUp(ctx, j, e.Code, e.Message+" Nothing was posted. Change or remove the image.")
	case apperr.Forbidden:
		q.Wait, q.Hold, q.Code, q.NeedsPerson = grantWait, post.HeldReauth, e.Code, true
		q.Detail = "The network does not let Rostrum upload images for this account. Connect the account again."
		if e.Hint != "" {
			q.Detail = e.Message + " " + e.Hint
		}
	case apperr.RateLimited:
		q.Wait, q.Hold, q.Code, q.Detail = max(e.RetryAfter, time.Second), post.HeldRateLimit, e.Code, "The network asks to wait before more images are uploaded."
	case apperr.Unauthenticated:
		if err := s.Tokens.Reject(ctx, j.ref.WorkspaceID, j.view.Post.AccountID); err != nil {
			return fmt.Errorf("reject the token of post %s: %w", j.ref.PostID, err)
		}
	default:
	}
	return s.later(ctx, j, q)
}

// later puts a scheduled post back on the queue.
func (s *Service) later(ctx context.Context, j *job, q store.Requeue) error {
	return s.unmoved(ctx, j, func(ctx context.Context, tx *store.Tx, p post.Post) error { return s.putBack(ctx, tx, j, p, q) })
}

// unmoved runs fn under the post's lock if the post is scheduled as the job read
// it and no attempt was begun since. Of several visits at once that found the
// same, one puts the post back or counts a try; that one left a message, or
// whoever edited the post. not_before alone does not tell: it may be brought
// forward, so that it is earlier after an attempt than before.
func (s *Service) unmoved(ctx context.Context, j *job, fn func(context.Context, *store.Tx, post.Post) error) error {
	return s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := tx.LockPost(ctx, j.ref.WorkspaceID, j.ref.PostID)
		if err != nil || p.State != post.Scheduled || p.Revision != j.view.Post.Revision || p.AttemptNo != j.view.Post.AttemptNo {
			return err
		}
		if was := j.view.Post.NotBefore; p.NotBefore != nil && (was == nil || p.NotBefore.After(*was)) {
			return nil
		}
		return fn(ctx, tx, p)
	})
}

// putBack is requeue for a job whose post is locked and scheduled. The messages
// of one that waits for a network are many: only the last that was left counts.
// A job that was early comes early again when it said why it is not ready and
// there is time, else with the message that sends.
func (s *Service) putBack(ctx context.Context, tx *store.Tx, j *job, p post.Post, q store.Requeue) error {
	at, err := tx.BackToScheduled(ctx, j.ref, q)
	if err != nil {
		return err
	}
	due := store.Due{PostRef: j.ref, Revision: p.Revision, SendAt: at}
	again := false
	if j.early && p.Schedule != nil {
		again = q.Hold != "" && at.Before(p.Schedule.DueAt.Add(-longestWait))
		if at.Before(p.Schedule.DueAt) {
			due.SendAt = p.Schedule.DueAt
		}
	}
	d := publication.HandOut(due)[0]
	if again {
		d.Message.Early, d.At = true, at
	}
	d.Message.Turn = at.UnixMicro()
	return outbox.EnqueueAll(ctx, tx, []outbox.Delivery{d})
}

// writeMediaGone has a part's images uploaded anew: the network did not know
// one, so nothing is public.
func (s *Service) writeMediaGone(ctx context.Context, tx *store.Tx, r settled) error {
	if r.judged.Tries+1 >= maxMediaGone {
		return s.writeFailed(ctx, tx, r, r.outcome.Code, "The network forgot an image each time it was uploaded.")
	}
	if err := tx.ForgetNetworkMedia(ctx, r.job.ref.WorkspaceID, r.job.ref.PostID); err != nil {
		return err
	}
	return s.writeRetry(ctx, tx, r, post.AttemptRefused, store.Requeue{Wait: time.Second, Hold: post.HeldRetry})
}
