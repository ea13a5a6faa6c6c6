package store

import (
	"context"
	"fmt"
)

// Expired counts what DeleteExpired removed.
type Expired struct {
	IdempotencyKeys, OAuthStates, Sessions int64
}

// DeleteExpired removes idempotency keys that have run out, and connect flows
// and sessions that ran out a day or a week ago. It needs the worker role.
func (tx *Tx) DeleteExpired(ctx context.Context) (Expired, error) {
	var e Expired
	var err error
	if e.IdempotencyKeys, err = tx.q.DeleteExpiredIdempotencyKeys(ctx); err != nil {
		return Expired{}, fmt.Errorf("delete expired idempotency keys: %w", classify(err))
	}
	if e.OAuthStates, err = tx.q.DeleteExpiredOAuthStates(ctx); err != nil {
		return Expired{}, fmt.Errorf("delete expired connect flows: %w", classify(err))
	}
	if e.Sessions, err = tx.q.DeleteExpiredSessions(ctx); err != nil {
		return Expired{}, fmt.Errorf("delete expired sessions: %w", classify(err))
	}
	return e, nil
}
