package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/store/internal/dbsqlc"
)

// settled is how long a mark of the sealer rests, beside waiting for every
// transaction that was running when it was set: an event takes its number an
// instant before its transaction gets one.
const settled = 5 * time.Minute

// Sealing is a sealer's walk over the events that have no seal yet. The zero
// value begins one.
type Sealing struct {
	begun bool
	// after is the last sequence that the walk has been at.
	after           int64
	markSeq         int64
	markXID         string
	passed, restart bool
	// Done says that the walk reached the end, Last is the chain's newest seal.
	Done bool
	Last audit.Seal
}

// SealEvents seals at most limit events, further along the walk, and returns how
// many it sealed. Events are found by their having no seal, so one that was
// committed after later ones were sealed is sealed too. One sealer works at a
// time: while another does, nothing is sealed and the walk is done. It needs the
// worker role. Errors: Unavailable, Internal.
func (tx *Tx) SealEvents(ctx context.Context, walk *Sealing, limit int) (int, error) {
	claim, err := tx.q.ClaimSealing(ctx, settled.Seconds())
	if err != nil {
		if err := classify(err); apperr.KindOf(err) != apperr.NotFound {
			return 0, fmt.Errorf("claim sealing: %w", err)
		}
		walk.Done = true
		return 0, nil
	}
	if !walk.begun {
		*walk = Sealing{
			begun: true, after: claim.LowSeq, markSeq: claim.NextSeq, markXID: claim.NextXid,
			passed: claim.Passed, restart: claim.FromElsewhere,
		}
	}
	if walk.Last, err = tx.LastSeal(ctx); err != nil {
		return 0, err
	}
	rows, err := tx.q.UnsealedEvents(ctx, dbsqlc.UnsealedEventsParams{AfterSeq: walk.after, MaxRows: int32(limit)})
	if err != nil {
		return 0, fmt.Errorf("list events without a seal: %w", classify(err))
	}
	if err := tx.seal(ctx, walk, rows, claim.Now); err != nil {
		return 0, err
	}
	walk.Done = len(rows) < limit
	if walk.Done && (walk.passed || walk.restart) {
		err := tx.q.MoveSealing(ctx, dbsqlc.MoveSealingParams{Passed: walk.passed, NextSeq: walk.markSeq, NextXid: walk.markXID})
		if err != nil {
			return 0, fmt.Errorf("move the sealer's mark: %w", classify(err))
		}
	}
	return len(rows), nil
}

func (tx *Tx) seal(ctx context.Context, walk *Sealing, rows []dbsqlc.UnsealedEventsRow, now time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	now = now.UTC().Truncate(time.Microsecond)
	in := dbsqlc.InsertSealsParams{SealedAt: now}
	for _, r := range rows {
		walk.Last = walk.Last.Next(auditRow(r), now)
		in.Positions = append(in.Positions, walk.Last.Position)
		in.EventSeqs = append(in.EventSeqs, walk.Last.Sequence)
		in.EventIds = append(in.EventIds, walk.Last.EventID)
		in.WorkspaceIds = append(in.WorkspaceIds, walk.Last.WorkspaceID)
		digest := walk.Last.Digest
		in.Digests = append(in.Digests, digest[:])
	}
	walk.after = walk.Last.Sequence
	if err := tx.q.InsertSeals(ctx, in); err != nil {
		return fmt.Errorf("write seals: %w", classify(err))
	}
	return nil
}

// LastSeal returns the chain's newest seal, the zero Seal when there is none.
func (tx *Tx) LastSeal(ctx context.Context) (audit.Seal, error) {
	row, err := tx.q.LastSeal(ctx)
	if err != nil {
		if err := classify(err); apperr.KindOf(err) != apperr.NotFound {
			return audit.Seal{}, fmt.Errorf("read the last seal: %w", err)
		}
		return audit.Seal{}, nil
	}
	s := audit.Seal{Position: row.Position, Sequence: row.EventSeq, EventID: row.EventID, WorkspaceID: row.WorkspaceID, SealedAt: row.SealedAt.UTC()}
	copy(s.Digest[:], row.Digest)
	return s, nil
}

// CheckSeals gives the checker at most limit seals behind its last and reports
// whether there may be more.
func (tx *Tx) CheckSeals(ctx context.Context, c *audit.Checker, limit int) (more bool, err error) {
	rows, err := tx.q.SealsAfter(ctx, dbsqlc.SealsAfterParams{AfterPosition: c.Last().Position, MaxRows: int32(limit)})
	if err != nil {
		return false, fmt.Errorf("read seals: %w", classify(err))
	}
	for _, r := range rows {
		s := audit.Seal{Position: r.Position, Sequence: r.EventSeq, EventID: r.EventID, WorkspaceID: r.SealedWorkspaceID, SealedAt: r.SealedAt.UTC()}
		copy(s.Digest[:], r.Digest)
		if !r.Found {
			c.Check(s, nil)
			continue
		}
		row := auditRow(dbsqlc.UnsealedEventsRow{
			Seq: r.EventSeq, Xid: r.Xid, WorkspaceID: zeroIfNil(r.WorkspaceID), ID: zeroIfNil(r.ID), At: *r.At,
			ActorKind: r.ActorKind, ActorID: zeroIfNil(r.ActorID), ActorName: r.ActorName, Action: r.Action,
			SubjectKind: r.SubjectKind, SubjectID: zeroIfNil(r.SubjectID), AccountID: r.AccountID, CorrelationID: r.CorrelationID, Detail: r.Detail,
		})
		c.Check(s, &row)
	}
	return len(rows) == limit, nil
}

// Waiting is what has no seal yet, because the sealer has not come by.
type Waiting struct {
	Events int64
	// Oldest is the time of the oldest of them; of no meaning when there are none.
	Oldest time.Time
}

// CheckUnsealed tells the checker of every event that the sealer went past, and
// returns what still waits for it.
func (tx *Tx) CheckUnsealed(ctx context.Context, c *audit.Checker, limit int) (Waiting, error) {
	passed, err := tx.q.PassedOver(ctx, int32(limit))
	if err != nil {
		return Waiting{}, fmt.Errorf("list events without a seal: %w", classify(err))
	}
	for _, r := range passed {
		c.PassedOver(r.Seq, r.ID, r.At)
	}
	row, err := tx.q.WaitingForSeal(ctx)
	if err != nil {
		return Waiting{}, fmt.Errorf("count events without a seal: %w", classify(err))
	}
	return Waiting{Events: row.Waiting, Oldest: row.Oldest.UTC()}, nil
}

// NoteVerified records what a check of the whole chain found.
func (tx *Tx) NoteVerified(ctx context.Context, position int64, intact bool) error {
	if err := tx.q.NoteVerified(ctx, dbsqlc.NoteVerifiedParams{Position: position, Intact: intact}); err != nil {
		return fmt.Errorf("note the check of the audit log: %w", classify(err))
	}
	return nil
}

func zeroIfNil(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}

func auditRow(r dbsqlc.UnsealedEventsRow) audit.Row {
	return audit.Row{
		Sequence: r.Seq, Transaction: r.Xid, WorkspaceID: r.WorkspaceID, ID: r.ID, At: r.At,
		ActorKind: r.ActorKind, ActorID: r.ActorID, ActorName: r.ActorName, Action: r.Action,
		SubjectKind: r.SubjectKind, SubjectID: r.SubjectID, AccountID: zeroIfNil(r.AccountID), CorrelationID: zeroIfNil(r.CorrelationID),
		Detail: r.Detail,
	}
}
