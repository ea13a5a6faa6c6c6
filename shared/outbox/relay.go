// Package outbox carries what a transaction wrote to the queues. State and
// message commit together in Postgres; the writer sends right after its commit,
// and Sweep resends what was never marked sent. A message may therefore arrive
// twice, and is never lost.
//
// It stands between the workflows and the adapters: a workflow runs its
// transactions through a Relay instead of through the store.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/clock"
	"rostrum/shared/killpoint"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/telemetry"
)

const (
	// maxDelay is the longest delay SQS takes for a message
	// (docs.aws.amazon.com, SQS message quotas, read 2026-11-24).
	maxDelay = 900 * time.Second
	// sweepGrace leaves alone the rows whose writer is sending them right now.
	sweepGrace = 10 * time.Second
	sweepPage  = 500
	// sweepPlan is for how many rows the order among tenants is laid down at once.
	sweepPlan = 10 * sweepPage
)

// Relay runs transactions and sends what they enqueued.
type Relay struct {
	Store  *store.Store
	Sender queue.Sender
	Clock  clock.Clock
	Logger *slog.Logger
}

// Delivery is a message with where and when it should arrive, by the database's
// clock; a time that has passed means at once.
type Delivery struct {
	Queue   queue.Name
	Message queue.Message
	At      time.Time
}

// EnqueueAll writes messages in the transaction; their Version is set here.
// Errors: Invalid when consumers would refuse one of them, Unavailable, Internal.
func EnqueueAll(ctx context.Context, tx *store.Tx, all []Delivery) error {
	rows := make([]store.OutboxRow, len(all))
	for i, d := range all {
		body, err := queue.Encode(d.Message)
		if err != nil {
			return err
		}
		rows[i] = store.OutboxRow{WorkspaceID: d.Message.WorkspaceID, Queue: string(d.Queue), Body: body, DeliverAt: d.At}
	}
	return tx.Enqueue(ctx, rows...)
}

// Enqueue is EnqueueAll for one message.
func Enqueue(ctx context.Context, tx *store.Tx, q queue.Name, msg queue.Message, deliverAt time.Time) error {
	return EnqueueAll(ctx, tx, []Delivery{{Queue: q, Message: msg, At: deliverAt}})
}

// InWorkspace runs fn in one transaction held to a workspace and, once it is
// committed, sends what fn enqueued. A send that fails is logged and left to
// Sweep: the error is only ever that of the transaction, as of
// store.Store.InWorkspace.
func (r *Relay) InWorkspace(ctx context.Context, workspace uuid.UUID, fn func(context.Context, *store.Tx) error) error {
	var b batch
	if err := r.Store.InWorkspace(ctx, workspace, r.collect(&b, fn)); err != nil {
		return err
	}
	r.send(ctx, b, func(ids []uuid.UUID) error {
		return r.Store.InWorkspace(ctx, workspace, markSent(ids))
	})
	return nil
}

// ByKey is the relay over store.Store.ByKey.
func (r *Relay) ByKey() *Relay {
	by := *r
	by.Store = r.Store.ByKey()
	return &by
}

// Across is InWorkspace for the worker role: one transaction over all
// workspaces, as of store.Store.Across.
func (r *Relay) Across(ctx context.Context, fn func(context.Context, *store.Tx) error) error {
	var b batch
	if err := r.Store.Across(ctx, r.collect(&b, fn)); err != nil {
		return err
	}
	r.send(ctx, b, func(ids []uuid.UUID) error { return r.Store.Across(ctx, markSent(ids)) })
	return nil
}

// Sweep resends every row that was committed more than ten seconds ago and is
// not marked sent, the oldest of each workspace first, and returns how many were
// taken by their queues. What one queue does not take keeps no other's rows back;
// it stops at the first page of which none was taken. It needs the worker role.
// Errors: Unavailable when the database is away; those of the queues.
func (r *Relay) Sweep(ctx context.Context) (int, error) {
	total := 0
	var faults []error
	for {
		var b batch
		err := r.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
			rows, err := tx.Unsent(ctx, sweepGrace, sweepPlan)
			if err != nil {
				return err
			}
			b, err = r.batchOf(ctx, tx, rows)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("sweep outbox: %w", err)
		}
		for rows := range slices.Chunk(b.rows, sweepPage) {
			some := b
			some.rows = rows
			sent, err := r.resend(ctx, some)
			total += sent
			if err != nil {
				faults = append(faults, fmt.Errorf("sweep outbox: %w", err))
			}
			if sent == 0 {
				return total, errors.Join(faults...)
			}
		}
		if len(b.rows) < sweepPlan {
			return total, errors.Join(faults...)
		}
	}
}

// resend sends a page and marks what its queues took.
func (r *Relay) resend(ctx context.Context, b batch) (int, error) {
	sent, err := r.Sender.Send(ctx, b.envelopes(ctx, r.Clock.Now()))
	if len(sent) > 0 {
		if err := r.Store.Across(ctx, markSent(sent)); err != nil {
			return len(sent), err
		}
	}
	if err != nil {
		return len(sent), fmt.Errorf("send %d messages: %w", len(b.rows), err)
	}
	return len(sent), nil
}

// batch is what a transaction enqueued, with the database's time and ours as
// they stood together just before the commit.
type batch struct {
	rows         []store.OutboxRow
	databaseTime time.Time
	localTime    time.Time
}

func (r *Relay) batchOf(ctx context.Context, tx *store.Tx, rows []store.OutboxRow) (batch, error) {
	if len(rows) == 0 {
		return batch{}, nil
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return batch{}, err
	}
	return batch{rows: rows, databaseTime: now, localTime: r.Clock.Now()}, nil
}

// collect wraps fn so that b holds what the last run of it enqueued; the store
// may run it more than once.
func (r *Relay) collect(b *batch, fn func(context.Context, *store.Tx) error) func(context.Context, *store.Tx) error {
	return func(ctx context.Context, tx *store.Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		var err error
		*b, err = r.batchOf(ctx, tx, tx.Outgoing())
		return err
	}
}

// send puts a committed batch on its queues. Nothing here may fail the caller:
// the rows are in the database, and Sweep finds what was not marked.
func (r *Relay) send(ctx context.Context, b batch, mark func([]uuid.UUID) error) {
	if len(b.rows) == 0 {
		return
	}
	r.tell(ctx, b.rows)
	killpoint.Here("outbox.before_send")
	sent, err := r.Sender.Send(ctx, b.envelopes(ctx, r.Clock.Now()))
	killpoint.Here("outbox.before_mark")
	if err != nil {
		r.Logger.WarnContext(ctx, "outbox rows left to the sweep",
			slog.Int("rows", len(b.rows)), slog.Int("sent", len(sent)), slog.String("error", err.Error()))
	}
	if len(sent) == 0 {
		return
	}
	if err := mark(sent); err != nil {
		r.Logger.WarnContext(ctx, "outbox rows sent but not marked",
			slog.Int("rows", len(sent)), slog.String("error", err.Error()))
	}
}

// tell says what was left for whom, so that a post can be followed from one
// function to the next by its correlation id.
func (r *Relay) tell(ctx context.Context, rows []store.OutboxRow) {
	if !r.Logger.Enabled(ctx, slog.LevelInfo) {
		return
	}
	for _, row := range rows {
		m, err := queue.Decode(row.Body)
		if err != nil {
			continue // the consumer says so.
		}
		r.Logger.LogAttrs(ctx, slog.LevelInfo, "message left", slog.String("queue", row.Queue), slog.String("kind", string(m.Kind)),
			slog.String("subject_id", m.SubjectID.String()), slog.String("correlation_id", m.CorrelationID.String()))
	}
}

// envelopes carry the trace of whoever sends them: the writer's own, or the
// sweep's for what the writer did not get out.
func (b batch) envelopes(ctx context.Context, localNow time.Time) []queue.Envelope {
	now := b.databaseTime.Add(localNow.Sub(b.localTime))
	out := make([]queue.Envelope, len(b.rows))
	for i, row := range b.rows {
		out[i] = queue.Envelope{
			ID: row.ID, Queue: queue.Name(row.Queue), Body: row.Body,
			Group: row.WorkspaceID.String(), Traceparent: telemetry.Traceparent(ctx), Delay: delayUntil(row.DeliverAt, now),
		}
	}
	return out
}

// delayUntil is the delay that lands a message at or up to one second before
// deliverAt, never after it: receivers wait out the rest, but cannot go back.
func delayUntil(deliverAt, now time.Time) time.Duration {
	return min(max(deliverAt.Sub(now).Truncate(time.Second), 0), maxDelay)
}

func markSent(ids []uuid.UUID) func(context.Context, *store.Tx) error {
	return func(ctx context.Context, tx *store.Tx) error { return tx.MarkSent(ctx, ids) }
}
