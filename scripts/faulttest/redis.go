package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/ratelimit"
)

// asked is what three processes ask of one bucket, each as fast as it can.
const (
	askers    = 3
	perSecond = 40
	burst     = 40
)

// redisGone has Redis answer 5 s late, die, come back empty, be flushed and split
// in two that do not know of each other, while three processes count requests in
// it and posts go out. Judged: the limits let through what they should and no
// more, each half of a split as much, nobody waits for Redis, and I1 to I5
// and I7 with every post on its second throughout: sending needs no Redis.
func redisGone(ctx context.Context, r *trial) error {
	server, err := arena.StartRedis(ctx, filepath.Join(r.suite.dir, fmt.Sprintf("redis-%d", r.seed)))
	if err != nil {
		return err
	}
	r.onClose(func(context.Context) { server.Kill() })
	proxy, through, err := arena.NewProxy(ctx, server.URL())
	if err != nil {
		return err
	}
	r.onClose(func(context.Context) { proxy.Close() })
	a, accounts, err := r.world(ctx, 3, nil)
	if err != nil {
		return err
	}
	end, err := start(ctx, a, 2, arena.How{Redis: through})
	if err != nil {
		return err
	}
	defer end()
	quiet := listen(ctx)
	began := time.Now()
	for i, acc := range accounts {
		for second := range 30 {
			if _, err := a.Schedule(ctx, acc, began.Add(time.Duration(3+second)*time.Second), r.contents(1, 1+i)...); err != nil {
				return err
			}
		}
	}
	if err := r.countWithout(ctx, server, proxy, through); err != nil {
		return err
	}
	if err := a.Settle(ctx, settleWithin, 0); err != nil {
		return err
	}
	allowed := slo + quiet()
	for _, p := range a.Posts() {
		p.Within = allowed
	}
	return r.recovered(ctx, a, settleWithin, 0)
}

// countWithout leads Redis through its faults and holds the limits to what they
// may let through in each.
func (r *trial) countWithout(ctx context.Context, server *arena.Redis, proxy *arena.Proxy, address string) error {
	c, err := ask(ctx, address)
	if err != nil {
		return err
	}
	defer c.stop()
	direct := redis.NewClient(&redis.Options{Addr: server.URL()[len("redis://"):]})
	defer func() { _ = direct.Close() }()
	other, err := arena.StartRedis(ctx, filepath.Join(r.suite.dir, fmt.Sprintf("redis-other-%d", r.seed)))
	if err != nil {
		return err
	}
	r.onClose(func(context.Context) { other.Kill() })
	for _, phase := range []struct {
		name string
		do   func() error
		wait time.Duration
		// servers is how many count, each what reaches it.
		servers int
	}{
		{"healthy", func() error { return nil }, 2 * time.Second, 1},
		{"5 s late", func() error { proxy.Delay(5 * time.Second); return nil }, 3 * time.Second, 1},
		{"healthy again", func() error { proxy.Delay(0); return nil }, 6 * time.Second, 1},
		{"dead", func() error { server.Kill(); return nil }, time.Duration(2000+r.intN(2000)) * time.Millisecond, 1},
		{"back and empty", func() error { return server.Start(ctx) }, 6 * time.Second, 1},
		{"flushed", func() error { return direct.FlushAll(ctx).Err() }, 2 * time.Second, 1},
		{"split in two", func() error { return proxy.Lead(server.URL(), other.URL()) }, 6 * time.Second, 2},
		{"one again", func() error { return proxy.Lead(server.URL()) }, 6 * time.Second, 1},
	} {
		before, from := c.passed.Load(), time.Now()
		if err := phase.do(); err != nil {
			return fmt.Errorf("redis %s: %w", phase.name, err)
		}
		arena.Pause(ctx, phase.wait)
		// One burst for a bucket that was emptied or begun, and a quarter of one in
		// each process that counts for itself.
		passed := c.passed.Load() - before
		most := int64(phase.servers*burst+askers*burst/4) + int64(float64(phase.servers)*perSecond*time.Since(from).Seconds()) + askers
		if passed > most || passed == 0 {
			return fmt.Errorf("with Redis %s %d requests of %d a second passed within %s: 1 to %d may", phase.name, passed, perSecond, phase.wait, most)
		}
	}
	if slowest := time.Duration(c.slowest.Load()); slowest > 2*time.Second {
		return fmt.Errorf("a request waited %s for its limit", slowest)
	}
	return nil
}

// counters ask without end.
type counters struct {
	passed, slowest atomic.Int64
	stop            func()
}

func ask(ctx context.Context, address string) (*counters, error) {
	ctx, cancel := context.WithCancel(ctx)
	c := &counters{}
	var wg sync.WaitGroup
	var closers []func()
	c.stop = func() {
		cancel()
		wg.Wait()
		for _, closeOne := range closers {
			closeOne()
		}
	}
	bucket := ratelimit.Bucket{Key: "fault 13", Limit: ratelimit.Limit{PerSecond: perSecond, Burst: burst}}
	for range askers {
		l, err := ratelimit.New(config.Secret(address), clock.System{}, slog.New(slog.DiscardHandler))
		if err != nil {
			c.stop()
			return nil, err
		}
		closers = append(closers, l.Close)
		for range 2 {
			wg.Go(func() {
				for arena.Pause(ctx, 5*time.Millisecond) {
					began := time.Now()
					err := l.Take(ctx, bucket)
					if err == nil {
						c.passed.Add(1)
					}
					if err == nil || apperr.Is(err, apperr.RateLimited) {
						c.slowest.Store(max(c.slowest.Load(), int64(time.Since(began))))
					}
				}
			})
		}
	}
	return c, nil
}
