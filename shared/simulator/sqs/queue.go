package sqs

import (
	"container/heap"
	"container/list"
	"fmt"
	"time"
)

type state int

const (
	ready state = iota
	delayed
	inFlight
)

// message is one message of one queue. All fields are guarded by Server.mu.
type message struct {
	id         string
	body       string
	bodyMD5    string
	attributes map[string]attribute
	trace      string // the AWSTraceHeader system attribute
	group      string
	// source is the ARN of the queue it was dead-lettered from.
	source string

	sentAt          time.Time
	firstReceivedAt time.Time
	receives        int
	handle          string // of the latest receive
	state           state
	visibleAt       time.Time
	sequence        uint64

	element     *list.Element // in its tenant's line, while ready
	order       int64         // in the line of all tenants, while ready
	hiddenIndex int           // in queue.hidden, while delayed or in flight
	ageIndex    int           // in queue.byAge
}

// queue is one queue. All fields are guarded by Server.mu. Messages that can be
// received stand in ready, by tenant; the others wait in hidden, a heap by the
// moment they become visible.
type queue struct {
	server   *Server
	name     string
	settings settings
	tags     map[string]string
	created  time.Time
	modified time.Time
	purgedAt time.Time

	messages map[string]*message
	ready    backlog
	hidden   messageHeap
	byAge    messageHeap
	delayed  int
	inFlight int
	sequence uint64

	// waiters are the long polls, longest waiting first. The timer is armed
	// only while there are some, for the head of hidden.
	waiters *list.List
	timer   *time.Timer
	armed   time.Time
}

func newQueue(s *Server, name string, set settings, now time.Time) *queue {
	return &queue{
		server: s, name: name, settings: set, tags: map[string]string{}, created: now, modified: now,
		messages: map[string]*message{}, ready: newBacklog(), waiters: list.New(),
		hidden: messageHeap{
			less: func(a, b *message) bool {
				if a.visibleAt.Equal(b.visibleAt) {
					return a.sequence < b.sequence
				}
				return a.visibleAt.Before(b.visibleAt)
			},
			index: func(m *message) *int { return &m.hiddenIndex },
		},
		byAge: messageHeap{
			less:  func(a, b *message) bool { return a.sentAt.Before(b.sentAt) },
			index: func(m *message) *int { return &m.ageIndex },
		},
	}
}

func (q *queue) arn() string { return "arn:aws:sqs:" + Region + ":" + Account + ":" + q.name }

func (q *queue) url(host string) string {
	return fmt.Sprintf("http://%s/%s/%s", host, Account, q.name)
}

// add puts a message on the queue, visible after the delay.
func (q *queue) add(m *message, now time.Time, delay time.Duration) {
	q.sequence++
	m.sequence = q.sequence
	q.messages[m.id] = m
	heap.Push(&q.byAge, m)
	q.ready.admit(m, now)
	if delay > 0 {
		q.hide(m, delayed, now.Add(delay))
	} else {
		q.show(m)
	}
	q.settle(now)
}

// remove takes a message off the queue for good.
func (q *queue) remove(m *message) {
	q.detach(m)
	heap.Remove(&q.byAge, m.ageIndex)
	q.ready.forget(m)
	delete(q.messages, m.id)
}

// hide makes a ready or detached message invisible until the moment given.
func (q *queue) hide(m *message, as state, until time.Time) {
	if m.element != nil {
		q.ready.remove(m)
	}
	m.state, m.visibleAt = as, until
	heap.Push(&q.hidden, m)
	q.count(m, 1)
}

// show puts a detached message at the end of those that can be received.
func (q *queue) show(m *message) {
	m.state = ready
	q.ready.pushBack(m)
}

// detach takes a message out of ready or hidden.
func (q *queue) detach(m *message) {
	if m.element != nil {
		q.ready.remove(m)
		return
	}
	heap.Remove(&q.hidden, m.hiddenIndex)
	q.count(m, -1)
}

func (q *queue) count(m *message, n int) {
	switch m.state {
	case delayed:
		q.delayed += n
	case inFlight:
		q.inFlight += n
		q.ready.flying(m, n)
	case ready:
	}
}

// advance moves what has become visible to ready and drops what has outlived
// the retention period.
func (q *queue) advance(now time.Time) {
	for q.hidden.Len() > 0 && !q.hidden.items[0].visibleAt.After(now) {
		m := q.hidden.items[0]
		q.detach(m)
		q.show(m)
	}
	for q.byAge.Len() > 0 && !q.byAge.items[0].sentAt.Add(q.settings.retention).After(now) {
		q.remove(q.byAge.items[0])
	}
}

// settle is called after every change: it advances, wakes as many long polls as
// there are messages for, and sets the timer for the next one.
func (q *queue) settle(now time.Time) {
	q.advance(now)
	for range min(q.ready.count, q.waiters.Len()) {
		q.wake(q.waiters.Front())
	}
	q.rearm(now)
}

func (q *queue) rearm(now time.Time) {
	if q.waiters.Len() == 0 || q.hidden.Len() == 0 || q.server.closed {
		q.stopTimer()
		return
	}
	next := q.hidden.items[0].visibleAt
	if q.timer != nil && next.Equal(q.armed) {
		return
	}
	q.stopTimer()
	q.armed = next
	q.server.wg.Add(1)
	var timer *time.Timer
	timer = time.AfterFunc(next.Sub(now), func() {
		defer q.server.wg.Done()
		q.server.mu.Lock()
		defer q.server.mu.Unlock()
		if q.timer == timer { // else it was replaced after it had fired
			q.timer = nil
		}
		q.settle(q.server.now())
	})
	q.timer = timer
}

func (q *queue) stopTimer() {
	if q.timer != nil && q.timer.Stop() {
		q.server.wg.Done()
	}
	q.timer = nil
}

// wait adds a long poll. Its channel is closed when it should look again.
func (q *queue) wait(now time.Time) (woken chan struct{}, place *list.Element) {
	woken = make(chan struct{})
	place = q.waiters.PushBack(woken)
	q.rearm(now)
	return woken, place
}

func (q *queue) wake(place *list.Element) {
	if woken, ok := q.waiters.Remove(place).(chan struct{}); ok {
		close(woken)
	}
}

// messageHeap is a heap of messages that know their place in it, so that any of
// them can be removed.
type messageHeap struct {
	items []*message
	less  func(a, b *message) bool
	index func(*message) *int
}

// Len is part of heap.Interface.
func (h *messageHeap) Len() int { return len(h.items) }

// Less is part of heap.Interface.
func (h *messageHeap) Less(i, j int) bool { return h.less(h.items[i], h.items[j]) }

// Swap is part of heap.Interface.
func (h *messageHeap) Swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	*h.index(h.items[i]) = i
	*h.index(h.items[j]) = j
}

// Push is part of heap.Interface.
func (h *messageHeap) Push(x any) {
	if m, ok := x.(*message); ok {
		*h.index(m) = len(h.items)
		h.items = append(h.items, m)
	}
}

// Pop is part of heap.Interface.
func (h *messageHeap) Pop() any {
	last := len(h.items) - 1
	m := h.items[last]
	h.items[last] = nil
	h.items = h.items[:last]
	return m
}
