package ratelimit_test

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/ratelimit"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// It looks once a second whether its pool has been closed.
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

func limiter(t *testing.T, url string, now clock.Clock) (*ratelimit.Limiter, *bytes.Buffer) {
	t.Helper()
	var logged bytes.Buffer
	l, err := ratelimit.New(config.Secret(url), now, slog.New(slog.NewTextHandler(&logged, nil)))
	require.NoError(t, err)
	t.Cleanup(l.Close)
	return l, &logged
}

// server is our in-process Redis, or the real one that ROSTRUM_REDIS_URL names.
func server(t *testing.T) string {
	t.Helper()
	if url := os.Getenv("ROSTRUM_REDIS_URL"); url != "" {
		return url
	}
	return "redis://" + miniredis.RunT(t).Addr()
}

func bucket(perSecond float64, burst int) ratelimit.Bucket {
	return ratelimit.Bucket{Key: "test " + uuid.NewString(), Limit: ratelimit.Limit{PerSecond: perSecond, Burst: burst}}
}

// TestLimits holds every way to count to the same rules. burst is how much of
// eight passes at once.
func TestLimits(t *testing.T) {
	t.Parallel()
	away, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, away.Close())
	for name, c := range map[string]struct {
		url   string
		burst int
	}{
		"Redis": {url: server(t), burst: 8}, "NoRedis": {burst: 2}, "RedisAway": {url: "redis://" + away.Addr().String(), burst: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("ABurstPassesAndNoMore", func(t *testing.T) {
				t.Parallel()
				l, _ := limiter(t, c.url, clock.System{})
				b := bucket(0.4, 8)
				for range c.burst {
					require.NoError(t, l.Take(t.Context(), b))
				}
				err := l.Take(t.Context(), b)
				require.Equal(t, apperr.RateLimited, apperr.KindOf(err))
				wait := apperr.As(err).RetryAfter
				require.Positive(t, wait)
				require.LessOrEqual(t, wait, 10*time.Second)
			})
			t.Run("TimeGivesBack", func(t *testing.T) {
				t.Parallel()
				l, _ := limiter(t, c.url, clock.System{})
				b := bucket(8, 4)
				require.Eventually(t, func() bool { return l.Take(t.Context(), b) != nil }, 5*time.Second, time.Millisecond)
				require.Eventually(t, func() bool { return l.Take(t.Context(), b) == nil }, 5*time.Second, 5*time.Millisecond)
			})
			t.Run("ARefusalSpendsNothing", func(t *testing.T) {
				t.Parallel()
				l, _ := limiter(t, c.url, clock.System{})
				wide, narrow := bucket(0.4, 8), bucket(0.1, 1)
				require.NoError(t, l.Take(t.Context(), wide, narrow))
				for range 20 {
					require.Error(t, l.Take(t.Context(), wide, narrow))
				}
				for range c.burst - 1 {
					require.NoError(t, l.Take(t.Context(), wide))
				}
				require.Error(t, l.Take(t.Context(), wide))
			})
			t.Run("ManyAtOnceShareOneBurst", func(t *testing.T) {
				t.Parallel()
				l, _ := limiter(t, c.url, clock.System{})
				b := bucket(0.4, 8)
				var passed atomic.Int64
				var wg sync.WaitGroup
				for range 40 {
					wg.Go(func() {
						if l.Take(t.Context(), b) == nil {
							passed.Add(1)
						}
					})
				}
				wg.Wait()
				// A burst over all connections at once may find Redis slow; what it
				// then counts by itself is a quarter more.
				require.GreaterOrEqual(t, passed.Load(), int64(min(c.burst, 2)))
				require.LessOrEqual(t, passed.Load(), int64(c.burst+2))
			})
		})
	}
}

func TestProcessesShareWhatIsInRedis(t *testing.T) {
	t.Parallel()
	url := server(t)
	one, _ := limiter(t, url, clock.System{})
	two, _ := limiter(t, url, clock.System{})
	b := bucket(0.1, 4)
	for range 2 {
		require.NoError(t, one.Take(t.Context(), b))
		require.NoError(t, two.Take(t.Context(), b))
	}
	require.Error(t, one.Take(t.Context(), b))
	require.Error(t, two.Take(t.Context(), b))
}

func TestARedisThatDiesLeavesAQuarterAndIsAskedAgain(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	now := clock.NewFake(time.Now())
	l, logged := limiter(t, "redis://"+redis.Addr(), now)
	b := bucket(0.1, 8)
	for range 3 {
		require.NoError(t, l.Take(t.Context(), b))
	}
	redis.SetError("LOADING")
	passed := 0
	for range 20 {
		if l.Take(t.Context(), b) == nil {
			passed++
		}
	}
	require.Equal(t, 2, passed)
	require.Equal(t, 1, strings.Count(logged.String(), "Redis is away"), logged.String())

	redis.SetError("")
	require.Error(t, l.Take(t.Context(), b), "it is left alone for a while")
	now.Advance(5 * time.Second)
	for range 5 {
		require.NoError(t, l.Take(t.Context(), b), "Redis remembers the three")
	}
	require.Error(t, l.Take(t.Context(), b))
}

func TestASlowRedisDoesNotHoldRequestsUp(t *testing.T) {
	t.Parallel()
	// It takes connections and says nothing.
	mute, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, mute.Close()) })
	l, _ := limiter(t, "redis://"+mute.Addr().String(), clock.System{})
	b := bucket(0.1, 4)
	started := time.Now()
	require.NoError(t, l.Take(t.Context(), b))
	for range 100 {
		require.Error(t, l.Take(t.Context(), b))
	}
	require.Less(t, time.Since(started), 3*time.Second)
}

func TestWhoInventsKeysGetsOneBucket(t *testing.T) {
	t.Parallel()
	l, _ := limiter(t, "", clock.NewFake(time.Now()))
	for range 100_000 {
		require.NoError(t, l.Take(t.Context(), bucket(0.1, 4)))
	}
	require.NoError(t, l.Take(t.Context(), bucket(0.1, 4)))
	require.Error(t, l.Take(t.Context(), bucket(0.1, 4)))
}

func TestAWrongAddressIsRefusedWithoutShowingIt(t *testing.T) {
	t.Parallel()
	_, err := ratelimit.New("http://me:hunter2@h", clock.System{}, slog.New(slog.DiscardHandler))
	require.Equal(t, apperr.Invalid, apperr.KindOf(err))
	require.NotContains(t, err.Error(), "hunter2")
}
