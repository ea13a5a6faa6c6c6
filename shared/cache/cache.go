// Package cache keeps what was read outside for a while, so that the same
// question of one workspace is asked once. It lies in Redis, where all sandboxes
// see it. Without one, or while it is away or slow, everything is read where it
// stands, as if there were no cache: a kept answer is speed, never truth, and
// nothing that decides whether a post goes out may come from here.
//
// A key holds a digest, so no address with a secret in it stands in Redis, and
// the workspace, so no answer crosses from one to another.
//
// Start reading at [Read].
package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"

	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/redisclient"
	"rostrum/shared/telemetry"
)

const (
	prefix = "rostrum:read:"
	// callTime is what a question to Redis may add to a read.
	callTime = 50 * time.Millisecond
	// maxValue is how many bytes of an answer are kept; larger ones are read
	// again each time.
	maxValue = 512 << 10
)

// Cache keeps answers. It is safe for concurrent use.
type Cache struct {
	client *redisclient.Client
	flight singleflight.Group
}

// New returns a cache in the Redis at url, or none when url is empty. It
// connects to nothing yet. Errors: Invalid when url is none.
func New(url config.Secret, now clock.Clock, logger *slog.Logger) (*Cache, error) {
	return waiting(callTime, url, now, logger)
}

func waiting(callTime time.Duration, url config.Secret, now clock.Clock, logger *slog.Logger) (*Cache, error) {
	client, err := redisclient.New(url, "kept reads", callTime, now, logger)
	if err != nil {
		return nil, err
	}
	return &Cache{client: client}, nil
}

// Close ends the connections.
func (c *Cache) Close() { c.client.Close() }

// Key says what was asked.
type Key struct {
	// Workspace is whose question it is.
	Workspace uuid.UUID
	// Kind names the kind of answer and the number of its form ("feed 1"): a
	// changed form gets another number, since older code may have kept the value.
	Kind string
	// Name is what was asked for, such as an address.
	Name string
	// For is how long an answer stands for what would be read now.
	For time.Duration
}

func (k Key) text() string {
	sum := sha256.Sum256([]byte(k.Name))
	return prefix + k.Kind + ":" + k.Workspace.String() + ":" + hex.EncodeToString(sum[:])
}

// Read returns what is kept under the key, if it fits, else what fetch reads,
// which is then kept; a value is kept as JSON. Reads of one key at once in this
// process are one: the others get the first one's answer or error, unless its
// answer does not fit them or its time was up. Errors: those of fetch.
func Read[T any](ctx context.Context, c *Cache, key Key, fits func(T) bool, fetch func(context.Context) (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
		over  bool
	}
	mine := false
	// Looking is within the flight: who looked before it and came after it would
	// find nothing kept, and read once more.
	answer, _, _ := c.flight.Do(key.text(), func() (any, error) {
		mine = true
		value, err := lookOrRead(ctx, c, key, fits, fetch)
		return outcome{value: value, err: err, over: ctx.Err() != nil}, nil
	})
	got, ok := answer.(outcome)
	if mine || ok && !got.over && (got.err != nil || fits(got.value)) {
		return got.value, got.err
	}
	return lookOrRead(ctx, c, key, fits, fetch)
}

func lookOrRead[T any](ctx context.Context, c *Cache, key Key, fits func(T) bool, fetch func(context.Context) (T, error)) (T, error) {
	if kept, ok := look(ctx, c, key, fits); ok {
		telemetry.Measure(ctx, telemetry.KeptReads, "hit", 1)
		return kept, nil
	}
	return readAndKeep(ctx, c, key, fetch)
}

func look[T any](ctx context.Context, c *Cache, key Key, fits func(T) bool) (value T, ok bool) {
	var raw []byte
	c.client.Ask(ctx, func(ctx context.Context, r *redis.Client) (err error) {
		raw, err = r.Get(ctx, key.text()).Bytes()
		if errors.Is(err, redis.Nil) {
			return nil
		}
		return err //nolint:wrapcheck // for the log.
	})
	if len(raw) == 0 || json.Unmarshal(raw, &value) != nil || !fits(value) {
		var none T
		return none, false
	}
	return value, true
}

func readAndKeep[T any](ctx context.Context, c *Cache, key Key, fetch func(context.Context) (T, error)) (T, error) {
	telemetry.Measure(ctx, telemetry.KeptReads, "miss", 1)
	value, err := fetch(ctx)
	if err != nil {
		return value, err
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return value, fmt.Errorf("keep a read of %s: %w", key.Kind, err)
	}
	if len(raw) <= maxValue {
		c.client.Ask(ctx, func(ctx context.Context, r *redis.Client) error {
			return r.Set(ctx, key.text(), raw, key.For).Err() //nolint:wrapcheck // for the log.
		})
	}
	return value, nil
}
