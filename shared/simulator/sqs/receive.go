package sqs

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// receiveMessage is the long poll: it looks, and while there is nothing it waits
// for the queue to wake it, for its time to end, or for its caller to go away.
func (s *Server) receiveMessage(ctx context.Context, _ string, in receiveIn) (answer, error) {
	limit, err := within(in.MaxNumberOfMessages, 1, "MaxNumberOfMessages", 1, maxBatch)
	if err != nil {
		return answer{}, err
	}
	if _, err := within(in.VisibilityTimeout, 0, "VisibilityTimeout", 0, int(maxVisibility/time.Second)); err != nil {
		return answer{}, err
	}
	if _, err := within(in.WaitTimeSeconds, 0, "WaitTimeSeconds", 0, int(maxWait/time.Second)); err != nil {
		return answer{}, err
	}
	wait, err := s.waitTime(in)
	if err != nil {
		return answer{}, err
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for last := wait == 0; ; {
		got, retry, err := s.look(in, limit, last)
		if err != nil || retry == nil {
			return got, err
		}
		select {
		case <-retry.woken:
		case <-timeout.C:
			last = true
		case <-ctx.Done():
			s.leave(retry)
			return answer{}, ctx.Err()
		case <-s.done:
			last = true
		}
		s.leave(retry)
	}
}

func (s *Server) waitTime(in receiveIn) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return 0, err
	}
	if in.WaitTimeSeconds != nil {
		return time.Duration(*in.WaitTimeSeconds) * time.Second, nil
	}
	return q.settings.wait, nil
}

// place is a long poll's place among the waiters of a queue.
type place struct {
	queue *queue
	woken <-chan struct{}
	leave func()
}

// look takes what there is. When there is nothing and it is not the last look,
// it returns a place among the waiters instead; the caller leaves it.
func (s *Server) look(in receiveIn, limit int, last bool) (answer, *place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, nil, err
	}
	now := s.now()
	visibility := q.settings.visibility
	if in.VisibilityTimeout != nil {
		visibility = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	full := q.inFlight >= maxInFlight
	if full && last {
		e := sender("OverLimit", "", "The queue has %d messages in flight.", q.inFlight)
		e.status = 403
		return answer{}, nil, e
	}
	var taken []*message
	if !full {
		taken = q.take(now, min(limit, maxInFlight-q.inFlight), visibility)
	}
	if len(taken) == 0 && !last && !s.closed {
		woken, element := q.wait(now)
		return answer{}, &place{queue: q, woken: woken, leave: func() { q.waiters.Remove(element) }}, nil
	}
	q.settle(now)
	out, handles := receiveOut{}, make([]string, 0, len(taken))
	for _, m := range taken {
		out.Messages = append(out.Messages, m.render(in))
		handles = append(handles, m.handle)
	}
	return answer{body: out, undo: func() { s.giveBack(q, handles) }}, nil, nil
}

// leave gives up a place. If the poll had been woken for a message that it will
// now not take, the next one in line is woken instead.
func (s *Server) leave(p *place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.leave()
	p.queue.settle(s.now())
}

// take receives up to limit messages. One that has been received as often as
// the redrive policy allows goes to the dead-letter queue instead.
func (q *queue) take(now time.Time, limit int, visibility time.Duration) []*message {
	q.advance(now)
	var taken []*message
	for len(taken) < limit {
		m := q.ready.next(now, q.inFlight)
		if m == nil {
			break
		}
		if dead := q.deadLetters(); dead != nil && m.receives >= q.settings.maxReceives {
			q.remove(m)
			m.source = q.arn()
			dead.add(m, now, 0)
			continue
		}
		if m.receives == 0 {
			m.firstReceivedAt = now
		}
		m.receives++
		q.sequence++
		m.handle = newHandle(q.name, m.id, q.sequence)
		q.hide(m, inFlight, now.Add(visibility))
		taken = append(taken, m)
	}
	return taken
}

// deadLetters returns the dead-letter queue, nil when there is no policy or the
// queue it names has been deleted.
func (q *queue) deadLetters() *queue {
	if q.settings.deadLetterARN == "" {
		return nil
	}
	return q.server.byARN(q.settings.deadLetterARN)
}

// giveBack undoes a receive whose answer could not be delivered.
func (s *Server) giveBack(q *queue, handles []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, handle := range slices.Backward(handles) {
		m := q.holder(handle)
		if m == nil || m.state != inFlight {
			continue
		}
		m.receives--
		m.handle = ""
		q.detach(m)
		m.state = ready
		q.ready.pushFront(m)
	}
	q.settle(s.now())
}

// holder returns the message whose latest receive gave out the handle, nil when
// there is none.
func (q *queue) holder(handle string) *message {
	id, ok := parseHandle(q.name, handle)
	if !ok {
		return nil
	}
	if m := q.messages[id]; m != nil && m.handle == handle {
		return m
	}
	return nil
}

func (m *message) render(in receiveIn) receivedMessage {
	chosen := m.chosenAttributes(in.MessageAttributeNames)
	return receivedMessage{
		MessageId: m.id, ReceiptHandle: m.handle, Body: m.body, MD5OfBody: m.bodyMD5,
		MD5OfMessageAttributes: md5OfAttributes(chosen), MessageAttributes: chosen,
		Attributes: m.systemAttributes(slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)),
	}
}

func (m *message) systemAttributes(names []string) map[string]string {
	all := map[string]string{
		"SenderId":                         Account,
		"SentTimestamp":                    milliseconds(m.sentAt),
		"ApproximateReceiveCount":          strconv.Itoa(m.receives),
		"ApproximateFirstReceiveTimestamp": milliseconds(m.firstReceivedAt),
	}
	for name, value := range map[string]string{"MessageGroupId": m.group, "AWSTraceHeader": m.trace, "DeadLetterQueueSourceArn": m.source} {
		if value != "" {
			all[name] = value
		}
	}
	if slices.Contains(names, "All") {
		return all
	}
	maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(names, name) })
	return all
}

func (m *message) chosenAttributes(names []string) map[string]attribute {
	chosen := map[string]attribute{}
	for name, a := range m.attributes {
		if slices.ContainsFunc(names, func(want string) bool {
			prefix, wild := strings.CutSuffix(want, ".*")
			return want == "All" || want == name || wild && strings.HasPrefix(name, prefix)
		}) {
			chosen[name] = a
		}
	}
	return chosen
}

func milliseconds(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// within returns the number, or the default when it is absent; one out of range
// is refused.
func within(n *int, absent int, name string, low, high int) (int, error) {
	if n == nil {
		return absent, nil
	}
	if *n < low || *n > high {
		return 0, invalidValue("Value %d for parameter %s is invalid. Reason: Must be between %d and %d, if provided.", *n, name, low, high)
	}
	return *n, nil
}
