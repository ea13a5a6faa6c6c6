package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/google/uuid"

	"rostrum/shared/audit"
	"rostrum/shared/store/internal/dbsqlc"
)

// ChangePosition is a place in the feed of changes: behind one event of one
// transaction.
type ChangePosition struct {
	Transaction uint64
	Sequence    int64
}

// Change says that something happened to a thing.
type Change struct {
	Action      string
	SubjectKind string
	SubjectID   uuid.UUID
	AccountID   *uuid.UUID
}

// ChangesNow returns the place behind which every later change will come.
func (tx *Tx) ChangesNow(ctx context.Context) (ChangePosition, error) {
	xmin, err := tx.q.ChangesNow(ctx)
	if err != nil {
		return ChangePosition{}, fmt.Errorf("read end of changes: %w", classify(err))
	}
	oldestOpen, err := strconv.ParseUint(xmin, 10, 64)
	if err != nil {
		return ChangePosition{}, fmt.Errorf("read end of changes: %w", err)
	}
	return ChangePosition{Transaction: oldestOpen - 1, Sequence: math.MaxInt64}, nil
}

// ChangesAfter returns at most limit changes behind a place, in an order that
// never grows at a place already passed: a transaction that is still open holds
// back those that began after it. It returns the place to go on from.
func (tx *Tx) ChangesAfter(ctx context.Context, workspace uuid.UUID, after ChangePosition, limit int) ([]Change, ChangePosition, error) {
	rows, err := tx.q.ChangesAfter(ctx, dbsqlc.ChangesAfterParams{
		WorkspaceID: workspace, AfterXid: strconv.FormatUint(after.Transaction, 10), AfterSeq: after.Sequence, MaxRows: int32(limit),
	})
	if err != nil {
		return nil, after, fmt.Errorf("list changes: %w", classify(err))
	}
	out := make([]Change, len(rows))
	for i, r := range rows {
		out[i] = Change{Action: r.Action, SubjectKind: r.SubjectKind, SubjectID: r.SubjectID, AccountID: r.AccountID}
		if after.Transaction, err = strconv.ParseUint(r.Xid, 10, 64); err != nil {
			return nil, after, fmt.Errorf("list changes: %w", err)
		}
		after.Sequence = r.Seq
	}
	return out, after, nil
}

// RecordedEvent is an audit event with its place in the log.
type RecordedEvent struct {
	audit.Event
	Sequence int64
}

// EventsOf returns the events of one subject, newest first, at most 500.
func (tx *Tx) EventsOf(ctx context.Context, workspace, subject uuid.UUID) ([]RecordedEvent, error) {
	rows, err := tx.q.EventsOfSubject(ctx, dbsqlc.EventsOfSubjectParams{WorkspaceID: workspace, SubjectID: subject})
	if err != nil {
		return nil, fmt.Errorf("list events of %s: %w", subject, classify(err))
	}
	out := make([]RecordedEvent, len(rows))
	for i, r := range rows {
		if out[i], err = toEvent(workspace, dbsqlc.EventsOfWorkspaceRow(r)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Events returns at most limit events of the workspace before a place in the
// log, newest first; math.MaxInt64 starts at the end.
func (tx *Tx) Events(ctx context.Context, workspace uuid.UUID, before int64, limit int) ([]RecordedEvent, error) {
	rows, err := tx.q.EventsOfWorkspace(ctx, dbsqlc.EventsOfWorkspaceParams{WorkspaceID: workspace, BeforeSeq: before, MaxRows: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list events: %w", classify(err))
	}
	out := make([]RecordedEvent, len(rows))
	for i, r := range rows {
		if out[i], err = toEvent(workspace, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func toEvent(workspace uuid.UUID, r dbsqlc.EventsOfWorkspaceRow) (RecordedEvent, error) {
	e := audit.Event{
		ID: r.ID, At: r.At.UTC(), Action: r.Action, SubjectKind: r.SubjectKind, SubjectID: r.SubjectID,
		Actor: audit.Actor{Kind: audit.ActorKind(r.ActorKind), ID: r.ActorID, Name: r.ActorName, WorkspaceID: workspace},
	}
	if r.AccountID != nil {
		e.AccountID = *r.AccountID
	}
	if r.CorrelationID != nil {
		e.CorrelationID = *r.CorrelationID
	}
	if err := json.Unmarshal(r.Detail, &e.Detail); err != nil {
		return RecordedEvent{}, fmt.Errorf("decode detail of event %s: %w", r.ID, err)
	}
	return RecordedEvent{Event: e, Sequence: r.Seq}, nil
}
