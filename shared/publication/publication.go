// Package publication ends the sending of a post: the one way to published,
// whether the network said so, a reading of the account, or a person.
package publication

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/audit"
	"rostrum/shared/outbox"
	"rostrum/shared/queue"
	"rostrum/shared/store"
)

// longestDelay is the longest delay a queue takes; readings beyond it are left
// to the schedule.
const longestDelay = 15 * time.Minute

// Finish marks posts published, plans their readings at the ages given, and
// records it. The readings travel by messages of their own, so that nothing
// after a publication leads back into it. Errors are those of
// store.Tx.FinishPosts, each for all of them.
func Finish(ctx context.Context, tx *store.Tx, actor audit.Actor, ages []time.Duration, all ...store.Publication) error {
	if err := tx.FinishPosts(ctx, all); err != nil {
		return err
	}
	if err := tx.PlanReadings(ctx, all, ages); err != nil {
		return err
	}
	near := slices.DeleteFunc(slices.Clone(ages), func(age time.Duration) bool { return age > longestDelay })
	var deliveries []outbox.Delivery
	events := make([]audit.Event, len(all))
	for i, p := range all {
		events[i] = store.PostEvent(p.PostRef, actor, "post.published", nil)
		for _, age := range near {
			deliveries = append(deliveries, outbox.Delivery{Queue: queue.Metrics, At: p.At.Add(age).Add(time.Second), Message: queue.Message{
				Kind: queue.ReadMetrics, WorkspaceID: p.WorkspaceID, SubjectID: uuid.UUID(p.PostID), CorrelationID: p.CorrelationID,
			}})
		}
	}
	if err := outbox.EnqueueAll(ctx, tx, deliveries); err != nil {
		return err
	}
	return tx.Record(ctx, events...)
}
