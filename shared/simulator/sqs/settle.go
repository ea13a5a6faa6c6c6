package sqs

import (
	"context"
	"time"
)

// The actions with a receipt handle.

func (s *Server) deleteMessage(_ context.Context, _ string, in deleteIn) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, err
	}
	return answer{body: empty{}}, q.deleteByHandle(in.ReceiptHandle)
}

func (s *Server) deleteMessageBatch(_ context.Context, _ string, in handleBatchIn) (answer, error) {
	return s.eachHandle(in, func(q *queue, e handleEntry) error { return q.deleteByHandle(e.ReceiptHandle) })
}

func (s *Server) changeMessageVisibility(_ context.Context, _ string, in changeVisibilityIn) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, err
	}
	return answer{body: empty{}}, q.changeVisibility(in.ReceiptHandle, in.VisibilityTimeout)
}

func (s *Server) changeMessageVisibilityBatch(_ context.Context, _ string, in handleBatchIn) (answer, error) {
	return s.eachHandle(in, func(q *queue, e handleEntry) error {
		return q.changeVisibility(e.ReceiptHandle, e.VisibilityTimeout)
	})
}

func (s *Server) eachHandle(in handleBatchIn, do func(*queue, handleEntry) error) (answer, error) {
	ids := make([]string, 0, len(in.Entries))
	for _, e := range in.Entries {
		ids = append(ids, e.Id)
	}
	if err := checkBatch(ids); err != nil {
		return answer{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, err
	}
	var out batchOut[entryResult]
	for _, e := range in.Entries {
		out.add(e.Id, entryResult{e.Id}, do(q, e))
	}
	return answer{body: out}, nil
}

// deleteByHandle deletes the message, also when its visibility timeout has run
// out and no one has received it since. A handle that a later receive has
// replaced deletes nothing and is no error: the message is another's by now.
func (q *queue) deleteByHandle(handle string) error {
	if handle == "" {
		return missing("ReceiptHandle")
	}
	if _, ok := parseHandle(q.name, handle); !ok {
		return badHandle()
	}
	if m := q.holder(handle); m != nil {
		q.remove(m)
		q.settle(q.server.now())
	}
	return nil
}

func (q *queue) changeVisibility(handle string, timeoutSeconds *int) error {
	if handle == "" {
		return missing("ReceiptHandle")
	}
	if timeoutSeconds == nil {
		return missing("VisibilityTimeout")
	}
	if _, err := within(timeoutSeconds, 0, "VisibilityTimeout", 0, int(maxVisibility/time.Second)); err != nil {
		return err
	}
	if _, ok := parseHandle(q.name, handle); !ok {
		return badHandle()
	}
	now := q.server.now()
	q.advance(now)
	m := q.holder(handle)
	if m == nil {
		return invalidValue("Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.")
	}
	if m.state != inFlight {
		return sender("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", "The message is not in flight.")
	}
	q.detach(m)
	q.hide(m, inFlight, now.Add(time.Duration(*timeoutSeconds)*time.Second))
	q.settle(now)
	return nil
}
