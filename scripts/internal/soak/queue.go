package soak

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/queue"
)

const (
	// visibility is how long a message that was taken is hidden.
	visibility = 180 * time.Second
	// receives is how often one is handed out before it is a dead letter.
	receives = 5
)

// message is one on the queue.
type message struct {
	at       time.Time
	receives int
	body     queue.Message
}

// messages are the publish queue.
type messages struct{ waiting []*message }

// Send puts messages on the queue. It may fail, and may lose, double, delay and
// reorder what it took.
func (l *lane) Send(_ context.Context, envelopes []queue.Envelope) ([]uuid.UUID, error) {
	l.mayDie(3)
	if l.chance(15) {
		return nil, errors.New("the queue is away")
	}
	ids := make([]uuid.UUID, 0, len(envelopes))
	var taken []*message
	for _, e := range envelopes {
		ids = append(ids, e.ID)
		if e.Queue != queue.Publish {
			continue // Not about sending.
		}
		m, err := queue.Decode(e.Body)
		if err != nil {
			return ids, err
		}
		taken = append(taken, &message{at: l.now.Add(e.Delay), body: m})
	}
	// The database gives rows of one statement in an order of its own.
	slices.SortStableFunc(taken, func(a, b *message) int {
		return cmp.Or(a.at.Compare(b.at), bytes.Compare(a.body.SubjectID[:], b.body.SubjectID[:]), cmp.Compare(a.body.Kind, b.body.Kind))
	})
	for _, m := range taken {
		if l.chance(25) {
			continue // Lost.
		}
		copies := 1
		if l.chance(100) {
			copies += 1 + l.rng.IntN(3)
		}
		for range copies {
			at := m.at.Add(l.between(0, 1500*time.Millisecond))
			if l.chance(40) {
				at = at.Add(l.between(0, 15*time.Minute))
			}
			l.queue.waiting = append(l.queue.waiting, &message{at: at, body: m.body})
		}
	}
	return ids, nil
}

// first is the message that comes first, nil when there is none.
func (q *messages) first() *message {
	if len(q.waiting) == 0 {
		return nil
	}
	return slices.MinFunc(q.waiting, func(a, b *message) int { return a.at.Compare(b.at) })
}

func (q *messages) remove(m *message) {
	if i := slices.Index(q.waiting, m); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

// deliver hands one message to a sender. A sender that dies or fails leaves it
// to come again.
func (l *lane) deliver(ctx context.Context, m *message) {
	now := l.now
	m.receives++
	m.at = now.Add(visibility)
	patience := 40 * time.Second
	if l.chance(100) {
		patience = 13 * time.Second // An invocation whose time is nearly over.
	}
	working, cancel := context.WithDeadline(ctx, now.Add(patience))
	defer cancel()
	it := l.lookUp(m.body)
	watch := func(ctx context.Context, d time.Duration) error { //nolint:unparam // the sender has it in this form.
		m.at = l.now.Add(d)
		l.committed(ctx, it)
		return nil
	}
	alive, err := l.survive(func() error {
		if m.body.Kind == queue.ReconcilePost {
			return l.service.Reconcile(working, m.body)
		}
		return l.service.Send(working, m.body, watch)
	})
	switch {
	case it != nil && !alive:
		l.tell(it, "the sender died")
	case it != nil && err != nil:
		l.tell(it, "the sender failed")
		it.story = append(it.story, "  "+err.Error())
	}
	if alive && err == nil {
		l.told(it)
	}
	if alive && err == nil || m.receives >= receives {
		l.queue.remove(m)
	}
}

// committed is what may happen between an intent and its call.
func (l *lane) committed(ctx context.Context, it *item) {
	if err := l.intent(ctx, it); err != nil && ctx.Err() == nil {
		panic(err) // A sender would take it for the queue's, and go on.
	}
	l.meanwhile(ctx, 60)
	switch {
	case l.chance(20): // A sandbox that was frozen for a while.
		l.forward(ctx, l.between(0, 14*time.Second))
	case l.chance(5): // Everything at its worst, within its bounds.
		l.network.worstUntil = l.now.Add(3 * time.Minute)
		l.forward(ctx, l.between(11*time.Second, 13*time.Second))
		l.network.worstCall = true
	}
	l.mayDie(6)
}

// intent holds an intent that was just committed against what people decided
// before it.
func (l *lane) intent(ctx context.Context, it *item) error {
	if it == nil {
		return nil
	}
	l.tell(it, "intent")
	switch now := l.now; {
	case it.withdrawn:
		l.breaks(&l.report.Early, it, "an intent was committed after the post was canceled")
	case !it.approved:
		l.breaks(&l.report.Early, it, "an intent was committed without an approval")
	case now.Before(it.due):
		l.breaks(&l.report.Early, it, "an intent was committed %s before its time", it.due.Sub(now))
	case l.accounts[it.account].paused:
		l.breaks(&l.report.Early, it, "an intent was committed while the account was paused")
	case now.Before(l.accounts[it.account].usedUpUntil):
		l.breaks(&l.report.Early, it, "an intent was committed although the account's quota is known to be used up")
	}
	return l.judgeLate(ctx, it)
}
