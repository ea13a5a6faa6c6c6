package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rostrum/shared/apperr"
)

// SQLSTATEs that decide what happens next. The RS ones are raised by our own
// triggers (migration 0001).
const (
	stateUniqueViolation      = "23505"
	stateForeignKeyViolation  = "23503"
	stateCheckViolation       = "23514"
	stateSerialization        = "40001"
	stateDeadlock             = "40P01"
	stateLockTimeout          = "55P03"
	stateQueryCanceled        = "57014"
	stateForbiddenTransition  = "RS001"
	stateRevisionRule         = "RS002"
	stateAppendOnly           = "RS003"
	stateInsufficientRights   = "42501"
	classConnection           = "08"
	classInsufficientResource = "53"
	classOperatorIntervention = "57"
)

// classify is the only place where a database error gets its kind.
func classify(err error) error {
	if err == nil {
		return nil
	}
	if apperr.As(err) != nil {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.New(apperr.NotFound, "not_found", "there is no such thing here").WithCause(err)
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classifyServer(pg)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return apperr.New(apperr.Unavailable, "database_timeout", "the database did not answer in time").WithCause(err)
	}
	// Whatever is neither the server's word nor ours is the connection's.
	return apperr.New(apperr.Unavailable, "database_away", "the database cannot be reached").WithCause(err)
}

func classifyServer(pg *pgconn.PgError) error {
	switch pg.Code {
	case stateUniqueViolation:
		return apperr.New(apperr.Conflict, "already_there", "this is already there").WithCause(pg)
	case stateForeignKeyViolation:
		return apperr.New(apperr.NotFound, "not_found", "it refers to something that is not here").WithCause(pg)
	case stateForbiddenTransition:
		return apperr.New(apperr.Conflict, "wrong_state", "the post is not in a state that allows this").WithCause(pg).
			WithHint("Reload: somebody or the sender was faster.")
	case stateSerialization, stateDeadlock, stateLockTimeout, stateQueryCanceled:
		return apperr.New(apperr.Unavailable, "database_busy", "the database is busy").WithCause(pg)
	case stateCheckViolation, stateRevisionRule, stateAppendOnly, stateInsufficientRights:
		return apperr.New(apperr.Internal, "database_refused", "the database refused a write").WithCause(pg)
	}
	if len(pg.Code) >= 2 {
		switch pg.Code[:2] {
		case classConnection, classInsufficientResource, classOperatorIntervention:
			return apperr.New(apperr.Unavailable, "database_away", "the database cannot serve now").WithCause(pg)
		}
	}
	return apperr.New(apperr.Internal, "database_error", "the database reported an error").WithCause(pg)
}

// classifyCommit is classify for COMMIT: an error that is not the server's own
// word leaves open whether the transaction stands.
func classifyCommit(err error) error {
	if _, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classify(err)
	}
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return apperr.New(apperr.Internal, "rolled_back", "the transaction was rolled back").WithCause(err)
	}
	return apperr.New(apperr.Uncertain, "commit_unclear", "the connection was lost while saving").
		WithHint("Reload to see whether it was saved, then try again.").WithCause(err)
}

func retryable(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == stateSerialization || pg.Code == stateDeadlock)
}

// constraintOf names the constraint a server error is about, empty when none.
func constraintOf(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.ConstraintName
	}
	return ""
}
