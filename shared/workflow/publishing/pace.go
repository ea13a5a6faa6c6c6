package publishing

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// step is the time between two beginnings of one workspace beside another's
	// posts: 250 in a second, evenly, in one process.
	step = 4 * time.Millisecond
	// atOnce is how many a workspace that has begun none lately begins without it.
	atOnce = 10
	// longestPace bounds the wait, well inside an invocation's time: a process with
	// more on the way than it takes to begin by then begins them together.
	longestPace = time.Second
)

// pace spreads what a workspace begins over the second while another has posts in
// this process: thousands that fall due in one moment leave room between them in
// which another's few keep theirs. A workspace alone is not paced. Its zero value
// is ready; it is safe for concurrent use.
type pace struct {
	mu sync.Mutex
	// here are the workspaces with posts on their way out in this process.
	here map[uuid.UUID]*walk
}

type walk struct {
	posts int
	// next is when the next is to begin.
	next time.Time
}

// enter counts a post of the workspace in, until leave.
func (p *pace) enter(workspace uuid.UUID) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.here == nil {
		p.here = map[uuid.UUID]*walk{}
	}
	w := p.here[workspace]
	if w == nil {
		w = &walk{}
		p.here[workspace] = w
	}
	w.posts++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if w.posts--; w.posts == 0 {
			delete(p.here, workspace)
		}
	}
}

// turn takes a turn for a post that was counted in and returns how long it is
// until then, a second at most.
func (p *pace) turn(workspace uuid.UUID, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.here[workspace]
	if len(p.here) < 2 {
		return 0
	}
	if earliest := now.Add(-atOnce * step); w.next.Before(earliest) {
		w.next = earliest
	}
	w.next = w.next.Add(step)
	if latest := now.Add(longestPace); w.next.After(latest) {
		w.next = latest
	}
	return max(w.next.Sub(now), 0)
}
