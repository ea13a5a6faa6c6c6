package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/post"
	"rostrum/shared/store/internal/dbsqlc"
)

// Planned is a post that is to be handed out, as it stood when that was planned.
type Planned struct {
	WorkspaceID uuid.UUID
	PostID      post.ID
	revision    int64
	handedUS    int64
}

// PlanDispatch returns at most limit of the posts that fall due within the
// horizon and are not handed out, fair to workspaces: the first of each, then
// the second of each; before them, in the same way, what is due within half a
// minute. It changes nothing. lostBefore, when not zero, plans again what was
// handed out before that instant: for a start at which every queue is empty.
// What is later than the grace and may go all the same is Drain's.
// Errors: Unavailable.
func (tx *Tx) PlanDispatch(ctx context.Context, horizon, grace time.Duration, limit int, lostBefore time.Time) ([]Planned, error) {
	rows, err := tx.q.PlanDispatch(ctx, dbsqlc.PlanDispatchParams{
		HorizonSeconds: horizon.Seconds(), GraceSeconds: grace.Seconds(), MaxRows: int32(limit), QueuesLost: !lostBefore.IsZero(), LostBefore: lostBefore.UTC(),
	})
	if err != nil {
		return nil, fmt.Errorf("plan what to hand out: %w", classify(err))
	}
	out := make([]Planned, len(rows))
	for i, r := range rows {
		out[i] = Planned{WorkspaceID: r.WorkspaceID, PostID: post.ID(r.ID), revision: r.Revision, handedUS: r.HandedUs}
	}
	return out, nil
}

// DispatchPlanned marks planned posts as handed out and returns those that it marked;
// what was edited, taken off the schedule or handed out since the plan is left
// alone. Errors: Unavailable.
func (tx *Tx) DispatchPlanned(ctx context.Context, plan []Planned) ([]Due, error) {
	var arg dbsqlc.DispatchPlannedParams
	for _, p := range plan {
		arg.WorkspaceIds = append(arg.WorkspaceIds, p.WorkspaceID)
		arg.Ids = append(arg.Ids, uuid.UUID(p.PostID))
		arg.Revisions = append(arg.Revisions, p.revision)
		arg.HandedUs = append(arg.HandedUs, p.handedUS)
	}
	rows, err := tx.q.DispatchPlanned(ctx, arg)
	if err != nil {
		return nil, fmt.Errorf("hand out %d posts: %w", len(plan), classify(err))
	}
	out := make([]Due, len(rows))
	for i, r := range rows {
		out[i] = Due{
			PostRef:  PostRef{WorkspaceID: r.WorkspaceID, PostID: post.ID(r.ID), CorrelationID: r.CorrelationID},
			Revision: r.Revision, SendAt: r.SendAt.UTC(), Illustrated: r.Illustrated,
		}
	}
	return out, nil
}
