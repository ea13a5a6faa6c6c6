// Package ratelimit says whether somebody asks too much. It counts by GCRA: a
// bucket remembers one time, until which it is spent, and a request moves that
// on by its share. Nothing is counted down by a timer, and a burst is smoothed.
//
// The buckets are in Redis, where all sandboxes see them. Without one, or while
// it is away, each process counts for itself with a quarter of each limit: it
// never lets everything through, and never asks a Redis that has just failed.
// Redis is speed, never truth: what costs money or is a network's quota is
// counted in Postgres.
//
// Start reading at [Limiter.Take].
package ratelimit

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/redisclient"
)

const (
	// share is what a process without Redis gives of each limit: of how many
	// others there are it knows nothing.
	share = 4
	// callTime bounds the question: it is on the way of every request, so Redis
	// is fast or it is away.
	callTime = 250 * time.Millisecond
)

// Limit is how much may be asked of one bucket.
type Limit struct {
	// PerSecond is the rate in the long run.
	PerSecond float64
	// Burst is how much may come at once, 1 or more.
	Burst int
}

// spacing is the time that one request uses up.
func (l Limit) spacing() time.Duration { return time.Duration(float64(time.Second) / l.PerSecond) }

// tolerance is how far ahead of now a bucket may be spent.
func (l Limit) tolerance() time.Duration { return l.spacing() * time.Duration(l.Burst) }

// part is the limit of one of n processes.
func (l Limit) part(n int) Limit {
	return Limit{PerSecond: l.PerSecond / float64(n), Burst: max(1, l.Burst/n)}
}

// Bucket is what one somebody may ask.
type Bucket struct {
	// Key names whose it is, for example "session 0b9…"; never a secret.
	Key   string
	Limit Limit
}

// Limiter counts requests. It is safe for concurrent use.
type Limiter struct {
	client *redisclient.Client
	shared *shared
	own    *local
}

// New returns a limiter on the Redis at url (redis:// or rediss://), or of this
// process alone when url is empty. It connects to nothing yet. Errors: Invalid
// when url is none.
func New(url config.Secret, now clock.Clock, logger *slog.Logger) (*Limiter, error) {
	client, err := redisclient.New(url, "request limits", callTime, now, logger)
	if err != nil {
		return nil, err
	}
	return &Limiter{client: client, shared: newShared(), own: newLocal(now)}, nil
}

// Close ends the connections.
func (l *Limiter) Close() { l.client.Close() }

// Take spends one request of every bucket if all of them allow it, and returns
// nil; otherwise it spends none. Errors: RateLimited with RetryAfter, the
// longest wait of the buckets. Redis being away is no error.
func (l *Limiter) Take(ctx context.Context, buckets ...Bucket) error {
	wait, ok := l.takeShared(ctx, buckets)
	if !ok {
		parts := make([]Bucket, len(buckets))
		for i, b := range buckets {
			parts[i] = Bucket{Key: b.Key, Limit: b.Limit.part(share)}
		}
		wait = l.own.take(parts)
	}
	if wait <= 0 {
		return nil
	}
	return apperr.New(apperr.RateLimited, "too_many_requests", "too many requests").
		WithHint("Wait as long as Retry-After says, then go on more slowly.").WithRetryAfter(wait)
}

// takeShared asks Redis; ok is false when there is none to ask.
func (l *Limiter) takeShared(ctx context.Context, buckets []Bucket) (wait time.Duration, ok bool) {
	ok = l.client.Ask(ctx, func(ctx context.Context, r *redis.Client) (err error) {
		wait, err = l.shared.take(ctx, r, buckets)
		return err
	})
	return wait, ok
}
