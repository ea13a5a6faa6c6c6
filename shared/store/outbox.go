package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/store/internal/dbsqlc"
)

// Enqueue writes outbox rows in this transaction. Their ids are made here.
// Errors: Unavailable, Internal.
func (tx *Tx) Enqueue(ctx context.Context, rows ...OutboxRow) error {
	if len(rows) == 0 {
		return nil
	}
	var arg dbsqlc.InsertOutboxParams
	for i := range rows {
		rows[i].ID = newID()
		arg.Ids = append(arg.Ids, rows[i].ID)
		arg.WorkspaceIds = append(arg.WorkspaceIds, rows[i].WorkspaceID)
		arg.Queues = append(arg.Queues, rows[i].Queue)
		arg.Bodies = append(arg.Bodies, string(rows[i].Body))
		arg.DeliverAts = append(arg.DeliverAts, rows[i].DeliverAt.UTC())
	}
	if err := tx.q.InsertOutbox(ctx, arg); err != nil {
		return fmt.Errorf("enqueue %d messages: %w", len(rows), classify(err))
	}
	tx.outgoing = append(tx.outgoing, rows...)
	return nil
}

// MarkSent records that the rows left for their queues.
func (tx *Tx) MarkSent(ctx context.Context, ids []uuid.UUID) error {
	if err := tx.q.MarkOutboxSent(ctx, ids); err != nil {
		return fmt.Errorf("mark %d outbox rows sent: %w", len(ids), classify(err))
	}
	return nil
}

// Unsent returns at most limit rows that were written more than grace ago and are
// not marked sent, fair to workspaces: the oldest of each, then the next of each.
func (tx *Tx) Unsent(ctx context.Context, grace time.Duration, limit int) ([]OutboxRow, error) {
	rows, err := tx.q.UnsentOutbox(ctx, dbsqlc.UnsentOutboxParams{GraceSeconds: grace.Seconds(), MaxRows: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list unsent outbox rows: %w", classify(err))
	}
	out := make([]OutboxRow, len(rows))
	for i, r := range rows {
		out[i] = OutboxRow{ID: r.ID, WorkspaceID: r.WorkspaceID, Queue: r.Queue, Body: r.Body, DeliverAt: r.DeliverAt.UTC()}
	}
	return out, nil
}

// DeleteSent removes rows that left more than keep ago and returns how many.
func (tx *Tx) DeleteSent(ctx context.Context, keep time.Duration) (int64, error) {
	n, err := tx.q.DeleteOldOutbox(ctx, keep.Seconds())
	if err != nil {
		return 0, fmt.Errorf("delete old outbox rows: %w", classify(err))
	}
	return n, nil
}

// newID makes a time-ordered id. Only a broken random source makes it fail,
// and then nothing else is safe either.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
