package telemetry_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/config"
	"rostrum/shared/telemetry"
)

func TestSecretsDoNotReachTheLog(t *testing.T) {
	t.Parallel()
	const canary = "canary-9b2e"
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, "debug")
	log.LogAttrs(t.Context(), slog.LevelInfo, "connected",
		slog.Any("token", config.Secret(canary)), slog.String("access_token", canary), slog.String("Authorization", "Bearer "+canary), //nolint:sloglint // a header's own spelling.
		slog.Group("request", slog.String("set_cookie", canary)), slog.Any("settings", struct{ Key config.Secret }{canary}))
	log.With(slog.String("password", canary)).LogAttrs(t.Context(), slog.LevelInfo, "again")
	require.NotContains(t, out.String(), canary)
	require.Contains(t, out.String(), "connected")
}

func TestRecordsCarryTheContextsIDs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ctx := telemetry.With(t.Context(), slog.String("request_id", "r-1"))
	ctx = telemetry.With(ctx, slog.String("correlation_id", "c-1"))
	telemetry.NewLogger(&out, "info").With(slog.String("function", "api")).LogAttrs(ctx, slog.LevelInfo, "served")
	require.Contains(t, out.String(), `"request_id":"r-1"`)
	require.Contains(t, out.String(), `"correlation_id":"c-1"`)
	require.Contains(t, out.String(), `"function":"api"`)
}

func TestTheLevelHoldsBackWhatIsBelowIt(t *testing.T) {
	t.Parallel()
	for level, want := range map[string]bool{"error": false, "warn": false, "info": true, "debug": true, "loud": true} {
		var out bytes.Buffer
		telemetry.NewLogger(&out, level).LogAttrs(t.Context(), slog.LevelInfo, "hello")
		require.Equal(t, want, out.Len() > 0, level)
	}
}
