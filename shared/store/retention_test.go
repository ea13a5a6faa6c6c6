package store_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

func TestOnlyWhatHasRunOutIsSwept(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	conn := connect(t, w, "")
	session := func(age string) {
		_, err := conn.Exec(t.Context(), `INSERT INTO sessions (id, workspace_id, person_id, token_hash, created_at, expires_at, last_seen_at)
			VALUES (gen_random_uuid(), $1, $2, sha256(gen_random_uuid()::text::bytea), now(), now() - $3::interval, now())`, w.Workspace, w.Person.ID, age)
		require.NoError(t, err)
	}
	session("8 days")
	session("6 days")
	session("-1 day")
	for key, age := range map[string]string{"old": "1 minute", "new": "-1 minute"} {
		_, err := conn.Exec(t.Context(), `INSERT INTO idempotency_keys (workspace_id, principal, route, key, body_hash, created_at, expires_at)
			VALUES ($1, 'p', 'r', $2, '', now(), now() - $3::interval)`, w.Workspace, key, age)
		require.NoError(t, err)
	}
	for flow, age := range map[uuid.UUID]string{uuid.New(): "2 days", uuid.New(): "1 hour"} {
		_, err := conn.Exec(t.Context(), `INSERT INTO oauth_states (workspace_id, id, state_hash, session_id, network, verifier_sealed, created_at, expires_at)
			SELECT $1, $2::uuid, sha256(gen_random_uuid()::text::bytea), id, 'x', '', now(), now() - $3::interval FROM sessions WHERE expires_at > now()`, w.Workspace, flow, age)
		require.NoError(t, err)
	}
	var swept store.Expired
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		swept, err = tx.DeleteExpired(ctx)
		return err
	}))
	require.Equal(t, store.Expired{IdempotencyKeys: 1, OAuthStates: 1, Sessions: 1}, swept)
}
