package outbox

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDelayLandsWithinTheSecondBeforeItIsNeeded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 9, 0, 0, 250_000_000, time.UTC)
	for _, c := range []struct {
		name      string
		deliverAt time.Time
		want      time.Duration
	}{
		{"Past", now.Add(-time.Hour), 0},
		{"Now", now, 0},
		{"WithinASecond", now.Add(999 * time.Millisecond), 0},
		{"RoundsDown", time.Date(2026, 11, 25, 9, 1, 0, 0, time.UTC), 59 * time.Second},
		{"WholeSecond", now.Add(7 * time.Second), 7 * time.Second},
		{"NotBeyondWhatSQSTakes", now.Add(time.Hour), 900 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, delayUntil(c.deliverAt, now))
		})
	}
}
