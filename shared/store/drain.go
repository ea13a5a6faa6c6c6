package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/post"
	"rostrum/shared/store/internal/dbsqlc"
	"rostrum/shared/throttle"
)

// Drain gives turns to the posts of all backlogs for the time from now to the
// window's end, at most limit of them, and returns them marked as handed out;
// the caller writes their messages in the same transaction. On each network the
// oldest due of every workspace comes first, then the second of each, and so on.
// grace is how late still counts as on time. One transaction plans at a time:
// while another does, there is nothing to do here.
func (tx *Tx) Drain(ctx context.Context, grace, window time.Duration, limit int) ([]Due, error) {
	mine, err := tx.q.TryDrainLock(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin drain: %w", classify(err))
	}
	if !mine {
		return nil, nil
	}
	rows, err := tx.q.Backlog(ctx, dbsqlc.BacklogParams{GraceSeconds: grace.Seconds(), MaxRows: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list backlog: %w", classify(err))
	}
	if len(rows) == 0 {
		return nil, nil
	}
	taken, err := tx.turnsTaken(ctx)
	if err != nil {
		return nil, err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return nil, err
	}
	waiting := map[string][]throttle.Waiting{}
	byID := make(map[uuid.UUID]dbsqlc.BacklogRow, len(rows))
	for _, r := range rows {
		byID[r.ID] = r
		waiting[r.Network] = append(waiting[r.Network], throttle.Waiting{
			PostID: r.ID, AccountID: r.AccountID, Gap: spanOf(r.MinGapSeconds), After: r.LastTurn.UTC(),
		})
	}
	var due []Due
	var given dbsqlc.GiveTurnsParams
	for network, list := range waiting {
		for _, turn := range throttle.Turns(now, now.Add(window), list, taken[network]) {
			r := byID[turn.PostID]
			given.PostIds, given.Turns = append(given.PostIds, turn.PostID), append(given.Turns, turn.At)
			ref := PostRef{WorkspaceID: r.WorkspaceID, PostID: post.ID(r.ID), CorrelationID: r.CorrelationID}
			due = append(due, Due{PostRef: ref, Revision: r.Revision, SendAt: turn.At})
		}
	}
	if err := tx.q.GiveTurns(ctx, given); err != nil {
		return nil, fmt.Errorf("give %d turns: %w", len(due), classify(err))
	}
	return due, nil
}

// turnsTaken counts the turns still to come, by network and Unix second.
func (tx *Tx) turnsTaken(ctx context.Context) (map[string]map[int64]int, error) {
	rows, err := tx.q.TurnsTaken(ctx)
	if err != nil {
		return nil, fmt.Errorf("count turns: %w", classify(err))
	}
	out := map[string]map[int64]int{}
	for _, r := range rows {
		if out[r.Network] == nil {
			out[r.Network] = map[int64]int{}
		}
		out[r.Network][r.Second] = int(r.Posts)
	}
	return out, nil
}

// ExplainHolds writes on each scheduled post within the horizon why it will not
// go, or takes the word back, and returns how many changed.
func (tx *Tx) ExplainHolds(ctx context.Context, horizon, grace time.Duration) (int64, error) {
	n, err := tx.q.ExplainHolds(ctx, dbsqlc.ExplainHoldsParams{GraceSeconds: grace.Seconds(), HorizonSeconds: horizon.Seconds()})
	if err != nil {
		return 0, fmt.Errorf("explain holds: %w", classify(err))
	}
	return n, nil
}
