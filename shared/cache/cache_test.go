package cache_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/apperr"
	"rostrum/shared/cache"
	"rostrum/shared/clock"
	"rostrum/shared/config"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// It looks once a second whether its pool has been closed.
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

type answer struct {
	Words   string
	Version int
}

func anyAnswer(answer) bool { return true }

func open(t *testing.T, url string) (*cache.Cache, *bytes.Buffer) {
	t.Helper()
	var logged bytes.Buffer
	c, err := cache.Patient(config.Secret(url), clock.System{}, slog.New(slog.NewTextHandler(&logged, nil)))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c, &logged
}

// server is our in-process Redis, or the real one that ROSTRUM_REDIS_URL names.
func server(t *testing.T) string {
	t.Helper()
	if url := os.Getenv("ROSTRUM_REDIS_URL"); url != "" {
		return url
	}
	return "redis://" + miniredis.RunT(t).Addr()
}

func key() cache.Key {
	return cache.Key{Workspace: uuid.New(), Kind: "test 1", Name: "https://news.example/feed?token=hunter2", For: time.Minute}
}

// outside is what is read; it counts how often.
type outside struct {
	reads atomic.Int64
	says  answer
	err   error
}

func (o *outside) read(context.Context) (answer, error) {
	o.reads.Add(1)
	return o.says, o.err
}

// TestReads holds every home of the cache to the same rules. kept says whether
// an answer is there the second time.
func TestReads(t *testing.T) {
	t.Parallel()
	away, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, away.Close())
	for name, c := range map[string]struct {
		url  string
		kept bool
	}{
		"Redis": {url: server(t), kept: true}, "NoRedis": {}, "RedisAway": {url: "redis://" + away.Addr().String()},
	} {
		reads := func(times int64) int64 {
			if c.kept {
				return 1
			}
			return times
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("TheSecondReadIsThatOfTheFirst", func(t *testing.T) {
				t.Parallel()
				one, _ := open(t, c.url)
				two, _ := open(t, c.url)
				k, o := key(), &outside{says: answer{Words: "tide", Version: 2}}
				for _, process := range []*cache.Cache{one, two, one} {
					got, err := cache.Read(t.Context(), process, k, anyAnswer, o.read)
					require.NoError(t, err)
					require.Equal(t, o.says, got)
				}
				require.Equal(t, reads(3), o.reads.Load())
			})
			t.Run("AnotherWorkspaceReadsForItself", func(t *testing.T) {
				t.Parallel()
				one, _ := open(t, c.url)
				k, o := key(), &outside{}
				_, err := cache.Read(t.Context(), one, k, anyAnswer, o.read)
				require.NoError(t, err)
				k.Workspace = uuid.New()
				_, err = cache.Read(t.Context(), one, k, anyAnswer, o.read)
				require.NoError(t, err)
				k.Kind = "test 2"
				_, err = cache.Read(t.Context(), one, k, anyAnswer, o.read)
				require.NoError(t, err)
				require.Equal(t, int64(3), o.reads.Load())
			})
			t.Run("AFailureIsNotKept", func(t *testing.T) {
				t.Parallel()
				one, _ := open(t, c.url)
				k, o := key(), &outside{err: errors.New("away")}
				_, err := cache.Read(t.Context(), one, k, anyAnswer, o.read)
				require.Same(t, o.err, err)
				o.err = nil
				_, err = cache.Read(t.Context(), one, k, anyAnswer, o.read)
				require.NoError(t, err)
				require.Equal(t, int64(2), o.reads.Load())
			})
			t.Run("WhatDoesNotFitIsReadAgain", func(t *testing.T) {
				t.Parallel()
				one, _ := open(t, c.url)
				k, o := key(), &outside{says: answer{Version: 1}}
				newer := func(a answer) bool { return a.Version > 1 }
				_, err := cache.Read(t.Context(), one, k, newer, o.read)
				require.NoError(t, err, "what was read is taken as it is")
				_, err = cache.Read(t.Context(), one, k, newer, o.read)
				require.NoError(t, err)
				require.Equal(t, int64(2), o.reads.Load())
			})
			t.Run("ALargeAnswerIsGivenAndNotKept", func(t *testing.T) {
				t.Parallel()
				one, _ := open(t, c.url)
				k, o := key(), &outside{says: answer{Words: strings.Repeat("x", 600<<10)}}
				for range 2 {
					got, err := cache.Read(t.Context(), one, k, anyAnswer, o.read)
					require.NoError(t, err)
					require.Len(t, got.Words, 600<<10)
				}
				require.Equal(t, int64(2), o.reads.Load())
			})
		})
	}
}

// many reads one key nine times at once, eight of them while the first is at it
// as far as joined tells, and returns how often it was read outside.
func many(t *testing.T, c *cache.Cache, joined func()) int64 {
	t.Helper()
	k := key()
	var reads atomic.Int64
	begun, let := make(chan struct{}), make(chan struct{})
	all := func() {
		got, err := cache.Read(t.Context(), c, k, anyAnswer, func(context.Context) (answer, error) {
			if reads.Add(1) == 1 {
				close(begun)
				<-let
			}
			return answer{Words: "once"}, nil
		})
		if err != nil || got.Words != "once" {
			t.Errorf("%v, %v", got, err)
		}
	}
	var wg sync.WaitGroup
	wg.Go(all)
	<-begun
	for range 8 {
		wg.Go(all)
	}
	joined()
	close(let)
	wg.Wait()
	return reads.Load()
}

func TestManyAtOnceAreOneRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one, _ := open(t, "")
		require.Equal(t, int64(1), many(t, one, synctest.Wait))
	})
}

// Some come while the first is at it and some after it: the clock of the machine
// says which. None may look before it and read after it.
func TestWhoComesLateFindsWhatManyReadAtOnce(t *testing.T) {
	t.Parallel()
	one, _ := open(t, server(t))
	for range 20 {
		require.Equal(t, int64(1), many(t, one, func() {}))
	}
}

func TestWhoWaitsForAReadWhoseTimeIsUpReadsForItself(t *testing.T) {
	t.Parallel()
	one, _ := open(t, "")
	k := key()
	leader, stop := context.WithCancel(t.Context())
	begun := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := cache.Read(leader, one, k, anyAnswer, func(ctx context.Context) (answer, error) {
			close(begun)
			<-ctx.Done()
			return answer{}, ctx.Err()
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
	<-begun
	wg.Go(func() {
		got, err := cache.Read(t.Context(), one, k, anyAnswer, func(context.Context) (answer, error) { return answer{Words: "mine"}, nil })
		if err != nil || got.Words != "mine" {
			t.Errorf("%v, %v", got, err)
		}
	})
	stop()
	wg.Wait()
}

func TestAnAnswerEndsWithItsTime(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	one, _ := open(t, "redis://"+redis.Addr())
	k, o := key(), &outside{}
	for range 2 {
		_, err := cache.Read(t.Context(), one, k, anyAnswer, o.read)
		require.NoError(t, err)
	}
	redis.FastForward(k.For)
	_, err := cache.Read(t.Context(), one, k, anyAnswer, o.read)
	require.NoError(t, err)
	require.Equal(t, int64(2), o.reads.Load())
}

func TestNoAddressStandsInAKeyAndEachEnds(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	one, logged := open(t, "redis://"+redis.Addr())
	_, err := cache.Read(t.Context(), one, key(), anyAnswer, (&outside{}).read)
	require.NoError(t, err)
	require.Len(t, redis.Keys(), 1)
	name := redis.Keys()[0]
	require.NotContains(t, name, "hunter2")
	require.NotContains(t, name, "news.example")
	require.Equal(t, time.Minute, redis.TTL(name))
	require.Empty(t, logged.String())
}

func TestAValueOfAnotherFormIsReadAnew(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	one, _ := open(t, "redis://"+redis.Addr())
	k, o := key(), &outside{says: answer{Words: "new"}}
	_, err := cache.Read(t.Context(), one, k, anyAnswer, o.read)
	require.NoError(t, err)
	require.NoError(t, redis.Set(redis.Keys()[0], `["half`))
	got, err := cache.Read(t.Context(), one, k, anyAnswer, o.read)
	require.NoError(t, err)
	require.Equal(t, "new", got.Words)
	require.Equal(t, int64(2), o.reads.Load())
}

func TestASlowRedisDelaysAReadByItsLimitAtMostAndIsThenLeftAlone(t *testing.T) {
	t.Parallel()
	// It takes connections and says nothing.
	mute, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, mute.Close()) })
	var logged bytes.Buffer
	one, err := cache.New(config.Secret("redis://"+mute.Addr().String()), clock.System{}, slog.New(slog.NewTextHandler(&logged, nil)))
	require.NoError(t, err)
	t.Cleanup(one.Close)
	o := &outside{}
	started := time.Now()
	for range 100 {
		_, err := cache.Read(t.Context(), one, key(), anyAnswer, o.read)
		require.NoError(t, err)
	}
	// 50 ms once; a hundred waits would be 5 s, two of them a read 10 s.
	require.Less(t, time.Since(started), 2*time.Second)
	require.Equal(t, int64(100), o.reads.Load())
	require.Equal(t, 1, strings.Count(logged.String(), "Redis is away"), logged.String())
}

func TestAWrongAddressIsRefusedWithoutShowingIt(t *testing.T) {
	t.Parallel()
	_, err := cache.New("http://me:hunter2@h", clock.System{}, slog.New(slog.DiscardHandler))
	require.Equal(t, apperr.Invalid, apperr.KindOf(err))
	require.NotContains(t, err.Error(), "hunter2")
}
