package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/workflow/publishing"
)

// meeting is a sender and a person at one post. The intent is judged between
// asked, when the sender has all that it needs and the post is due, and judged,
// when it calls the network or has found that it may not.
type meeting struct {
	mu            sync.Mutex
	asked, judged time.Time
	called        bool
}

type meetingKey struct{}

func (m *meeting) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, meetingKey{}, m)
}

func meetingOf(ctx context.Context) *meeting {
	m, _ := ctx.Value(meetingKey{}).(*meeting)
	if m == nil {
		m = &meeting{} // Nobody looks at it.
	}
	return m
}

// watched notes when a sender passes on its way to the intent and behind it.
type watchedTokens struct{ publishing.TokenSource }

// AccessToken notes that the sender comes to its intent.
func (w watchedTokens) AccessToken(ctx context.Context, workspace uuid.UUID, id account.ID) (config.Secret, error) {
	token, err := w.TokenSource.AccessToken(ctx, workspace, id)
	m := meetingOf(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = time.Now()
	return token, err
}

type watchedPublisher struct{ platform.Publisher }

// Publish notes that the intent stands.
func (w watchedPublisher) Publish(ctx context.Context, req platform.PublishRequest) platform.Outcome {
	m := meetingOf(ctx)
	m.mu.Lock()
	if !m.called {
		m.judged, m.called = time.Now(), true
	}
	m.mu.Unlock()
	return w.Publisher.Publish(ctx, req)
}

func watch(t publishing.TokenSource, p platform.Publisher) (publishing.TokenSource, platform.Publisher) {
	return watchedTokens{t}, watchedPublisher{p}
}

// over notes that the sender is done, and sets asked to when the post was due if
// the sender waited for that.
func (m *meeting) over(due time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.called {
		m.judged = time.Now()
	}
	if m.asked.Before(due) {
		m.asked = due
	}
}

// hits counts how the acts of one kind came to the intent: answered before it was
// asked for, begun after it was judged, or in between, where the person was first
// or the sender.
type hits struct{ before, first, second, after int }

// aim says when a person has to begin for the act to meet the intent, from what
// the meetings before took.
type aim struct {
	mu sync.Mutex
	// person is how long each kind of act takes; asked and judged are how long
	// after their start senders come to their intents and have them judged.
	person        map[string]time.Duration
	asked, judged time.Duration
	hits          map[string]*hits
}

func newAim() *aim {
	return &aim{person: map[string]time.Duration{}, asked: 3 * time.Millisecond, judged: 10 * time.Millisecond, hits: map[string]*hits{}}
}

// offset is how long after the sender's start the person begins, before it when
// negative: any moment at which the two overlap, as likely as any other. part is
// drawn between 0 and 1.
func (a *aim) offset(kind string, part float64) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	earliest := a.asked - a.person[kind]
	return earliest + time.Duration(part*float64(a.judged-earliest))
}

func near(known, now time.Duration) time.Duration { return known + (now-known)/8 }

// learn takes in a meeting of which the person's act went from t0 to t1 and was
// carried out or refused. start is when the sender began.
func (a *aim) learn(kind string, m *meeting, start, t0, t1 time.Time, done bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.person[kind] = near(a.person[kind], t1.Sub(t0))
	a.asked, a.judged = near(a.asked, m.asked.Sub(start)), near(a.judged, m.judged.Sub(start))
	h := a.hits[kind]
	if h == nil {
		h = &hits{}
		a.hits[kind] = h
	}
	switch {
	case t1.Before(m.asked):
		h.before++
	case t0.After(m.judged):
		h.after++
	case done:
		h.first++
	default:
		h.second++
	}
}

// said is the count in words, and the sum over the kinds.
func (a *aim) said() (string, hits) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var sum hits
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(a.hits)) {
		h := *a.hits[kind]
		words = append(words, fmt.Sprintf("%s %d/%d/%d/%d", kind, h.before, h.first, h.second, h.after))
		sum = hits{sum.before + h.before, sum.first + h.first, sum.second + h.second, sum.after + h.after}
	}
	return fmt.Sprintf("%d acts: %d before the intent, %d within it of which the person was first in %d and the sender in %d, %d after (%s)",
		sum.before+sum.first+sum.second+sum.after, sum.before, sum.first+sum.second, sum.first, sum.second, sum.after, strings.Join(words, ", ")), sum
}
