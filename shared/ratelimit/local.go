package ratelimit

import (
	"maps"
	"sync"
	"time"

	"rostrum/shared/clock"
)

// maxBuckets bounds what a process remembers: some 10 MB.
const maxBuckets = 100_000

// local keeps buckets in this process.
type local struct {
	clock clock.Clock

	mu sync.Mutex
	// until is the time up to which a bucket is spent.
	until map[string]time.Time
	// swept is when what has run out was last dropped.
	swept time.Time
}

func newLocal(now clock.Clock) *local { return &local{clock: now, until: map[string]time.Time{}} }

// take is that of shared.
func (s *local) take(buckets []Bucket) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	s.forget(now)
	var wait time.Duration
	next := make(map[string]time.Time, len(buckets))
	for _, b := range buckets {
		key := s.key(b)
		start := s.until[key]
		if start.Before(now) {
			start = now
		}
		next[key] = start.Add(b.Limit.spacing())
		wait = max(wait, next[key].Sub(now)-b.Limit.tolerance())
	}
	if wait > 0 {
		return wait
	}
	maps.Copy(s.until, next)
	return 0
}

// key is the bucket's own; when too many are remembered, those that are not
// share one, since a new one for everybody would be no limit.
func (s *local) key(b Bucket) string {
	if _, ok := s.until[b.Key]; !ok && len(s.until) >= maxBuckets {
		return ""
	}
	return b.Key
}

// forget drops what has run out, when there is much, at most once a second:
// under an attack there is always much.
func (s *local) forget(now time.Time) {
	if len(s.until) < maxBuckets || now.Sub(s.swept) < time.Second {
		return
	}
	s.swept = now
	for key, until := range s.until {
		if until.Before(now) {
			delete(s.until, key)
		}
	}
}
