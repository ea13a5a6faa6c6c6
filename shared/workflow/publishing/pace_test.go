package publishing

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestAFloodIsSpreadOverTheSecondBesideAnother(t *testing.T) {
	t.Parallel()
	var p pace
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	loud, small := uuid.New(), uuid.New()
	for range 1000 {
		p.enter(loud)
		require.Zero(t, p.turn(loud, now), "nobody is beside it")
	}
	for range 4 {
		p.enter(small)
	}
	var waits []time.Duration
	for range 200 {
		waits = append(waits, p.turn(loud, now))
	}
	require.Zero(t, waits[atOnce-1])
	require.Equal(t, step, waits[atOnce])
	require.Equal(t, (200-atOnce)*step, waits[199])
	for range 4 {
		require.Zero(t, p.turn(small, now), "the few do not wait for the many")
	}
	require.Equal(t, (201-atOnce)*step-500*time.Millisecond, p.turn(loud, now.Add(500*time.Millisecond)), "time that passed is taken off")
	for range 10_000 {
		require.LessOrEqual(t, p.turn(loud, now), longestPace)
	}
}

func TestAWorkspaceGoesOnUnpacedOnceTheOtherHasLeft(t *testing.T) {
	t.Parallel()
	var p pace
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	loud, small := uuid.New(), uuid.New()
	leave := p.enter(loud)
	leaveToo := p.enter(loud)
	end := p.enter(small)
	for range atOnce {
		require.Zero(t, p.turn(loud, now))
	}
	require.Equal(t, step, p.turn(loud, now))
	end()
	require.Zero(t, p.turn(loud, now))
	leave()
	require.Len(t, p.here, 1)
	leaveToo()
	require.Empty(t, p.here, "nothing is kept of who has left")
}
