package storetest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) })
	return conn
}

func TestEachDatabaseIsMigratedAndApart(t *testing.T) {
	t.Parallel()
	a, b := connect(t, storetest.Database(t)), connect(t, storetest.Database(t))
	var version int64
	require.NoError(t, a.QueryRow(t.Context(), "SELECT max(version_id) FROM goose_db_version").Scan(&version))
	require.Positive(t, version)

	_, err := a.Exec(t.Context(), "CREATE TABLE only_here (n int)")
	require.NoError(t, err)
	var there bool
	require.NoError(t, b.QueryRow(t.Context(), "SELECT to_regclass('only_here') IS NOT NULL").Scan(&there))
	require.False(t, there)
}

func TestTheDatabaseIsGoneAfterItsTest(t *testing.T) { //nolint:tparallel // the subtest must end first.
	t.Parallel()
	other := connect(t, storetest.Database(t))
	var name string
	t.Run("Short", func(t *testing.T) {
		conn := connect(t, storetest.Database(t))
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_database()").Scan(&name))
	})
	var there bool
	require.NoError(t, other.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there))
	require.False(t, there)
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	start := time.Now()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { storetest.Database(t) })
	}
	wg.Wait()
	t.Logf("20 databases in %s", time.Since(start))
}
