package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"rostrum/shared/audit"
	"rostrum/shared/store/internal/dbsqlc"
)

// Record writes an audit event in this transaction; its id and time are made
// here and by the database. Errors: Unavailable, Internal.
func (tx *Tx) Record(ctx context.Context, e audit.Event) error {
	detail := []byte("{}")
	if len(e.Detail) > 0 {
		var err error
		if detail, err = json.Marshal(e.Detail); err != nil {
			return fmt.Errorf("encode detail of %s: %w", e.Action, err)
		}
	}
	err := tx.q.InsertAuditEvent(ctx, dbsqlc.InsertAuditEventParams{
		WorkspaceID: e.Actor.WorkspaceID, ID: newID(),
		ActorKind: string(e.Actor.Kind), ActorID: e.Actor.ID, ActorName: e.Actor.Name,
		Action: e.Action, SubjectKind: e.SubjectKind, SubjectID: e.SubjectID,
		AccountID: optional(e.AccountID), CorrelationID: optional(e.CorrelationID), Detail: detail,
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", e.Action, classify(err))
	}
	return nil
}

func optional(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
