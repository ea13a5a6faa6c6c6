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
	// fewAhead is how many posts of a workspace arrive before the second in which
	// they are due: half of what a process has places for.
	fewAhead = 50
)

// HandOut returns the messages that bring a post to a sender: one just before
// its time, and for a post with images one before it, for making it ready. The
// second waits for nothing of the first.
func HandOut(due store.Due) []outbox.Delivery { return handOut(due, Lead) }

// Crowd hands out posts that fall due together. Those of a workspace beyond the
// first fifty of a second come without a lead: a post that comes early waits in
// one of the senders' places, and thousands would wait in all of them while
// another's post has its second. Its zero value is ready; it is for one tick.
type Crowd struct{ ahead map[second]int }

type second struct {
	workspace uuid.UUID
	unix      int64
}

// HandOut is HandOut for a post of the crowd.
func (c *Crowd) HandOut(due store.Due) []outbox.Delivery {
	if c.ahead == nil {
		c.ahead = map[second]int{}
	}
	s := second{due.WorkspaceID, due.SendAt.Unix()}
	if c.ahead[s] == fewAhead {
		return handOut(due, 0)
	}
	c.ahead[s]++
	return handOut(due, Lead)
}

func handOut(due store.Due, lead time.Duration) []outbox.Delivery {
	m := queue.Message{
		Kind: queue.PublishPost, WorkspaceID: due.WorkspaceID, SubjectID: uuid.UUID(due.PostID),
		Revision: due.Revision, CorrelationID: due.CorrelationID,
	}
	send := outbox.Delivery{Queue: queue.Publish, At: due.SendAt.Add(-lead), Message: m}
	if !due.Illustrated {
		return []outbox.Delivery{send}
	}
	m.Early = true
	return []outbox.Delivery{{Queue: queue.Publish, At: due.SendAt.Add(-Ahead), Message: m}, send}
}
