// Package telemetry makes the logger and the tracer. Each log record is one JSON
// line; what looks like a secret is cut out whoever wrote it, and the ids that
// travel in the context are added to every record. A trace follows work from a
// request over the queues to what was done for it; its id is in every record
// whether or not a collector is there to take the spans. What is worth a graph
// or an alarm is told with [Measure], from wherever it is known.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// denied are parts of attribute keys whose values never reach a log. Secrets
// are typed so that they do not print; this is for what slipped into a string.
func denied() []string {
	return []string{"password", "secret", "authorization", "cookie", "access_token", "refresh_token", "api_key", "keyset", "code_verifier"}
}

// NewLogger returns a logger that writes JSON lines to w from the level up:
// "debug", "info", "warn" or "error"; anything else is info. Each record is
// written when it is made, so nothing is left in a buffer when a sandbox freezes.
func NewLogger(w io.Writer, level string) *slog.Logger {
	options := &slog.HandlerOptions{Level: levelOf(level), ReplaceAttr: redact}
	return slog.New(&contextHandler{slog.NewJSONHandler(w, options)})
}

func levelOf(name string) slog.Level {
	switch strings.ToLower(name) {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}

func redact(_ []string, a slog.Attr) slog.Attr {
	key := strings.ToLower(a.Key)
	for _, word := range denied() {
		if strings.Contains(key, word) {
			return slog.String(a.Key, "[secret]")
		}
	}
	return a
}

type attrsKey struct{}

// With returns a context whose records carry the attributes too, for example
// the request id.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	have, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	all := make([]slog.Attr, 0, len(have)+len(attrs))
	return context.WithValue(ctx, attrsKey{}, append(append(all, have...), attrs...))
}

type contextHandler struct{ slog.Handler }

// Handle adds the context's attributes, except those that the record has.
func (h *contextHandler) Handle(ctx context.Context, r slog.Record) error {
	attrs, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	if len(attrs) == 0 {
		return h.Handler.Handle(ctx, r)
	}
	own := map[string]bool{}
	r.Attrs(func(a slog.Attr) bool {
		own[a.Key] = true
		return true
	})
	r = r.Clone()
	// The latest word counts.
	for _, a := range slices.Backward(attrs) {
		if !own[a.Key] {
			own[a.Key] = true
			r.AddAttrs(a)
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the context's attributes for derived loggers.
func (h *contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &contextHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the context's attributes for derived loggers.
func (h *contextHandler) WithGroup(name string) slog.Handler {
	return &contextHandler{h.Handler.WithGroup(name)}
}
