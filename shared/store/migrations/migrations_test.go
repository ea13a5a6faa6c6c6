package migrations_test

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/apperr"
	"rostrum/shared/store"
	"rostrum/shared/store/migrations"
	"rostrum/shared/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func run(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

func TestApplyingAgainAndAtOnceIsHarmless(t *testing.T) {
	t.Parallel()
	url := storetest.Database(t)
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = migrations.Migrate(t.Context(), url) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	list, err := migrations.Status(t.Context(), url)
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for _, m := range list {
		require.NotNil(t, m.AppliedAt, m.Name)
	}
}

func TestADatabaseFromTheFutureIsRefused(t *testing.T) {
	t.Parallel()
	url := storetest.Database(t)
	run(t, url, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
	err := migrations.Migrate(t.Context(), url)
	require.True(t, apperr.Is(err, apperr.Conflict), "%v", err)
	require.ErrorContains(t, err, "is at version 9999")
	_, err = migrations.Status(t.Context(), url)
	require.True(t, apperr.Is(err, apperr.Conflict), "%v", err)
}

func TestAWrongAddressDoesNotShowItsPassword(t *testing.T) {
	t.Parallel()
	err := migrations.Migrate(t.Context(), "postgres://me:hunter2@[bad/db")
	require.True(t, apperr.Is(err, apperr.Invalid), "%v", err)
	require.NotContains(t, err.Error(), "hunter2")
	err = migrations.Migrate(t.Context(), "postgres://me:hunter2@127.0.0.1:1/db")
	require.True(t, apperr.Is(err, apperr.Unavailable), "%v", err)
	require.NotContains(t, err.Error(), "hunter2")
}

// A release runs on the schema that the release before it left, so that neither
// has to be there first: what adds a migration does not raise the oldest schema.
func TestTheCodeRunsOnASchemaBeforeTheNewest(t *testing.T) {
	t.Parallel()
	list, err := migrations.Status(t.Context(), storetest.Database(t))
	require.NoError(t, err)
	newest := list[len(list)-1].Version
	require.Less(t, int64(store.OldestSchema), newest, "raise store.OldestSchema a release after a migration, never with it")
}
