package telemetry_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/clock"
	"rostrum/shared/telemetry"
)

// line is a line as CloudWatch reads it.
type line struct {
	AWS struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"` //nolint:tagliatelle // AWS spells it so.
	Values map[string]any `json:"-"`
}

func lines(t *testing.T, out string) []line {
	t.Helper()
	var all []line
	for text := range strings.Lines(out) {
		var l line
		require.NoError(t, json.Unmarshal([]byte(text), &l), text)
		require.NoError(t, json.Unmarshal([]byte(text), &l.Values))
		require.Len(t, l.AWS.CloudWatchMetrics, 1)
		for _, dimensions := range l.AWS.CloudWatchMetrics[0].Dimensions {
			for _, name := range dimensions {
				require.IsType(t, "", l.Values[name], "a dimension must be there, as text: %s", name)
			}
		}
		for _, m := range l.AWS.CloudWatchMetrics[0].Metrics {
			require.IsType(t, []any{}, l.Values[m.Name])
			require.LessOrEqual(t, len(l.Values[m.Name].([]any)), 100) //nolint:forcetypeassert // just checked.
		}
		all = append(all, l)
	}
	return all
}

func TestWhatIsMeasuredIsWrittenAsCloudWatchReadsIt(t *testing.T) {
	t.Parallel()
	now := clock.NewFake(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	var out bytes.Buffer
	tracer, end, err := telemetry.NewTracer(telemetry.Settings{Namespace: "rostrum/test"}, "publish", &out, now, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer end()
	ctx, span := tracer.Start(t.Context(), "task tick", telemetry.Task, "")
	stop := telemetry.Time(ctx, telemetry.TickTime, "")
	telemetry.Measure(ctx, telemetry.Lateness, "x", 120)
	telemetry.Measure(ctx, telemetry.Lateness, "x", 80)
	telemetry.Measure(ctx, telemetry.Dispatched, "", 7)
	now.Advance(1500 * time.Microsecond)
	stop()
	span.End("")
	require.Empty(t, out.String(), "lines come with the flush")
	tracer.Flush(ctx)

	byDimension := map[bool]line{}
	for _, l := range lines(t, out.String()) {
		about := l.AWS.CloudWatchMetrics[0]
		require.Equal(t, "rostrum/test", about.Namespace)
		require.Equal(t, now.Now().UnixMilli(), l.AWS.Timestamp)
		require.Equal(t, "publish", l.Values["function"])
		byDimension[len(about.Dimensions) == 2] = l
	}
	require.Len(t, byDimension, 2)
	late := byDimension[true]
	require.Equal(t, [][]string{{"function"}, {"network"}}, late.AWS.CloudWatchMetrics[0].Dimensions)
	require.Equal(t, "x", late.Values["network"])
	require.Equal(t, []any{120.0, 80.0}, late.Values["lateness_ms"])
	require.Equal(t, "Milliseconds", late.AWS.CloudWatchMetrics[0].Metrics[0].Unit)
	require.Equal(t, []any{1.5}, byDimension[false].Values["tick_ms"])
	require.Equal(t, []any{7.0}, byDimension[false].Values["posts_dispatched"])

	out.Reset()
	tracer.Flush(ctx)
	require.Empty(t, out.String(), "each value is written once")
}

func TestNoLineHoldsMoreThanCloudWatchTakes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tracer, end, err := telemetry.NewTracer(telemetry.Settings{Namespace: "rostrum/test"}, "publish", &out, clock.System{}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer end()
	ctx, _ := tracer.Start(t.Context(), "take publish_post", telemetry.Consumer, "")
	for range 250 {
		telemetry.Measure(ctx, telemetry.Calls, "accepted", 1)
	}
	telemetry.Measure(ctx, telemetry.Refreshes, "accepted", 1)
	tracer.Flush(ctx)
	var counts []int
	for _, l := range lines(t, out.String()) {
		counts = append(counts, len(l.Values["calls"].([]any))) //nolint:forcetypeassert // lines has looked.
	}
	require.Equal(t, []int{100, 100, 50}, counts)
}

func TestNothingIsMeasuredWhereNobodyTakesIt(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tracer, end, err := telemetry.NewTracer(telemetry.Settings{}, "publish", &out, clock.System{}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer end()
	var none *telemetry.Tracer
	for _, each := range []*telemetry.Tracer{tracer, none} {
		ctx, _ := each.Start(t.Context(), "take publish_post", telemetry.Consumer, "")
		telemetry.Measure(ctx, telemetry.Lateness, "x", 1)
		telemetry.Time(ctx, telemetry.DatabaseTime, "")()
		each.Flush(ctx)
	}
	telemetry.Measure(t.Context(), telemetry.Lateness, "x", 1) // outside of any span
	require.Empty(t, out.String())
}

// A metric that alarms and graphs cannot be told of is none, and a dimension
// with an id in it would be paid for by the post.
func TestMetricsAreFewAndNamed(t *testing.T) {
	t.Parallel()
	for _, m := range telemetry.Metrics() {
		require.Regexp(t, `^[a-z]+(_[a-z]+)*$`, string(m))
		require.Contains(t, []string{"Milliseconds", "Seconds", "Count", "None"}, m.Unit())
		require.Contains(t, []string{"", "network", "outcome", "queue", "agent"}, m.Dimension())
		require.Equal(t, strings.HasSuffix(string(m), "_ms"), m.Unit() == "Milliseconds", m)
	}
}

type full struct{ io.Writer }

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestMetricsThatCannotBeWrittenAreSaid(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	tracer, end, err := telemetry.NewTracer(telemetry.Settings{Namespace: "n"}, "publish", full{}, clock.System{}, telemetry.NewLogger(&log, "info"))
	require.NoError(t, err)
	defer end()
	ctx, _ := tracer.Start(t.Context(), "task tick", telemetry.Task, "")
	telemetry.Measure(ctx, telemetry.TickTime, "", 1)
	tracer.Flush(ctx)
	require.Contains(t, log.String(), "metrics were not written")
}
