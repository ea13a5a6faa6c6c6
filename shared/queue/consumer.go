package queue

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/telemetry"
)

// Record is one received message as the queue delivered it.
type Record struct {
	// ID is the queue's id of the message, the one reported back when it failed.
	ID string
	// ReceiptHandle names this receive; it is what changes the visibility.
	ReceiptHandle string
	Body          string
	// Group is the fair-queue group, empty where the sender set none.
	Group string
	// Traceparent names the work that the message came from; it may be empty.
	Traceparent string
	// ReceiveCount counts this receive too: 1 is the first.
	ReceiveCount int
	// SentAt is when the queue took the message, in UTC, and Delay for how long it
	// was told to hold it back.
	SentAt time.Time
	Delay  time.Duration
}

// Handler does what one message asks for. It may be called again for the same
// message, at any time, also while an earlier call still runs: the guard is the
// database, not the queue. What its error leads to is in the table at Consumer.
type Handler func(ctx context.Context, m Message, r Record) error

// Consumer is the only loop over received messages. A queue returns a failed
// record after its visibility timeout and, after five receives, puts it on the
// dead-letter queue; it is a net for poison and for a database that is away, not
// a retry. Work that should run again later commits that to the database and
// answers nil.
//
//	error                                  record         logged
//	nil                                    done           info
//	NotFound Conflict Invalid TooLarge     done: the database has said so, and
//	PreconditionFailed Unauthenticated     a repeat would say it again
//	Forbidden                                             info
//	Unavailable RateLimited Uncertain      failed         warn
//	Internal, no kind, ctx ended, panic    failed         error
//	malformed, or a kind without handler   failed         error
//
// Bodies are never logged.
type Consumer struct {
	Queue    Name
	Handlers map[Kind]Handler
	// Tracer begins a span for each message; its records carry the trace id.
	Tracer *telemetry.Tracer
	Logger *slog.Logger
}

// Consume handles the records of one batch, each by itself and all at once, so
// that one that waits or fails holds up no other. It returns when all have
// ended, with the ids of those that failed.
func (c *Consumer) Consume(ctx context.Context, records []Record) (failed []string) {
	// A record counts as failed until its handler has returned; that holds for a
	// panic and for runtime.Goexit alike.
	done := make([]bool, len(records))
	var wg sync.WaitGroup
	for i, r := range records {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					c.Logger.LogAttrs(ctx, slog.LevelError, "handler panicked", c.about(r,
						slog.String("panic", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))...)
				}
			}()
			done[i] = c.handle(ctx, r)
		})
	}
	wg.Wait()
	for i, r := range records {
		if !done[i] {
			failed = append(failed, r.ID)
		}
	}
	return failed
}

// handle reports whether the record is done with.
func (c *Consumer) handle(ctx context.Context, r Record) bool {
	m, err := Decode([]byte(r.Body))
	if err != nil {
		c.Logger.LogAttrs(ctx, slog.LevelError, "message refused", c.about(r,
			slog.String("error", err.Error()), slog.Int("body_bytes", len(r.Body)))...)
		return false
	}
	handler, ok := c.Handlers[m.Kind]
	if !ok {
		c.Logger.LogAttrs(ctx, slog.LevelError, "message of a kind without a handler", c.about(r, slog.String("kind", string(m.Kind)))...)
		return false
	}
	ctx, span := c.Tracer.Start(ctx, "take "+string(m.Kind), telemetry.Consumer, r.Traceparent,
		slog.String("correlation_id", m.CorrelationID.String()))
	if !r.SentAt.IsZero() {
		telemetry.Since(ctx, telemetry.QueueWait, string(c.Queue), r.SentAt.Add(r.Delay))
	}
	fault := "it panicked"
	defer func() { span.End(fault) }()
	err = handler(ctx, m, r)
	fault = ""
	if err == nil {
		c.Logger.LogAttrs(ctx, slog.LevelInfo, "message handled", c.about(r, slog.String("kind", string(m.Kind)),
			slog.String("subject_id", m.SubjectID.String()), slog.String("correlation_id", m.CorrelationID.String()))...)
		return true
	}
	fault = apperr.KindOf(err).String()
	level, done := verdict(err)
	c.Logger.LogAttrs(ctx, level, "message handled with an error", c.about(r,
		slog.Bool("done", done), slog.String("error", err.Error()), slog.String("error_kind", apperr.KindOf(err).String()),
		slog.String("kind", string(m.Kind)), slog.String("workspace_id", m.WorkspaceID.String()),
		slog.String("subject_id", m.SubjectID.String()), slog.Int64("revision", m.Revision),
		slog.String("correlation_id", m.CorrelationID.String()))...)
	return done
}

// verdict is the table at Consumer.
func verdict(err error) (level slog.Level, done bool) {
	switch apperr.KindOf(err) {
	case apperr.NotFound, apperr.Conflict, apperr.Invalid, apperr.TooLarge,
		apperr.PreconditionFailed, apperr.Unauthenticated, apperr.Forbidden:
		return slog.LevelInfo, true
	case apperr.Unavailable, apperr.RateLimited, apperr.Uncertain:
		return slog.LevelWarn, false
	case apperr.Internal:
		return slog.LevelError, false
	}
	return slog.LevelError, false
}

// about are the log attributes that every record has.
func (c *Consumer) about(r Record, attrs ...slog.Attr) []slog.Attr {
	return append(attrs, slog.String("queue", string(c.Queue)), slog.String("message_id", r.ID), slog.Int("receive_count", r.ReceiveCount))
}
