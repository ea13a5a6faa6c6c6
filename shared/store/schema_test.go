package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/store"
	"rostrum/shared/store/migrations"
	"rostrum/shared/store/storetest"
)

func TestAnOlderSchemaIsNamedUntilItIsMigrated(t *testing.T) {
	t.Parallel()
	url := storetest.Empty(t)
	names := map[int64]string{0: "has no schema yet", 1: "is at schema 1,", 2: "is at schema 2,", 3: "is at schema 3,", 5: "is at schema 5,", 6: "is at schema 6,", 7: "is at schema 7,"}
	// No login steps down to a role that the first migration makes.
	owner, err := store.Open(t.Context(), store.Config{URL: config.Secret(url), MaxConns: 1})
	require.NoError(t, err)
	t.Cleanup(owner.Close)
	clock := func() error {
		return owner.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Now(ctx)
			return err
		})
	}
	refused := func(words string) {
		t.Helper()
		for _, err := range []error{clock(), owner.Ping(t.Context())} {
			require.Equal(t, apperr.Unavailable, apperr.KindOf(err), "%v", err)
			require.ErrorContains(t, err, "the database "+words)
			require.ErrorContains(t, err, "needs at least 8")
			require.Contains(t, apperr.As(err).Hint, "make migrate DO=apply")
		}
	}
	refused(names[0])
	for _, version := range []int64{1, 2, 3, 5, 6, 7} {
		require.NoError(t, migrations.MigrateTo(t.Context(), url, version))
		refused(names[version])
	}
	require.NoError(t, migrations.MigrateTo(t.Context(), url, store.OldestSchema))
	for _, role := range []string{store.RoleAPI, store.RoleWorker} {
		db, err := store.Open(t.Context(), store.Config{URL: config.Secret(url), Role: role, MaxConns: 1})
		require.NoError(t, err)
		require.NoError(t, db.Ping(t.Context()), role)
		db.Close()
	}
	require.NoError(t, clock(), "the same program goes on")
	require.NoError(t, migrations.Migrate(t.Context(), url))
	require.NoError(t, clock())
}
