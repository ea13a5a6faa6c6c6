// Package audit holds who did what to which thing. An event is written in the
// same transaction as the act it records, so there is never one without the
// other; the rows are append-only.
package audit

import (
	"time"

	"github.com/google/uuid"
)

// Event is one act.
type Event struct {
	ID    uuid.UUID
	At    time.Time
	Actor Actor
	// Action is "noun.verb" in the past tense, for example "post.approved".
	Action string
	// SubjectKind and SubjectID name the thing acted on, for example "post".
	SubjectKind string
	SubjectID   uuid.UUID
	// AccountID is the account the subject belongs to; zero when none.
	AccountID uuid.UUID
	// CorrelationID follows a post from draft to metrics; zero when none.
	CorrelationID uuid.UUID
	// Detail holds small facts that a reader of the history wants. Never
	// content, never a secret.
	Detail map[string]any
}
