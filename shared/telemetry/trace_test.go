package telemetry_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/telemetry"
)

// The example of the W3C recommendation.
const example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestTraceparentIsReadAsTheStandardSays(t *testing.T) {
	t.Parallel()
	require.Equal(t, example, telemetry.ParseTraceparent(example).Traceparent())
	later := "cc" + example[2:]
	require.Equal(t, example, telemetry.ParseTraceparent(later).Traceparent(), "a later version")
	require.Equal(t, example, telemetry.ParseTraceparent(later+"-what-will-be-there").Traceparent())
	for name, bad := range map[string]string{
		"Empty": "", "Short": example[:54], "Long": example + "-x", "Glued": later + "x", "Upper": "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		"VersionFF": "ff" + example[2:], "NoTrace": "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"NoSpan": "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "NoHex": "00-zzf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"Shifted": "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, telemetry.ParseTraceparent(bad).Traceparent())
		})
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add(example)
	f.Fuzz(func(t *testing.T, s string) {
		if out := telemetry.ParseTraceparent(s).Traceparent(); out != "" && telemetry.ParseTraceparent(out).Traceparent() != out {
			t.Fatalf("%q became %q", s, out)
		}
	})
}

func TestRecordsCarryTheTraceWithoutACollector(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := telemetry.NewLogger(&out, "info")
	tracer, end, err := telemetry.NewTracer(telemetry.Settings{}, "publish", io.Discard, clock.System{}, logger)
	require.NoError(t, err)
	defer end()
	ctx, span := tracer.Start(t.Context(), "take publish_post", telemetry.Consumer, example, slog.String("correlation_id", "c-1"))
	logger.LogAttrs(ctx, slog.LevelInfo, "sent", slog.String("correlation_id", "c-1"))
	require.Contains(t, out.String(), `"function":"publish"`)
	span.End("")
	tracer.Flush(ctx)
	require.Contains(t, out.String(), `"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"`)
	require.Equal(t, 1, bytes.Count(out.Bytes(), []byte("correlation_id")), out.String())

	onward := telemetry.ParseTraceparent(telemetry.Traceparent(ctx))
	require.Equal(t, telemetry.ParseTraceparent(example).TraceID, onward.TraceID)
	require.NotEqual(t, telemetry.ParseTraceparent(example).SpanID, onward.SpanID)
	require.Empty(t, telemetry.Traceparent(t.Context()))

	var none *telemetry.Tracer
	ctx, span = none.Start(t.Context(), "x", telemetry.Task, "not a traceparent")
	span.End("")
	none.Flush(ctx)
	require.NotEmpty(t, telemetry.Traceparent(ctx))
}

// collector keeps what it was sent.
type collector struct {
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
	status   int
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.requests, c.bodies = append(c.requests, r), append(c.bodies, string(raw))
	}
	w.WriteHeader(c.status)
}

func TestSpansReachACollectorWhenFlushed(t *testing.T) {
	t.Parallel()
	c := &collector{status: http.StatusOK}
	web := httptest.NewServer(c)
	t.Cleanup(web.Close)
	now := clock.NewFake(time.Unix(1_800_000_000, 0))
	tracer, end, err := telemetry.NewTracer(telemetry.Settings{Endpoint: web.URL + "/", Headers: "api-key=k%20ey, x-team=a"}, "publish", io.Discard, now, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(end)
	ctx, span := tracer.Start(t.Context(), "first", telemetry.Consumer, example, slog.String("correlation_id", "c-1"), slog.String("access_token", "canary-12"))
	now.Advance(1500 * time.Millisecond)
	span.Name("take publish_post")
	span.End("unavailable")
	tracer.Flush(ctx)
	tracer.Flush(ctx)

	require.Len(t, c.bodies, 1, "nothing is sent twice, and nothing for nothing")
	require.Equal(t, "/v1/traces", c.requests[0].URL.Path)
	require.Equal(t, "k ey", c.requests[0].Header.Get("Api-Key"))
	require.Equal(t, "application/json", c.requests[0].Header.Get("Content-Type"))
	require.NotContains(t, c.bodies[0], "canary")
	own := telemetry.ParseTraceparent(telemetry.Traceparent(ctx)).Traceparent()
	var body map[string]any
	require.NoError(t, json.Unmarshal([]byte(c.bodies[0]), &body))
	require.JSONEq(t, `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"rostrum-publish"}}]},
	  "scopeSpans":[{"scope":{"name":"rostrum"},"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"`+own[36:52]+`","parentSpanId":"00f067aa0ba902b7",
	  "name":"take publish_post","kind":5,"startTimeUnixNano":"1800000000000000000","endTimeUnixNano":"1800000001500000000",
	  "attributes":[{"key":"correlation_id","value":{"stringValue":"c-1"}},{"key":"access_token","value":{"stringValue":"[secret]"}}],
	  "status":{"code":2,"message":"unavailable"}}]}]}]}`, c.bodies[0])
}

func TestACollectorThatIsAwayCostsNoWork(t *testing.T) {
	t.Parallel()
	c := &collector{status: http.StatusServiceUnavailable}
	web := httptest.NewServer(c)
	t.Cleanup(web.Close)
	var out bytes.Buffer
	tracer, end, err := telemetry.NewTracer(telemetry.Settings{Endpoint: web.URL}, "publish", io.Discard, clock.System{}, telemetry.NewLogger(&out, "info"))
	require.NoError(t, err)
	t.Cleanup(end)
	ctx, span := tracer.Start(t.Context(), "x", telemetry.Task, "")
	span.End("")
	tracer.Flush(ctx)
	require.Contains(t, out.String(), "traces were not delivered")
	require.Contains(t, out.String(), "answered 503")
}

func TestWrongTraceSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []telemetry.Settings{{Endpoint: "collector:4317"}, {Endpoint: "grpc://h"}, {Endpoint: "http://h", Headers: "canary"}, {Endpoint: "http://h", Headers: "a=%zz"}} {
		_, _, err := telemetry.NewTracer(s, "publish", io.Discard, clock.System{}, slog.New(slog.DiscardHandler))
		require.Equal(t, apperr.Invalid, apperr.KindOf(err))
		require.NotContains(t, err.Error(), "canary")
	}
}
