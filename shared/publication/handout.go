package publication

import (
	"time"

	"github.com/google/uuid"

	"rostrum/shared/outbox"
	"rostrum/shared/queue"
	"rostrum/shared/store"
)

const (
	// Lead is how long before its time a post's message should arrive.
	Lead = time.Second
	// Ahead is how long before its time a post with images is made ready: they
	// take longer to bring to a network than the second before.
	Ahead = 90 * time.Second
)

// HandOut returns the messages that bring a post to a sender: one just before
// its time, and for a post with images one before it, for making it ready. The
// second waits for nothing of the first.
func HandOut(due store.Due) []outbox.Delivery {
	m := queue.Message{
		Kind: queue.PublishPost, WorkspaceID: due.WorkspaceID, SubjectID: uuid.UUID(due.PostID),
		Revision: due.Revision, CorrelationID: due.CorrelationID,
	}
	send := outbox.Delivery{Queue: queue.Publish, At: due.SendAt.Add(-Lead), Message: m}
	if !due.Illustrated {
		return []outbox.Delivery{send}
	}
	m.Early = true
	return []outbox.Delivery{{Queue: queue.Publish, At: due.SendAt.Add(-Ahead), Message: m}, send}
}
