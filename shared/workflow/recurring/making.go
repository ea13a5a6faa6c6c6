package recurring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/outbox"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
)

const (
	// maxTick bounds the recurrences of one tick, maxRounds what is made of one
	// of them; the next tick goes on.
	maxTick   = 200
	maxRounds = 10
	// rulesMoveAtMost is how far new rules of a zone move a wall clock: a country
	// may change sides of the date line.
	rulesMoveAtMost = 25 * time.Hour
)

// Make is the schedule's task: it makes the posts of all recurrences that fall
// due within the next two weeks. It needs the worker's role. Errors: those of
// the store, joined; what could be made was made.
func (s *Service) Make(ctx context.Context) error {
	var due []store.RecurrenceRef
	err := s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		due, err = tx.RecurrencesToMake(ctx, Ahead, maxTick)
		return err
	})
	if err != nil {
		return fmt.Errorf("find recurrences: %w", err)
	}
	var errs []error
	for _, ref := range due {
		if err := s.makeAll(ctx, ref); err != nil {
			errs = append(errs, fmt.Errorf("make posts of recurrence %s: %w", ref.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Service) makeAll(ctx context.Context, ref store.RecurrenceRef) error {
	for range maxRounds {
		more := false
		err := s.Relay.InWorkspace(ctx, ref.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.LockAccount(ctx, ref.WorkspaceID, ref.AccountID); err != nil {
				return err
			}
			r, err := tx.LockRecurrence(ctx, ref.WorkspaceID, ref.ID)
			if apperr.Is(err, apperr.NotFound) {
				// Removed since it was found.
				return nil
			}
			if err != nil || r.State != store.RecurrenceActive {
				return err
			}
			more, err = s.make(ctx, tx, r)
			return err
		})
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// make makes the posts of a locked, active recurrence from its next occurrence
// to Ahead from now, at most maxAtOnce, and reports whether there are more. The
// account's row is locked too.
func (s *Service) make(ctx context.Context, tx *store.Tx, r store.Recurrence) (more bool, err error) {
	rule, err := schedule.NewRecurrence(r.Rule, r.StartLocal, r.Zone)
	if err != nil {
		return false, err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return false, err
	}
	list := toMake(rule, r.NextAt, now)
	// The last that was read is not made: it is where the next round begins.
	upTo := slices.IndexFunc(list, func(o schedule.Occurrence) bool { return o.At.After(now.Add(Ahead)) })
	if upTo < 0 {
		upTo = min(len(list), maxAtOnce)
	}
	asked := make([]string, upTo)
	for i, o := range list[:upTo] {
		asked[i] = o.Asked
	}
	made, err := tx.MadeOccurrences(ctx, r.WorkspaceID, r.ID, asked)
	if err != nil {
		return false, err
	}
	for _, o := range list[:upTo] {
		if slices.Contains(made, o.Asked) {
			continue
		}
		if err := makeOne(ctx, tx, r, o); err != nil {
			return false, fmt.Errorf("make post for %s: %w", o.Asked, err)
		}
	}
	var next *time.Time
	if upTo < len(list) {
		next, more = &list[upTo].At, !list[upTo].At.After(now.Add(Ahead))
	}
	return more, tx.AdvanceRecurrence(ctx, r.WorkspaceID, r.ID, next)
}

// toMake returns the occurrences from the next one, one more than are made at once.
func toMake(rule schedule.Recurrence, next *time.Time, now time.Time) []schedule.Occurrence {
	if next == nil || !next.After(now) {
		return rule.Next(now, maxAtOnce+1)
	}
	list := rule.Next(next.Add(-time.Nanosecond), maxAtOnce+1)
	if len(list) > 0 && list[0].At.Equal(*next) {
		return list
	}
	// The zone's rules have changed since: the date may be sooner by now.
	from := next.Add(-rulesMoveAtMost)
	if from.Before(now) {
		from = now
	}
	return rule.Next(from, maxAtOnce+1)
}

func makeOne(ctx context.Context, tx *store.Tx, r store.Recurrence, o schedule.Occurrence) error {
	p, err := tx.InsertPost(ctx, store.NewPost{
		AccountID: r.AccountID, Content: r.Content, Actor: r.CreatedBy,
		Schedule: &post.Schedule{DueAt: o.At, Local: o.Local, Zone: o.Zone},
	})
	if err != nil {
		return err
	}
	if err := tx.MarkOccurrence(ctx, p, r.ID, o.Asked); err != nil {
		return err
	}
	maker := audit.SystemActor(r.WorkspaceID, "recurrence")
	if err := tx.RecordPost(ctx, store.Ref(p), maker, "post.created", map[string]any{"version": p.Version.Number}); err != nil {
		return err
	}
	return submit(ctx, tx, maker, p)
}

// submit sends a draft to review.
func submit(ctx context.Context, tx *store.Tx, actor audit.Actor, p post.Post) error {
	p, err := tx.MovePost(ctx, p, post.InReview, post.Draft)
	if err != nil {
		return err
	}
	if err := tx.RecordPost(ctx, store.Ref(p), actor, "post.submitted", map[string]any{"version": p.Version.Number}); err != nil {
		return err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	return outbox.Enqueue(ctx, tx, queue.Review, queue.Message{
		Kind: queue.ReviewPost, WorkspaceID: p.WorkspaceID, SubjectID: uuid.UUID(p.ID), Revision: p.Revision, CorrelationID: p.CorrelationID,
	}, now)
}
