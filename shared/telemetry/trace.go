package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"strings"
	"sync"
	"time"

	"rostrum/shared/clock"
)

// SpanContext names a stretch of work across processes, as in W3C Trace Context
// (w3.org/TR/trace-context, read 2026-11). The zero value names none.
type SpanContext struct {
	TraceID [16]byte
	SpanID  [8]byte
}

const traceparentLength = len("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")

// ParseTraceparent reads a traceparent. What is none, or names nothing, is
// passed over: a new trace begins then.
func ParseTraceparent(s string) SpanContext {
	// A later version may add fields behind these.
	if len(s) < traceparentLength || len(s) > traceparentLength && (s[:2] == "00" || s[traceparentLength] != '-') {
		return SpanContext{}
	}
	parts := strings.SplitN(s[:traceparentLength], "-", 4)
	if len(parts) != 4 || len(parts[0]) != 2 || parts[0] == "ff" || strings.ToLower(s) != s {
		return SpanContext{}
	}
	var c SpanContext
	if !decode(c.TraceID[:], parts[1]) || !decode(c.SpanID[:], parts[2]) || !decode(make([]byte, 1), parts[3]) {
		return SpanContext{}
	}
	if c.TraceID == [16]byte{} || c.SpanID == [8]byte{} {
		return SpanContext{}
	}
	return c
}

func decode(into []byte, text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && copy(into, raw) == len(into) && len(raw) == len(into)
}

// Traceparent returns the header's value; empty for none.
func (c SpanContext) Traceparent() string {
	if c == (SpanContext{}) {
		return ""
	}
	return "00-" + hex.EncodeToString(c.TraceID[:]) + "-" + hex.EncodeToString(c.SpanID[:]) + "-01"
}

type spanKey struct{}

// Traceparent returns that of the span that the context is in; empty outside of
// one. Whoever leaves work for another process hands it on.
func Traceparent(ctx context.Context) string {
	if s, ok := ctx.Value(spanKey{}).(*Span); ok {
		return s.context.Traceparent()
	}
	return ""
}

// maxSpans bounds what waits for a flush.
const maxSpans = 2048

// Tracer begins the spans of one function, and keeps what is measured in them.
// Without an exporter, and when it is nil, it keeps none, and still gives every
// piece of work its trace id.
type Tracer struct {
	function string
	clock    clock.Clock
	exporter *exporter // nil where traces go nowhere
	meter    *meter    // nil where metrics go nowhere

	mu    sync.Mutex
	ended []*Span
}

// Kind says on which side of a call a span is; the numbers are OTLP's.
type Kind int

// The kinds of span.
const (
	// Server is a request that somebody makes of us.
	Server Kind = 2
	// Consumer is a message that we take from a queue.
	Consumer Kind = 5
	// Task is work that a schedule began.
	Task Kind = 1
)

// Span is a stretch of work.
type Span struct {
	tracer     *Tracer
	context    SpanContext
	parent     [8]byte
	name       string
	kind       Kind
	attrs      []slog.Attr
	start, end time.Time
	fault      string
}

// Start begins a span under the remote parent that a traceparent names, in a new
// trace when it names none. Log records of the returned context carry the trace
// id and the attributes. End it with [Span.End].
func (t *Tracer) Start(ctx context.Context, name string, kind Kind, traceparent string, attrs ...slog.Attr) (context.Context, *Span) {
	parent := ParseTraceparent(traceparent)
	s := &Span{
		tracer: t, name: name, kind: kind, attrs: attrs,
		context: SpanContext{TraceID: parent.TraceID}, parent: parent.SpanID,
	}
	if parent == (SpanContext{}) {
		_, _ = rand.Read(s.context.TraceID[:]) // it never fails (crypto/rand, Go 1.24).
	}
	_, _ = rand.Read(s.context.SpanID[:])
	if t.keeps() {
		s.start = t.clock.Now()
	}
	if t != nil {
		// Functions may share one process, and so one log.
		ctx = With(ctx, slog.String("function", t.function))
	}
	ctx = With(ctx, append([]slog.Attr{slog.String("trace_id", hex.EncodeToString(s.context.TraceID[:]))}, attrs...)...)
	return context.WithValue(ctx, spanKey{}, s), s
}

func (t *Tracer) keeps() bool { return t != nil && t.exporter != nil }

// Name gives the span a better name, for when it is known only later which
// route it is.
func (s *Span) Name(name string) { s.name = name }

// End ends the span; the fault, when not empty, says in words without secrets
// what went wrong.
func (s *Span) End(fault string) {
	if !s.tracer.keeps() {
		return
	}
	s.end, s.fault = s.tracer.clock.Now(), fault
	s.tracer.mu.Lock()
	defer s.tracer.mu.Unlock()
	if len(s.tracer.ended) < maxSpans {
		s.tracer.ended = append(s.tracer.ended, s)
	}
}

// Flush writes what was measured, and sends the spans that have ended. A
// function calls it before it returns, because its sandbox may be frozen right
// after. Spans that cannot be sent within two seconds are dropped, which the log
// says.
func (t *Tracer) Flush(ctx context.Context) {
	if t.measures() {
		t.meter.write(ctx, t.clock.Now())
	}
	if !t.keeps() {
		return
	}
	t.mu.Lock()
	spans := t.ended
	t.ended = nil
	t.mu.Unlock()
	if len(spans) > 0 {
		t.exporter.send(context.WithoutCancel(ctx), spans)
	}
}
