// Package telemetrytest shows tests what the code under them measured.
package telemetrytest

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/clock"
	"rostrum/shared/telemetry"
)

// Measured returns a context in which measuring is on, and what tells the values
// since it was last asked: by the metric's name, and behind a blank the value of
// its dimension where it has one ("calls accepted"). now may be nil.
func Measured(t *testing.T, now clock.Clock) (context.Context, func() map[string][]float64) {
	t.Helper()
	if now == nil {
		now = clock.System{}
	}
	var out bytes.Buffer
	tracer, end, err := telemetry.NewTracer(telemetry.Settings{Namespace: "test"}, "test", &out, now, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(end)
	ctx, _ := tracer.Start(t.Context(), "test", telemetry.Task, "")
	return ctx, func() map[string][]float64 {
		tracer.Flush(ctx)
		all := map[string][]float64{}
		for text := range strings.Lines(out.String()) {
			var line map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(text), &line))
			for _, m := range telemetry.Metrics() {
				raw, ok := line[string(m)]
				if !ok {
					continue
				}
				name := string(m)
				if by, ok := line[m.Dimension()]; ok {
					name += " " + strings.Trim(string(by), `"`)
				}
				var values []float64
				require.NoError(t, json.Unmarshal(raw, &values))
				all[name] = append(all[name], values...)
			}
		}
		out.Reset()
		return all
	}
}
