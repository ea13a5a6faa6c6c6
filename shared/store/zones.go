package store

import (
	"context"
	"fmt"
	"time"

	"rostrum/shared/account"
	"rostrum/shared/post"
	"rostrum/shared/schedule"
	"rostrum/shared/store/internal/dbsqlc"
)

// ZonedMoments returns the moments to come at which posts of all workspaces are
// planned on the clocks of a zone other than UTC, each once. It needs the worker
// role.
func (tx *Tx) ZonedMoments(ctx context.Context) ([]schedule.Time, error) {
	rows, err := tx.q.ZonedMoments(ctx, stateNames(PlannedStates()))
	if err != nil {
		return nil, fmt.Errorf("list planned moments: %w", classify(err))
	}
	out := make([]schedule.Time, len(rows))
	for i, r := range rows {
		out[i] = schedule.Time{At: r.DueAt.UTC(), Local: r.DueLocal, Zone: r.DueZone}
	}
	return out, nil
}

// Moved is a post that was moved in time, as it is now.
type Moved struct {
	PostRef

	Revision int64
	State    post.State
}

// MoveMoment moves the posts that are still planned for one moment to another, to
// that clock of the same zone, and returns them. It needs the worker role.
func (tx *Tx) MoveMoment(ctx context.Context, from schedule.Time, at time.Time, local string) ([]Moved, error) {
	rows, err := tx.q.MoveMoment(ctx, dbsqlc.MoveMomentParams{
		ToAt: at.UTC(), ToLocal: local, States: stateNames(PlannedStates()), FromAt: from.At.UTC(), Zone: from.Zone, FromLocal: from.Local,
	})
	if err != nil {
		return nil, fmt.Errorf("move posts of %s in %s: %w", from.Local, from.Zone, classify(err))
	}
	out := make([]Moved, len(rows))
	for i, r := range rows {
		out[i] = Moved{
			PostRef:  PostRef{WorkspaceID: r.WorkspaceID, PostID: post.ID(r.ID), AccountID: account.ID(r.AccountID), CorrelationID: r.CorrelationID},
			Revision: r.Revision, State: post.State(r.State),
		}
	}
	return out, nil
}
