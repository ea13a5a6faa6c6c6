package queuetest

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheFileNamesOnlyChecksThatExist(t *testing.T) {
	t.Parallel()
	_, err := readDeviations(rawDeviations, slices.Collect(maps.Keys(contract())))
	require.NoError(t, err)
}

func TestFileThatCannotBeRightIsRefused(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"no JSON":       `{`,
		"unknown check": `{"Other": {"s": {"instead": "i", "shows": "s"}}}`,
		"unknown key":   `{"Check": {"s": {"instead": "i", "shows": "s", "since": "2026"}}}`,
		"says nothing":  `{"Check": {"s": {"shows": "s"}}}`,
		"shows nothing": `{"Check": {"s": {"instead": "i"}}}`,
	} {
		_, err := readDeviations([]byte(raw), []string{"Check"})
		require.Error(t, err, name)
	}
}

func TestFindingsAreWeighedAgainstWhatIsKnown(t *testing.T) {
	t.Parallel()
	known := deviation{Instead: "takes it", Shows: "got <nil>"}
	for name, c := range map[string]struct {
		findings []string
		known    deviation
		want     Outcome
		why      string
	}{
		"kept":                {nil, deviation{}, Kept, ""},
		"broken":              {[]string{"got 2"}, deviation{}, Broken, "got 2"},
		"deviates":            {[]string{"x", "got <nil>"}, known, Deviates, "takes it"},
		"no longer deviates":  {nil, known, Broken, "no longer deviates"},
		"deviates otherwise":  {[]string{"connection refused"}, known, Broken, "in another way"},
		"finding, but no why": {[]string{""}, known, Broken, "in another way"},
	} {
		outcome, why := judge(c.findings, c.known)
		require.Equal(t, c.want, outcome, name)
		require.Contains(t, why, c.why, name)
	}
}

func TestCheckThatFailsEndsThereAndIsCleanedUpAfter(t *testing.T) {
	t.Parallel()
	var order []string
	findings := observe(t.Context(), func(r *recorder) {
		r.Cleanup(func() { order = append(order, "first made") })
		r.Cleanup(func() {
			order = append(order, "last made")
			require.Fail(r, "the cleanup fails too")
		})
		require.Equal(r, 1, 2)
		order = append(order, "not reached")
	})
	require.Equal(t, []string{"last made", "first made"}, order)
	require.Len(t, findings, 2)
}
