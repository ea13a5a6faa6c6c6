// Package soak lets posts go out by the hundred thousand in virtual time, under
// random faults, and holds what the audience saw against the promises.
//
// The sending and deciding code is that which ships, over a real Postgres. In
// the place of sockets there are an in-process network that loses answers and
// takes requests late, and an in-process queue that loses, doubles, delays and
// reorders messages; senders die between any two of their steps. Time is a
// number in the database: the functions that tell it are put in front of
// Postgres's own, so that a minute passes by one statement.
//
// A lane is one installation with a database, a clock and a random source of its
// own, in which one thing happens after the other, or inside the other: while
// one sender waits for the network, another may do all of its work. So a seed
// plays the same story again. Lanes run beside each other.
//
// Start reading at [Run], then lane.go.
package soak

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"rostrum/scripts/internal/arena"
)

// Options say what to run.
type Options struct {
	Posts, Lanes int
	Seed         uint64
	// Dir takes the database; it must be reachable by all users.
	Dir string
	// Out is told each 10,000 posts.
	Out io.Writer
	// LateBy is how long after a call the network may still take its request; 0
	// is 50 s, which is what the protocol is made for: a test makes it longer to
	// see that the soak finds what comes of that.
	LateBy time.Duration
	// Plant is SQL that puts a mistake into each lane's database, to see that it
	// is found; empty is none.
	Plant string
	// OnlyLane runs one lane of those that Lanes and Posts make; below 0 is all.
	OnlyLane int
}

// Report is what became of a run.
type Report struct {
	Posts, Faults                            int
	Duplicate, Lost, Early, Unaudited, Stuck int
	// InTurn counts the posts that went out late in the turn that the drain gave
	// them, Outages the times that everything of ours or of the network's stood still.
	InTurn, Outages int
	// Ends counts the posts by the state that they ended in.
	Ends map[string]int
	// Said is the history of each post that broke a promise, at most 5.
	Said []string
	// Story is the digest of all that happened: faults, decisions, intents, what
	// the audience saw and when, and ends. A seed has one story.
	Story string
	Took  time.Duration
}

// Clean reports whether every promise was kept.
func (r *Report) Clean() bool {
	return r.Duplicate+r.Lost+r.Early+r.Unaudited+r.Stuck == 0
}

// maxSaid bounds how many histories are kept.
const maxSaid = 5

// tally adds up what the lanes find while they run.
type tally struct {
	mu     sync.Mutex
	report Report
	next   int
	begun  time.Time
	out    io.Writer
	stop   context.CancelFunc
}

func (t *tally) add(r Report) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := &t.report
	all.Posts += r.Posts
	all.Faults += r.Faults
	all.Duplicate += r.Duplicate
	all.Lost += r.Lost
	all.Early += r.Early
	all.Unaudited += r.Unaudited
	all.Stuck += r.Stuck
	all.InTurn += r.InTurn
	all.Outages += r.Outages
	for state, n := range r.Ends {
		all.Ends[state] += n
	}
	all.Said = append(all.Said, r.Said...)
	if len(all.Said) > maxSaid {
		all.Said = all.Said[:maxSaid]
	}
	if !all.Clean() {
		t.stop() // The first break is the one to look at.
	}
	for ; all.Posts >= t.next; t.next += 10_000 {
		_, _ = fmt.Fprintf(t.out, "soak: %7d posts, %7d faults, %.0f s\n", t.next, all.Faults, time.Since(t.begun).Seconds())
	}
}

// Run plays until the posts are spent or a promise is broken. Errors: only what
// keeps it from judging.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.LateBy == 0 {
		o.LateBy = lateBy
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t := &tally{report: Report{Ends: map[string]int{}}, next: 10_000, begun: time.Now(), out: o.Out, stop: stop}
	cluster, err := arena.OpenCluster(ctx, o.Dir, false, 100)
	if err != nil {
		return t.report, err
	}
	defer func() { _ = cluster.Close(context.WithoutCancel(ctx)) }()
	errs := make([]error, o.Lanes)
	stories := make([][]byte, o.Lanes)
	var wg sync.WaitGroup
	for n := range o.Lanes {
		if o.OnlyLane >= 0 && n != o.OnlyLane {
			continue
		}
		share := o.Posts / o.Lanes
		if n < o.Posts%o.Lanes {
			share++
		}
		wg.Go(func() { stories[n], errs[n] = runLane(ctx, cluster, o, n, share, t) })
	}
	wg.Wait()
	t.report.Took = time.Since(t.begun)
	t.report.Story = fmt.Sprintf("%x", sha256.Sum256(slices.Concat(stories...)))
	if !t.report.Clean() {
		return t.report, nil // The others were told to stop.
	}
	return t.report, errors.Join(errs...)
}

func runLane(ctx context.Context, cluster *arena.Cluster, o Options, n, posts int, t *tally) (story []byte, err error) {
	url, drop, err := cluster.Database(ctx)
	if err != nil {
		return nil, err
	}
	defer drop(context.WithoutCancel(ctx))
	l, err := newLane(ctx, url, o, n)
	if err != nil {
		return nil, fmt.Errorf("lane %d: %w", n, err)
	}
	defer l.close()
	for done := 0; done < posts && ctx.Err() == nil; done += waveSize {
		if err := l.wave(ctx, min(waveSize, posts-done)); err != nil {
			return nil, fmt.Errorf("lane %d after %d posts: %w", n, done, err)
		}
		t.add(l.take())
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err := l.judgeChain(ctx); err != nil {
		return nil, fmt.Errorf("lane %d: %w", n, err)
	}
	t.add(l.take())
	return l.story.Sum(nil), nil
}

// String is the run's last line.
func (r *Report) String() string {
	var ends []string
	for _, state := range []string{"published", "failed", "missed", "canceled", "scheduled", "unknown"} {
		if n := r.Ends[state]; n > 0 {
			ends = append(ends, fmt.Sprintf("%d %s", n, state))
		}
	}
	return fmt.Sprintf("(%s; %d outages, %d posts sent in their turn after one)", strings.Join(ends, ", "), r.Outages, r.InTurn)
}
