package store

import (
	"context"
	"encoding/json"
	"fmt"

	"rostrum/shared/audit"
	"rostrum/shared/store/internal/dbsqlc"
)

// Record writes audit events in this transaction, in their order; their ids and
// times are made here and by the database. Errors: Unavailable, Internal.
func (tx *Tx) Record(ctx context.Context, events ...audit.Event) error {
	if len(events) == 0 {
		return nil
	}
	var arg dbsqlc.InsertAuditEventsParams
	for _, e := range events {
		detail := []byte("{}")
		if len(e.Detail) > 0 {
			var err error
			if detail, err = json.Marshal(e.Detail); err != nil {
				return fmt.Errorf("encode detail of %s: %w", e.Action, err)
			}
		}
		arg.WorkspaceIds = append(arg.WorkspaceIds, e.Actor.WorkspaceID)
		arg.Ids = append(arg.Ids, newID())
		arg.ActorKinds = append(arg.ActorKinds, string(e.Actor.Kind))
		arg.ActorIds = append(arg.ActorIds, e.Actor.ID)
		arg.ActorNames = append(arg.ActorNames, e.Actor.Name)
		arg.Actions = append(arg.Actions, e.Action)
		arg.SubjectKinds = append(arg.SubjectKinds, e.SubjectKind)
		arg.SubjectIds = append(arg.SubjectIds, e.SubjectID)
		arg.AccountIds = append(arg.AccountIds, e.AccountID)
		arg.CorrelationIds = append(arg.CorrelationIds, e.CorrelationID)
		arg.Details = append(arg.Details, string(detail))
	}
	if err := tx.q.InsertAuditEvents(ctx, arg); err != nil {
		return fmt.Errorf("record %s: %w", events[0].Action, classify(err))
	}
	return nil
}
