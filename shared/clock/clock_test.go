package clock_test

import (
	"go/build/constraint"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/clock"
)

// What ships is the file without the tag; nothing in it can move the clock.
func TestWhatShipsCannotBeMoved(t *testing.T) {
	t.Parallel()
	for name, inFault := range map[string]bool{"now.go": false, "now_fault.go": true} {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		line, _, _ := strings.Cut(string(raw), "\n")
		expr, err := constraint.Parse(line)
		require.NoError(t, err)
		require.Equal(t, inFault, expr.Eval(func(tag string) bool { return tag == "fault" }), name)
		require.Equal(t, !inFault, expr.Eval(func(string) bool { return false }), name)
		require.Equal(t, inFault, strings.Contains(string(raw), "unsafe"), name)
	}
}

// Two readings differ by what has passed, whatever somebody does to the wall
// clock between them: a time without a monotonic reading shows none.
func TestReadingsAreMonotonic(t *testing.T) {
	t.Parallel()
	require.Contains(t, clock.System{}.Now().String(), " m=")
}
