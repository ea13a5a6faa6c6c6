// Package redisclient is the only way to Redis. What is kept there is speed and
// never truth, so no caller waits for it or fails with it: a question has a time
// limit, and a Redis that did not answer is left alone for a while, in which
// callers do without.
//
// Start reading at [Client.Ask].
package redisclient

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/config"
)

const (
	// restFor is how long Redis is left alone after it failed.
	restFor = 5 * time.Second
	// dialTime is longer than a question may take where Redis is far away: the
	// connection is then there for the next one.
	dialTime = 500 * time.Millisecond
)

// Client is one Redis, or none. It is safe for concurrent use.
type Client struct {
	redis  *redis.Client // nil where there is none
	use    string
	within time.Duration
	clock  clock.Clock
	logger *slog.Logger
	// restUntil is when it may be asked again, in Unix nanoseconds.
	restUntil atomic.Int64
}

// New returns a client of the Redis at url (redis:// or rediss://), or of none
// when url is empty; use is what the log calls it, within how long a question
// may take. It connects to nothing yet. Errors: Invalid when url is none.
func New(url config.Secret, use string, within time.Duration, now clock.Clock, logger *slog.Logger) (*Client, error) {
	c := &Client{use: use, within: within, clock: now, logger: logger}
	if url == "" {
		return c, nil
	}
	options, err := redis.ParseURL(url.Reveal())
	if err != nil {
		// The parser's error may quote the password.
		return nil, apperr.New(apperr.Invalid, "bad_redis_url", "REDIS_URL is not an address of Redis").
			WithHint("Use redis://user:password@host:port/0, or rediss:// for TLS.")
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = dialTime, within, within
	options.PoolTimeout = within
	options.ContextTimeoutEnabled = true
	// A repeat would spend twice, and take twice as long.
	options.MaxRetries, options.DialerRetries = -1, 1
	c.redis = redis.NewClient(options)
	return c, nil
}

// Close ends the connections.
func (c *Client) Close() {
	if c.redis != nil {
		_ = c.redis.Close()
	}
}

// Ask puts one question and reports whether it was answered: not where there is
// no Redis, while it rests after a failure, and when fn returns an error, which
// goes to the log. A key that is not there is fn's business (redis.Nil).
func (c *Client) Ask(ctx context.Context, fn func(ctx context.Context, r *redis.Client) error) bool {
	if c.redis == nil {
		return false
	}
	now := c.clock.Now()
	if now.UnixNano() < c.restUntil.Load() {
		return false
	}
	limited, cancel := context.WithTimeout(ctx, c.within)
	defer cancel()
	err := fn(limited, c.redis)
	if err == nil {
		return true
	}
	if ctx.Err() == nil {
		c.restUntil.Store(now.Add(restFor).UnixNano())
		c.logger.LogAttrs(ctx, slog.LevelWarn, "Redis is away", slog.String("use", c.use), slog.String("error", err.Error()),
			slog.Duration("rest", restFor))
	}
	return false
}
