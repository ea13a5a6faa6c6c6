package throttle_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"rostrum/shared/throttle"
)

func epoch() time.Time { return time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC) }

func id(n int) uuid.UUID {
	source := rand.NewPCG(uint64(n), 7)
	var u uuid.UUID
	for i := range u {
		u[i] = byte(source.Uint64())
	}
	return u
}

func TestABreakerOpensAfterARunAndNotBefore(t *testing.T) {
	t.Parallel()
	rule, now := throttle.AccountRule(), epoch()
	var b throttle.Breaker
	for i := range rule.Failures - 1 {
		b = b.Fail(rule, throttle.Failure{Attempt: id(i), Account: id(1), Code: "timeout", At: now})
	}
	require.Equal(t, throttle.Closed, b.State)
	b = b.Succeed().Fail(rule, throttle.Failure{Attempt: id(9), Account: id(1), At: now})
	require.Equal(t, throttle.Closed, b.State, "a proper answer ends the run")
	require.Equal(t, 1, b.Failures)
	for i := range rule.Failures - 1 {
		b = b.Fail(rule, throttle.Failure{Attempt: id(20 + i), Account: id(1), Code: "http_503", At: now.Add(time.Duration(i) * time.Second)})
	}
	require.Equal(t, throttle.Open, b.State)
	require.Equal(t, now, b.FailingSince)
	require.Equal(t, "http_503", b.LastCode)
}

func TestOneAccountDoesNotOpenItsNetwork(t *testing.T) {
	t.Parallel()
	var b throttle.Breaker
	for i := range 100 {
		b = b.Fail(throttle.NetworkRule(), throttle.Failure{Attempt: id(i), Account: id(i % 2), At: epoch()})
	}
	require.Equal(t, throttle.Closed, b.State)
	b = b.Fail(throttle.NetworkRule(), throttle.Failure{Attempt: id(101), Account: id(3), At: epoch()})
	require.Equal(t, throttle.Open, b.State)
}

func TestOldFailuresAreForgotten(t *testing.T) {
	t.Parallel()
	rule := throttle.AccountRule()
	var b throttle.Breaker
	for i := range 50 {
		b = b.Fail(rule, throttle.Failure{Attempt: id(i), Account: id(1), At: epoch().Add(time.Duration(i) * 16 * time.Minute)})
	}
	require.Equal(t, throttle.Closed, b.State)
	require.Equal(t, 1, b.Failures)
}

func TestTheWaitGrowsIsBoundedAndJittered(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for n := -1; n < 100; n++ {
		base := min(30*time.Second<<min(max(n, 1)-1, 10), 10*time.Minute)
		for i := range 20 {
			w := throttle.Wait(n, id(i))
			seen[w] = true
			require.GreaterOrEqual(t, w, base-base/5, n)
			require.Less(t, w, base+base/5, n)
		}
	}
	require.Greater(t, len(seen), 100)
}

// The breaker against a model that knows only what was let through and heard:
// whatever happens in whatever order, while it is not closed at most one
// attempt is let through at a time, none before the time to try, and nothing
// keeps it from trying again.
func TestWhateverHappensABreakerLetsOneThroughAtATime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rule, now := throttle.Rule{Failures: rapid.IntRange(1, 4).Draw(t, "failures"), Accounts: 1}, epoch()
		var b throttle.Breaker
		var begun []uuid.UUID
		next := 0
		fail := func(attempt uuid.UUID) {
			before := b
			b = b.Fail(rule, throttle.Failure{Attempt: attempt, Account: id(1), Code: "timeout", At: now})
			if before.State == throttle.HalfOpen && attempt != before.Probe || before.State == throttle.Open {
				require.Equal(t, before, b, "a call that began before says nothing new")
			}
			if b.State == throttle.Open && before.State != throttle.Open {
				require.True(t, b.RetryAt.After(now))
				require.Less(t, b.RetryAt.Sub(now), 13*time.Minute)
			}
		}
		take := func() (uuid.UUID, bool) {
			if len(begun) == 0 {
				return uuid.Nil, false
			}
			i := rapid.IntRange(0, len(begun)-1).Draw(t, "which")
			attempt := begun[i]
			begun = slices.Delete(begun, i, i+1)
			return attempt, true
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(t *rapid.T) {
				next++
				before, attempt := b, id(1000+next)
				after, ok := b.Admit(attempt, now, now.Add(25*time.Second))
				b = after
				if ok {
					begun = append(begun, attempt)
				}
				switch {
				case before.State == throttle.Closed || before.State == "":
					require.True(t, ok)
				case before.State == throttle.Open && now.Before(before.RetryAt):
					require.False(t, ok, "let through before its time")
				case before.State == throttle.HalfOpen && now.Before(before.ProbeUntil):
					require.False(t, ok, "a second one was let through")
				default:
					require.True(t, ok, "it never tries again")
					require.Equal(t, attempt, b.Probe)
				}
			},
			"fail": func(*rapid.T) {
				if attempt, ok := take(); ok {
					fail(attempt)
				}
			},
			"succeed": func(t *rapid.T) {
				if _, ok := take(); ok {
					b = b.Succeed()
					require.Equal(t, throttle.Breaker{State: throttle.Closed}, b)
				}
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "seconds")) * time.Second)
			},
			"": func(t *rapid.T) {
				require.Equal(t, b.State == throttle.HalfOpen, !b.ProbeUntil.IsZero())
				if b.State == throttle.Closed {
					require.Less(t, b.Failures, rule.Failures)
				}
			},
		})
	})
}

func TestTheDrainKeepsEachAccountsGapAndTheNetworksRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := epoch().Add(time.Duration(rapid.IntRange(0, 999).Draw(t, "ms")) * time.Millisecond)
		until := now.Add(3 * time.Minute)
		accounts := rapid.IntRange(1, 60).Draw(t, "accounts")
		gaps, after := map[uuid.UUID]time.Duration{}, map[uuid.UUID]time.Time{}
		for i := range accounts {
			gaps[id(i)] = time.Duration(rapid.SampledFrom([]int{0, 0, 60, 600}).Draw(t, "gap")) * time.Second
			if rapid.Bool().Draw(t, "sent before") {
				after[id(i)] = now.Add(-time.Duration(rapid.IntRange(0, 20).Draw(t, "ago")) * time.Second)
			}
		}
		taken := map[int64]int{}
		for range rapid.IntRange(0, 300).Draw(t, "taken") {
			taken[now.Unix()+int64(rapid.IntRange(0, 20).Draw(t, "second"))]++
		}
		var waiting []throttle.Waiting
		for i := range rapid.IntRange(0, 300).Draw(t, "posts") {
			acc := id(rapid.IntRange(0, accounts-1).Draw(t, "account"))
			waiting = append(waiting, throttle.Waiting{
				PostID: id(10_000 + i), AccountID: acc, Gap: gaps[acc], After: after[acc],
			})
		}
		byID, place := map[uuid.UUID]throttle.Waiting{}, map[uuid.UUID]int{}
		for i, w := range waiting {
			byID[w.PostID], place[w.PostID] = w, i
		}
		turns := throttle.Turns(now, until, waiting, taken)
		last, reached, got := map[uuid.UUID]time.Time{}, map[uuid.UUID]int{}, map[uuid.UUID]bool{}
		for _, turn := range turns {
			w := byID[turn.PostID]
			gap := w.Gap
			if gap == 0 {
				gap = throttle.DefaultGap
			}
			require.False(t, turn.At.Before(now) || turn.At.After(until))
			previous, seen := last[w.AccountID]
			if !seen {
				previous = w.After
			}
			if !previous.IsZero() {
				require.GreaterOrEqual(t, turn.At.Sub(previous), gap)
			}
			require.GreaterOrEqual(t, place[w.PostID], reached[w.AccountID], "in the order in which they wait")
			require.False(t, got[turn.PostID])
			last[w.AccountID], reached[w.AccountID], got[turn.PostID] = turn.At, place[w.PostID], true
			taken[turn.At.Unix()]++
			require.LessOrEqual(t, taken[turn.At.Unix()], throttle.PerSecond)
		}
		// The first of an account goes before its others: none is passed over.
		for _, w := range waiting {
			if !got[w.PostID] && slices.ContainsFunc(turns, func(turn throttle.Turn) bool {
				return byID[turn.PostID].AccountID == w.AccountID && place[turn.PostID] > place[w.PostID]
			}) {
				t.Fatalf("a later post of the account has a turn and %s has none", w.PostID)
			}
		}
	})
}

func TestADayOfFiveThousandDrainsAtItsRate(t *testing.T) {
	t.Parallel()
	now := epoch()
	waiting := make([]throttle.Waiting, 0, 5000)
	for i := range 5000 {
		waiting = append(waiting, throttle.Waiting{PostID: id(i), AccountID: id(100_000 + i%200)})
	}
	turns := throttle.Turns(now, now.Add(10*time.Minute), waiting, nil)
	require.Len(t, turns, 5000)
	require.InDelta(t, 250, turns[len(turns)-1].At.Sub(now).Seconds(), 10)
}

func TestAQuotaThatCannotBeTrueIsNone(t *testing.T) {
	t.Parallel()
	good := throttle.Quota{Scope: throttle.AppScope, Use: throttle.Posting, Window: time.Hour, Limit: 10, Remaining: 3, ResetsAt: epoch().Add(time.Minute)}
	_, ok := good.Sane(epoch())
	require.True(t, ok)
	for name, spoil := range map[string]func(*throttle.Quota){
		"no limit":          func(q *throttle.Quota) { q.Limit = 0 },
		"a negative limit":  func(q *throttle.Quota) { q.Limit = -3 },
		"negative left":     func(q *throttle.Quota) { q.Remaining = -1 },
		"a reset gone by":   func(q *throttle.Quota) { q.ResetsAt = epoch() },
		"the year 2500":     func(q *throttle.Quota) { q.ResetsAt = epoch().AddDate(474, 0, 0) },
		"beyond the window": func(q *throttle.Quota) { q.ResetsAt = epoch().Add(2 * time.Hour) },
		"an absurd limit":   func(q *throttle.Quota) { q.Limit = 1 << 40 },
		"no window":         func(q *throttle.Quota) { q.Window = 0 },
	} {
		q := good
		spoil(&q)
		_, ok := q.Sane(epoch())
		require.False(t, ok, name)
	}
	more := good
	more.Remaining = 99
	more, ok = more.Sane(epoch())
	require.True(t, ok)
	require.Equal(t, 10, more.Remaining)
}
