package platform_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/platform"
)

func TestAWaitIsToldAsPeopleSayIt(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{
		time.Second: "1 s", 1500 * time.Millisecond: "2 s", time.Minute: "60 s", 90 * time.Second: "90 s", 91 * time.Second: "2 min",
		15 * time.Minute: "15 min", 2 * time.Hour: "2 h", 12*time.Hour + 20*time.Second: "12 h 1 min", 150 * time.Minute: "2 h 30 min",
	} {
		require.Equal(t, want, platform.WaitWords(wait), wait.String())
	}
}
