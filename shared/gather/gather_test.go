package gather

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
)

// held is a group of which the first run waits until it is let go, so that the
// rest gathers behind it.
type held struct {
	group Group[int, int]
	first chan struct{}
	let   chan struct{}
	once  sync.Once

	mu   sync.Mutex
	runs [][]int
}

func newHeld(limit int) *held {
	return &held{group: Group[int, int]{Limit: limit, AtOnce: 1}, first: make(chan struct{}), let: make(chan struct{})}
}

// double doubles numbers, refuses 13 and panics at 666.
func (h *held) double(_ context.Context, ns []int) ([]int, error) {
	h.once.Do(func() {
		close(h.first)
		<-h.let
	})
	h.mu.Lock()
	h.runs = append(h.runs, slices.Clone(ns))
	h.mu.Unlock()
	if slices.Contains(ns, 13) {
		return nil, errors.New("unlucky")
	}
	if slices.Contains(ns, 666) {
		panic("unspeakable")
	}
	out := make([]int, len(ns))
	for i, n := range ns {
		out[i] = 2 * n
	}
	return out, nil
}

// ask has all numbers asked for at once, while a first one is under way.
func (h *held) ask(t *testing.T, ns ...int) (answers map[int]int, faults map[int]error) {
	t.Helper()
	answers, faults = map[int]int{}, map[int]error{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	do := func(n int) {
		defer func() { _ = recover() }()
		got, err := h.group.Do(t.Context(), uuid.Nil, n, h.double)
		mu.Lock()
		defer mu.Unlock()
		answers[n], faults[n] = got, err
	}
	wg.Go(func() { do(1) })
	<-h.first
	for _, n := range ns {
		wg.Go(func() { do(n) })
	}
	require.Eventually(t, func() bool {
		h.group.mu.Lock()
		defer h.group.mu.Unlock()
		return len(h.group.waiting) == len(ns)
	}, 10*time.Second, time.Millisecond)
	close(h.let)
	wg.Wait()
	return answers, faults
}

func TestThoseWhoComeMeanwhileShareTheNextRun(t *testing.T) {
	t.Parallel()
	h := newHeld(0)
	answers, faults := h.ask(t, 2, 3, 4, 5)
	for n := 1; n <= 5; n++ {
		require.NoError(t, faults[n])
		require.Equal(t, 2*n, answers[n])
	}
	require.Len(t, h.runs, 2)
	require.ElementsMatch(t, []int{2, 3, 4, 5}, h.runs[1])
}

func TestAGroupHoldsNoMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	h := newHeld(3)
	_, _ = h.ask(t, 2, 3, 4, 5, 6, 7, 8)
	require.Len(t, h.runs, 4)
	for _, run := range h.runs {
		require.LessOrEqual(t, len(run), 3)
	}
}

func TestOneThatCannotBeServedFailsAlone(t *testing.T) {
	t.Parallel()
	h := newHeld(0)
	answers, faults := h.ask(t, 2, 13, 4)
	require.ErrorContains(t, faults[13], "unlucky")
	require.NoError(t, faults[2])
	require.NoError(t, faults[4])
	require.Equal(t, 8, answers[4])
}

func TestARunThatPanicsIsASuccessForNobody(t *testing.T) {
	t.Parallel()
	h := newHeld(0)
	_, faults := h.ask(t, 2, 666, 4)
	failed := 0
	for _, n := range []int{2, 666, 4} {
		if err, heard := faults[n]; heard {
			require.Equal(t, apperr.Internal, apperr.KindOf(err))
			failed++
		}
	}
	require.Equal(t, 2, failed, "its leader panics, the others hear of it")
	answers, faults := map[int]int{}, map[int]error{}
	answers[9], faults[9] = h.group.Do(t.Context(), uuid.Nil, 9, h.double)
	require.NoError(t, faults[9])
	require.Equal(t, 18, answers[9], "and the group goes on")
}

// The leader works for others too: that it is canceled ends nothing of theirs.
func TestACanceledLeaderStillServesTheOthers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var group Group[int, int]
	_, err := group.Do(ctx, uuid.Nil, 1, func(ctx context.Context, ns []int) ([]int, error) { return ns, ctx.Err() })
	require.NoError(t, err)
}
