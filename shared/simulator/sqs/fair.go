package sqs

import (
	"container/list"
	"time"
)

// A standard queue is fair to tenants by the MessageGroupId of its messages
// (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html,
// read 2026-11-24): a tenant is noisy when it has at least 30 messages in
// flight and more than a tenth of all that are. What is not noisy goes first;
// among noisy tenants the one with the fewest in flight does. A tenant is no
// longer noisy when its backlog is gone or it has sent nothing for five minutes.
const (
	noisyInFlight = 30
	noisyShare    = 10 // one in so many
	quietAfter    = 5 * time.Minute
)

// tenant is what a queue holds for one MessageGroupId. Messages without one are
// each a tenant of their own: they share a tenant that is never noisy.
type tenant struct {
	group string
	// ready are its messages that can be received, in order.
	ready *list.List
	// held is how many messages it has on the queue, whatever their state.
	held     int
	inFlight int
	lastSent time.Time
	noisy    bool
	// place is where it stands in backlog.waiting, while it has ready messages.
	place int
}

// backlog holds the messages of a queue that can be received. All fields are
// guarded by Server.mu.
type backlog struct {
	tenants map[string]*tenant
	// waiting are the tenants with ready messages, in no order.
	waiting []*tenant
	count   int
	// first and last are the orders given to the ends of the line.
	first, last int64
}

func newBacklog() backlog { return backlog{tenants: map[string]*tenant{}} }

// tenant returns the message's, making it when it is new.
func (b *backlog) tenant(m *message) *tenant {
	t := b.tenants[m.group]
	if t == nil {
		t = &tenant{group: m.group, ready: list.New()}
		b.tenants[m.group] = t
	}
	return t
}

// admit counts a message that has been sent.
func (b *backlog) admit(m *message, now time.Time) {
	t := b.tenant(m)
	t.held++
	t.lastSent = now
}

// forget counts a message that is off the queue.
func (b *backlog) forget(m *message) {
	t := b.tenant(m)
	t.held--
	if t.held == 0 {
		delete(b.tenants, t.group)
	}
}

// pushBack puts a message behind all others.
func (b *backlog) pushBack(m *message) {
	b.last++
	m.order = b.last
	t := b.tenant(m)
	m.element = t.ready.PushBack(m)
	b.pushed(t)
}

// pushFront puts a message before all others.
func (b *backlog) pushFront(m *message) {
	b.first--
	m.order = b.first
	t := b.tenant(m)
	m.element = t.ready.PushFront(m)
	b.pushed(t)
}

func (b *backlog) pushed(t *tenant) {
	b.count++
	if t.ready.Len() == 1 {
		t.place = len(b.waiting)
		b.waiting = append(b.waiting, t)
	}
}

// remove takes a ready message out of the line.
func (b *backlog) remove(m *message) {
	t := b.tenant(m)
	t.ready.Remove(m.element)
	m.element = nil
	b.count--
	if t.ready.Len() > 0 {
		return
	}
	t.noisy = false
	last := len(b.waiting) - 1
	b.waiting[t.place] = b.waiting[last]
	b.waiting[t.place].place = t.place
	b.waiting[last] = nil
	b.waiting = b.waiting[:last]
}

// flying counts the message's tenant's messages in flight.
func (b *backlog) flying(m *message, n int) {
	b.tenant(m).inFlight += n
}

// next returns the message whose turn it is, nil when there is none. inFlight
// is that of the whole queue.
func (b *backlog) next(now time.Time, inFlight int) *message {
	var best *tenant
	for _, t := range b.waiting {
		t.judge(now, inFlight)
		if best == nil || t.before(best) {
			best = t
		}
	}
	if best == nil {
		return nil
	}
	return best.head()
}

func (t *tenant) head() *message {
	m, _ := t.ready.Front().Value.(*message)
	return m
}

// judge marks a tenant that has become noisy, and takes the mark back from one
// that has been silent.
func (t *tenant) judge(now time.Time, inFlight int) {
	if t.noisy && now.Sub(t.lastSent) >= quietAfter {
		t.noisy = false
	}
	t.noisy = t.noisy || t.group != "" && t.inFlight >= noisyInFlight && t.inFlight*noisyShare > inFlight
}

func (t *tenant) before(other *tenant) bool {
	if t.noisy != other.noisy {
		return other.noisy
	}
	if t.noisy && t.inFlight != other.inFlight {
		return t.inFlight < other.inFlight
	}
	return t.head().order < other.head().order
}
