package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/post"
	"rostrum/shared/queue"
)

const (
	contSignal = syscall.SIGCONT
	termSignal = syscall.SIGTERM
)

// start starts n senders and returns what ends them.
func start(ctx context.Context, a *arena.Arena, n int, how arena.How) (func(), error) {
	all, err := startAll(ctx, a, n, how)
	if err != nil {
		return nil, err
	}
	return func() {
		for _, s := range all {
			s.Kill()
		}
	}, nil
}

// startAll starts n senders and waits until they are up; the arena kills those
// that are left at its end.
func startAll(ctx context.Context, a *arena.Arena, n int, how arena.How) ([]*arena.Sender, error) {
	all := make([]*arena.Sender, n)
	for i := range all {
		var err error
		if all[i], err = a.Start(ctx, how); err != nil {
			return nil, err
		}
	}
	for _, s := range all {
		if err := s.AwaitUp(ctx); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// duplicateDeliveries injects each message 2 to 10 times, at once, into two processes. Judged: I1 to
// I5, I7; one intent alone may win.
func duplicateDeliveries(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 3, nil)
	if err != nil {
		return err
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	for _, acc := range accounts {
		posts, err := a.Schedule(ctx, acc, time.Now().Add(2*time.Second), append(r.contents(4, 1), r.contents(1, 3)...)...)
		if err != nil {
			return err
		}
		var wg sync.WaitGroup
		for _, p := range posts {
			e, err := arena.Envelope(p, queue.PublishPost, p.Revision)
			if err != nil {
				return err
			}
			times := 2 + r.intN(9)
			wg.Go(func() { _ = a.Deliver(ctx, times, e) })
		}
		wg.Wait()
	}
	return r.recovered(ctx, a, settleWithin, 0)
}

// longestDelay is the longest that a queue holds a message back.
const longestDelay = 15 * time.Minute

// outOfOrder injects messages of revisions that were edited away or are still to come, late,
// reordered, and looks at posts that are not unknown. Judged: I1 to I5 (only the
// approved text at its own time), I7.
func outOfOrder(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 2, nil)
	if err != nil {
		return err
	}
	var late []queue.Envelope
	for _, acc := range accounts {
		posts, err := a.Schedule(ctx, acc, time.Now().Add(4*time.Second), r.contents(6, 1)...)
		if err != nil {
			return err
		}
		for i, p := range posts {
			old, err := arena.Envelope(p, queue.PublishPost, p.Revision)
			if err != nil {
				return err
			}
			if i%2 == 0 {
				if _, err := a.Edit(ctx, p, []string{r.text()}, time.Now().Add(3*time.Second)); err != nil {
					return err
				}
			}
			for range 3 {
				old.ID = uuid.Must(uuid.NewV7())
				old.Delay = time.Duration(r.intN(7)) * time.Second
				late = append(late, old)
			}
			old.ID, old.Delay = uuid.Must(uuid.NewV7()), longestDelay
			late = append(late, old)
			// One of a revision that is still to come, and a look at what is not unknown.
			ahead, err := arena.Envelope(p, queue.PublishPost, p.Revision+3)
			if err != nil {
				return err
			}
			look, err := arena.Envelope(p, queue.ReconcilePost, 0)
			if err != nil {
				return err
			}
			late = append(late, ahead, look)
		}
	}
	r.rng.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
	if err := a.Deliver(ctx, 1, late...); err != nil {
		return err
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	if err := a.Settle(ctx, settleWithin, 0); err != nil {
		return err
	}
	// The last of the late ones arrive now, some after a quarter of an hour.
	arena.Pause(ctx, 3*time.Second)
	a.Forward(longestDelay)
	if err := drained(ctx, a); err != nil {
		return err
	}
	return r.recovered(ctx, a, settleWithin, 0)
}

// tickBursts injects ten ticks at once, every 50 ms, in two processes, after ten minutes
// without one; then has two ticks lie 119 s apart, with posts between them whose
// time only the first can have handed out. Judged: I1 to I5, I7.
func tickBursts(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 2, nil)
	if err != nil {
		return err
	}
	for i, acc := range accounts {
		for _, ago := range []time.Duration{10 * time.Minute, time.Minute, -3 * time.Second} {
			if _, err := a.Schedule(ctx, acc, time.Now().Add(-ago), r.contents(4+i, 1)...); err != nil {
				return err
			}
		}
	}
	end, err := start(ctx, a, 2, arena.How{TickEvery: 50 * time.Millisecond, TicksAtOnce: 10})
	if err != nil {
		return err
	}
	err = a.Settle(ctx, settleWithin, 0)
	end()
	if err != nil {
		return err
	}
	if err := r.ticksFarApart(ctx, a, accounts); err != nil {
		return err
	}
	if end, err = start(ctx, a, 1, arena.How{}); err != nil {
		return err
	}
	defer end()
	return r.recovered(ctx, a, settleWithin, warpStep)
}

// ticksFarApart is as far as EventBridge's may lie.
func (r *trial) ticksFarApart(ctx context.Context, a *arena.Arena, accounts []*arena.Account) error {
	const apart = 119 * time.Second
	quiet := listen(ctx)
	began := time.Now()
	var between []*arena.Post
	for _, acc := range accounts {
		for _, in := range []time.Duration{5 * time.Second, time.Duration(10+r.intN(100)) * time.Second, apart - time.Second} {
			made, err := a.Schedule(ctx, acc, began.Add(in), r.contents(1, 1)...)
			if err != nil {
				return err
			}
			between = append(between, made...)
		}
	}
	end, err := start(ctx, a, 1, arena.How{TickEvery: apart})
	if err != nil {
		return err
	}
	defer end()
	if err := a.Settle(ctx, apart+20*time.Second, 0); err != nil {
		return err
	}
	allowed := slo + quiet()
	for _, p := range between {
		p.Within = allowed
	}
	return nil
}

// poison injects broken, foreign, huge and unknown messages into batches of good ones,
// until they have been received too often. Judged: I1 to I5 and I7 of the good
// ones; the dead-letter queue holds the poison and nothing else.
func poison(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 1, nil)
	if err != nil {
		return err
	}
	posts, err := a.Schedule(ctx, accounts[0], time.Now().Add(time.Second), r.contents(9, 1)...)
	if err != nil {
		return err
	}
	nobody := *posts[0]
	nobody.ID = post.ID(uuid.Must(uuid.NewV7()))
	stranger, err := arena.Envelope(&nobody, queue.PublishPost, 1)
	if err != nil {
		return err
	}
	bad := []queue.Envelope{stranger}
	for _, body := range []string{`{"version":`, `{}`, `[]`, `"` + strings.Repeat("x", 200_000) + `"`, `{"version":99}`} {
		bad = append(bad, queue.Envelope{ID: uuid.Must(uuid.NewV7()), Queue: queue.Publish, Body: json.RawMessage(body), Group: "g"})
	}
	var all []queue.Envelope
	for i, p := range posts {
		e, err := arena.Envelope(p, queue.PublishPost, p.Revision)
		if err != nil {
			return err
		}
		all = append(all, e, bad[i%len(bad)])
	}
	if err := a.Deliver(ctx, 1, all...); err != nil {
		return err
	}
	end, err := start(ctx, a, 1, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	if err := a.Settle(ctx, settleWithin, 0); err != nil {
		return err
	}
	// After five receives of 180 s each poison lies on the dead-letter queue, and
	// what is not poison, the stranger included, does not.
	want := 0
	for i := range posts {
		if i%len(bad) != 0 {
			want++
		}
	}
	for range 60 {
		a.Forward(190 * time.Second)
		depths, err := a.Queues.Depths(ctx)
		if err == nil && depths[queue.Publish].Dead == want {
			return r.recovered(ctx, a, settleWithin, 0)
		}
		arena.Pause(ctx, 250*time.Millisecond)
	}
	return fmt.Errorf("poison did not come to lie on the dead-letter queue: %d wanted", want)
}

// spoiltAnswers has the function panic, fail and name a message that was not in the batch, each
// after its work was done, and panic after half of it, and every message come back. Judged: I1 to I5, I7.
func spoiltAnswers(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 2, nil)
	if err != nil {
		return err
	}
	for _, answer := range []string{"panic", "panic_halfway", "wrong_id", "all_failed"} {
		for _, acc := range accounts {
			if _, err := a.Schedule(ctx, acc, time.Now().Add(time.Second), append(r.contents(3, 1), r.contents(1, 2)...)...); err != nil {
				return err
			}
		}
		end, err := start(ctx, a, 2, arena.How{Answer: answer})
		if err != nil {
			return err
		}
		arena.Pause(ctx, 1500*time.Millisecond)
		// Every message comes back, several times.
		for range 4 {
			a.Forward(200 * time.Second)
			arena.Pause(ctx, 150*time.Millisecond)
		}
		end()
	}
	end, err := start(ctx, a, 1, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	return r.recovered(ctx, a, settleWithin, warpStep)
}

// redriven injects fifty copies of the messages of posts that are published or canceled.
// Judged: I1 to I5, I7; the queue is worked off.
func redriven(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 2, nil)
	if err != nil {
		return err
	}
	var stale []queue.Envelope
	for _, acc := range accounts {
		posts, err := a.Schedule(ctx, acc, time.Now(), r.contents(10, 1)...)
		if err != nil {
			return err
		}
		for i, p := range posts {
			e, err := arena.Envelope(p, queue.PublishPost, p.Revision)
			if err != nil {
				return err
			}
			stale = append(stale, e)
			if i%3 == 0 {
				if err := a.Cancel(ctx, p); err != nil {
					return err
				}
			}
		}
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	if err := a.Settle(ctx, settleWithin, 0); err != nil {
		return err
	}
	for range 50 {
		for i := range stale {
			stale[i].ID = uuid.Must(uuid.NewV7())
		}
		if err := a.Deliver(ctx, 1, stale...); err != nil {
			return err
		}
	}
	if err := drained(ctx, a); err != nil {
		return err
	}
	return r.recovered(ctx, a, settleWithin, 0)
}

// drained waits until the publish queue holds nothing.
func drained(ctx context.Context, a *arena.Arena) error {
	for look := range 240 {
		if look%60 == 59 {
			// What failed for a busy database comes back after its visibility timeout.
			a.Forward(200 * time.Second)
		}
		depths, err := a.Queues.Depths(ctx)
		if err == nil && depths[queue.Publish].Visible+depths[queue.Publish].InFlight == 0 {
			return nil
		}
		if !arena.Pause(ctx, 250*time.Millisecond) {
			return ctx.Err()
		}
	}
	return errors.New("the queue was not worked off")
}

// queueDown has every call to the queue fail while posts are handed out. Judged: I1 to I5,
// I7; the outbox is what loses nothing.
func queueDown(ctx context.Context, r *trial) error {
	a, accounts, err := r.world(ctx, 2, nil)
	if err != nil {
		return err
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	for range 2 {
		a.QueueDown.Store(true)
		for _, acc := range accounts {
			if _, err := a.Schedule(ctx, acc, time.Now().Add(time.Second), r.contents(3, 2)...); err != nil {
				return err
			}
		}
		arena.Pause(ctx, time.Duration(800+r.intN(1500))*time.Millisecond)
		a.QueueDown.Store(false)
		arena.Pause(ctx, time.Duration(r.intN(800))*time.Millisecond)
	}
	return r.recovered(ctx, a, settleWithin, warpStep)
}

// unknownKind is a message that only a newer version understands.
func unknownKind(p *arena.Post) (queue.Envelope, error) {
	e, err := arena.Envelope(p, queue.PublishPost, p.Revision)
	if err != nil {
		return e, err
	}
	e.Body = json.RawMessage(strings.Replace(string(e.Body), string(queue.PublishPost), "publish_post_of_tomorrow", 1))
	return e, nil
}
