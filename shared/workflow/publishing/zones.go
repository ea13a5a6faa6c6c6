package publishing

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/outbox"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
)

// followZones moves planned posts to the moments that their wall clocks come to
// by the zone rules of this build, once a process: rules change with a build, and
// two builds that run side by side must not move posts to and fro.
func (s *Service) followZones(ctx context.Context) error {
	if s.zonesFollowed.Load() {
		return nil
	}
	var planned []schedule.Time
	err := s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		planned, err = tx.ZonedMoments(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for _, was := range planned {
		shown, err := schedule.At(was.At, was.Zone)
		if err == nil && shown.Local == was.Local {
			// Also the second of two moments that the clocks show alike, to which a
			// post comes that kept its moment when its account's zone changed.
			continue
		}
		now, err := schedule.Resolve(was.Local, was.Zone)
		if err != nil {
			// A zone that this build does not know: the moment stands.
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "zone not known", slog.String("zone", was.Zone), slog.String("error", err.Error()))
			continue
		}
		if now.At.Equal(was.At) {
			continue
		}
		if err := s.moveMoment(ctx, was, now); err != nil {
			return err
		}
	}
	s.zonesFollowed.Store(true)
	return nil
}

func (s *Service) moveMoment(ctx context.Context, was, now schedule.Time) error {
	return s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		moved, err := tx.MoveMoment(ctx, was, now.At, now.Local)
		if err != nil {
			return err
		}
		at, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		for _, m := range moved {
			err := tx.RecordPost(ctx, m.PostRef, actor(m.WorkspaceID), "post.zone_rules_changed", map[string]any{
				"zone": was.Zone, "local": now.Local, "from": was.At.Format(time.RFC3339), "due_at": now.At.Format(time.RFC3339),
			})
			if err == nil && m.State == post.InReview {
				// The reviewer's message is of the revision before.
				err = outbox.Enqueue(ctx, tx, queue.Review, queue.Message{
					Kind: queue.ReviewPost, WorkspaceID: m.WorkspaceID, SubjectID: uuid.UUID(m.PostID), Revision: m.Revision, CorrelationID: m.CorrelationID,
				}, at)
			}
			if err != nil {
				return err
			}
		}
		s.Logger.LogAttrs(ctx, slog.LevelInfo, "posts moved with their zone's rules", slog.String("zone", was.Zone), slog.Int("posts", len(moved)),
			slog.Time("from", was.At), slog.Time("to", now.At))
		return nil
	})
}
