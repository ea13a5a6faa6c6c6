package store_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

func hashed(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func openSession(t *testing.T, w *storetest.World, hash []byte, keep time.Duration) uuid.UUID {
	t.Helper()
	var id uuid.UUID
	require.NoError(t, w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
		var err error
		id, err = tx.InsertSession(ctx, w.Workspace, w.Person.ID, hash, keep)
		return err
	}))
	return id
}

func findSession(ctx context.Context, w *storetest.World, hash []byte) (store.Session, error) {
	var s store.Session
	err := w.API.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		s, err = tx.SessionByHash(ctx, hash)
		return err
	})
	return s, err
}

func TestASessionIsFoundWhileItLives(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	id := openSession(t, w, hashed(1), time.Hour)
	s, err := findSession(t.Context(), w, hashed(1))
	require.NoError(t, err)
	require.Equal(t, id, s.ID)
	require.Equal(t, w.Workspace, s.WorkspaceID)
	require.Equal(t, "Acme", s.WorkspaceName)
	require.Equal(t, w.Person.Role, s.Role)
	require.False(t, s.SeenLongAgo)

	for name, sql := range map[string]string{
		"Over":         "UPDATE sessions SET expires_at = clock_timestamp()",
		"Revoked":      "UPDATE sessions SET expires_at = clock_timestamp() + interval '1 hour', revoked_at = clock_timestamp()",
		"DisabledUser": "UPDATE people SET disabled_at = clock_timestamp()",
	} {
		_, err = connect(t, w, "").Exec(t.Context(), sql)
		require.NoError(t, err)
		_, err = findSession(t.Context(), w, hashed(1))
		require.True(t, apperr.Is(err, apperr.NotFound), name)
		_, err = connect(t, w, "").Exec(t.Context(), "UPDATE people SET disabled_at = NULL")
		require.NoError(t, err)
		_, err = connect(t, w, "").Exec(t.Context(), "UPDATE sessions SET expires_at = clock_timestamp() + interval '1 hour', revoked_at = NULL")
		require.NoError(t, err)
	}
	_, err = findSession(t.Context(), w, hashed(1))
	require.NoError(t, err)
	_, err = findSession(t.Context(), w, hashed(2))
	require.True(t, apperr.Is(err, apperr.NotFound))
}

func TestAFormerMembersSessionOpensNothing(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	openSession(t, w, hashed(1), time.Hour)
	_, err := connect(t, w, "").Exec(t.Context(), "DELETE FROM members")
	require.NoError(t, err)
	_, err = findSession(t.Context(), w, hashed(1))
	require.True(t, apperr.Is(err, apperr.NotFound))
}

func TestAConnectFlowEndsOnceAndOnlyInItsSession(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	mine, other := openSession(t, w, hashed(1), time.Hour), openSession(t, w, hashed(2), time.Hour)
	state := store.OAuthState{
		ID: uuid.New(), WorkspaceID: w.Workspace, StateHash: hashed(9), SessionID: mine, Network: account.X, VerifierSealed: []byte("sealed"),
	}
	use := func(session uuid.UUID) error {
		return w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.UseOAuthState(ctx, w.Workspace, session, hashed(9))
			if err == nil {
				require.Equal(t, []byte("sealed"), got.VerifierSealed)
			}
			return err
		})
	}
	require.NoError(t, w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertOAuthState(ctx, state, time.Minute)
	}))
	require.True(t, apperr.Is(use(other), apperr.NotFound))
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = use(mine) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.True(t, apperr.Is(err, apperr.NotFound))
	}
	require.Equal(t, 1, won)
}

func TestAnOldConnectFlowIsOver(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	mine := openSession(t, w, hashed(1), time.Hour)
	err := w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
		state := store.OAuthState{ID: uuid.New(), WorkspaceID: w.Workspace, StateHash: hashed(9), SessionID: mine, Network: account.X, VerifierSealed: []byte("s")}
		if err := tx.InsertOAuthState(ctx, state, -time.Second); err != nil {
			return err
		}
		_, err := tx.UseOAuthState(ctx, w.Workspace, mine, hashed(9))
		return err
	})
	require.Equal(t, "connect_expired", apperr.As(err).Code)
}

func TestAnIdempotencyKeysLife(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	key := store.IdempotencyKey{WorkspaceID: w.Workspace, Principal: "ada", Route: "create-post", Key: "k", BodyHash: hashed(1)}
	claim := func(k store.IdempotencyKey) (*store.StoredAnswer, error) {
		var a *store.StoredAnswer
		err := w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
			var err error
			a, err = tx.ClaimKey(ctx, k, time.Hour)
			return err
		})
		return a, err
	}
	settle := func(fn func(context.Context, *store.Tx) error) {
		require.NoError(t, w.API.InWorkspace(t.Context(), w.Workspace, fn))
	}
	first, err := claim(key)
	require.NoError(t, err)
	require.Nil(t, first)
	_, err = claim(key)
	require.Equal(t, "in_progress", apperr.As(err).Code)

	_, err = connect(t, w, "").Exec(t.Context(), "UPDATE idempotency_keys SET created_at = created_at - interval '3 minutes'")
	require.NoError(t, err)
	_, err = claim(key)
	require.Equal(t, "idempotency_unknown", apperr.As(err).Code, "nobody may run it again unasked")

	settle(func(ctx context.Context, tx *store.Tx) error { return tx.ReleaseKey(ctx, key) })
	first, err = claim(key)
	require.NoError(t, err)
	require.Nil(t, first)
	answer := store.StoredAnswer{Status: 201, Headers: map[string]string{"Etag": `"1"`}, Body: []byte(`{"id":"7"}`)}
	settle(func(ctx context.Context, tx *store.Tx) error { return tx.AnswerKey(ctx, key, answer) })
	got, err := claim(key)
	require.NoError(t, err)
	require.Equal(t, &answer, got)
	settle(func(ctx context.Context, tx *store.Tx) error { return tx.ReleaseKey(ctx, key) })
	got, err = claim(key)
	require.NoError(t, err)
	require.NotNil(t, got, "an answered key is not given back")

	other := key
	other.BodyHash = hashed(2)
	_, err = claim(other)
	require.Equal(t, "idempotency_key_reused", apperr.As(err).Code)
	_, err = connect(t, w, "").Exec(t.Context(), "UPDATE idempotency_keys SET expires_at = clock_timestamp() - interval '1 second'")
	require.NoError(t, err)
	first, err = claim(other)
	require.NoError(t, err)
	require.Nil(t, first, "a key that is over is new")
}
