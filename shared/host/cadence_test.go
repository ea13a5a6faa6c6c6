package host

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCronFiresAtTheTimesItDescribes(t *testing.T) {
	t.Parallel()
	for expression, times := range map[string][]string{
		"cron(15 3 * * ? *)":            {"2026-11-25T03:15", "2026-11-26T03:15"},
		"cron(0/20 22-23 ? * TUE *)":    {"2026-11-24T22:20", "2026-11-24T22:40", "2026-11-24T23:00", "2026-11-24T23:20", "2026-11-24T23:40", "2026-12-01T22:00"},
		"cron(0 8 1 * ? *)":             {"2026-12-01T08:00", "2027-01-01T08:00"},
		"cron(0 12 ? * MON-FRI *)":      {"2026-11-25T12:00", "2026-11-26T12:00", "2026-11-27T12:00", "2026-11-30T12:00"},
		"cron(5,35 14 ? JAN,dec 1,7 *)": {"2026-12-05T14:05", "2026-12-05T14:35", "2026-12-06T14:05"},
		"cron(0 0 29 2 ? *)":            {"2028-02-29T00:00", "2032-02-29T00:00"},
		"cron(0 0 31 */2 ? 2027-2028)":  {"2027-01-31T00:00", "2027-03-31T00:00", "2027-05-31T00:00", "2027-07-31T00:00", "2028-01-31T00:00"},
	} {
		t.Run(expression, func(t *testing.T) {
			t.Parallel()
			c, err := parseCadence(expression)
			require.NoError(t, err)
			now := time.Date(2026, 11, 24, 22, 19, 59, 999, time.UTC)
			for _, want := range times {
				at, ok := c.next(now, now)
				require.True(t, ok)
				require.Equal(t, want, at.Format("2006-01-02T15:04"))
				now = at
			}
		})
	}
}

func TestCronThatIsOverNeverFires(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{"cron(0 0 1 1 ? 2020)", "cron(0 0 30 2 ? *)"} {
		c, err := parseCadence(expression)
		require.NoError(t, err)
		_, ok := c.next(time.Time{}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		require.False(t, ok)
	}
}

func TestRateFiresAtItsStartAndThenEachPeriodWithoutDrift(t *testing.T) {
	t.Parallel()
	c, err := parseCadence("rate(5 minutes)")
	require.NoError(t, err)
	start := time.Date(2026, 11, 24, 22, 19, 7, 0, time.UTC)
	at, ok := c.next(start, start.Add(-time.Nanosecond))
	require.True(t, ok)
	require.Equal(t, start, at)
	at, _ = c.next(start, start)
	require.Equal(t, start.Add(5*time.Minute), at)
	at, _ = c.next(start, start.Add(17*time.Minute))
	require.Equal(t, start.Add(20*time.Minute), at)
}

func TestScheduleThatEventBridgeWouldRefuseIsRefused(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{
		"", "rate", "rate()", "rate(5)", "rate(0 minutes)", "rate(-1 minutes)", "rate(1 minutes)", "rate(5 minute)", "rate(2 weeks)",
		"rate(1 minute", "at(2026-11-24T00:00:00)", "cron()", "cron(* * * * *)", "cron(0 0 * * * *)", "cron(0 0 ? * ? *)",
		"cron(60 0 * * ? *)", "cron(0 24 * * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 1 13 ? *)", "cron(0 0 ? * 8 *)", "cron(0 0 1 1 ? 1969)",
		"cron(5-1 0 * * ? *)", "cron(0/0 0 * * ? *)", "cron(0 0 L * ? *)", "cron(0 0 15W * ? *)", "cron(0 0 ? * MON#1 *)", "cron(? 0 * * ? *)",
		"cron(, 0 * * ? *)", "cron(0 0 * * ? *) ",
	} {
		_, err := parseCadence(expression)
		require.Error(t, err, expression)
	}
}
