package store_test

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/store"
	"rostrum/shared/store/migrations"
	"rostrum/shared/store/storetest"
)

// logins are addresses with names of their own: roles are the cluster's, which
// other tests share.
func logins(t *testing.T, w *storetest.World) map[string]string {
	t.Helper()
	out := map[string]string{}
	for role, name := range map[string]string{store.RoleAPI: "api_", store.RoleWorker: "worker_"} {
		u, err := url.Parse(w.URL.Reveal())
		require.NoError(t, err)
		u.User = url.UserPassword(name+strings.ToLower(rand.Text()), "o'pa$que\\ 1")
		out[role] = u.String()
		owner := connect(t, w, "")
		t.Cleanup(func() {
			_, err := owner.Exec(context.WithoutCancel(t.Context()), "DROP ROLE IF EXISTS "+pgx.Identifier{u.User.Username()}.Sanitize())
			require.NoError(t, err)
		})
	}
	return out
}

func login(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func count(t *testing.T, conn *pgx.Conn, sql string) int {
	t.Helper()
	var n int
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&n))
	return n
}

// Whoever takes over the api can write any statement. It must not lead into
// another workspace's rows, nor to the role that sees all of them.
func TestTheApisLoginIsHeldToOneWorkspaceWhateverItAsks(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	w.Scheduled(t, 0, "ours")
	other, _ := w.AddWorkspace(t, "Other", "eve@example.com")
	addresses := logins(t, w)
	require.NoError(t, migrations.EnsureLogins(t.Context(), w.URL.Reveal(), addresses))

	api := login(t, addresses[store.RoleAPI])
	_, err := api.Exec(t.Context(), "SELECT 1 FROM posts")
	require.ErrorContains(t, err, "permission denied", "by itself it may nothing")
	for _, role := range []string{store.RoleWorker, "postgres"} {
		_, err := api.Exec(t.Context(), "SET ROLE "+role)
		require.ErrorContains(t, err, "permission denied to set role")
	}
	_, err = api.Exec(t.Context(), "SET ROLE rostrum_api")
	require.NoError(t, err)
	_, err = api.Exec(t.Context(), "SET row_security = off")
	require.NoError(t, err)
	_, err = api.Exec(t.Context(), "SELECT 1 FROM posts")
	require.ErrorContains(t, err, "row-level security", "it cannot be switched off")
	_, err = api.Exec(t.Context(), "SET row_security = on; SET app.workspace_id = '"+other.String()+"'")
	require.NoError(t, err)
	require.Zero(t, count(t, api, "SELECT count(*) FROM posts"), "the other workspace has none")
	require.Zero(t, count(t, api, "SELECT count(*) FROM accounts WHERE true OR workspace_id = workspace_id"))
	_, err = api.Exec(t.Context(), "UPDATE posts SET updated_at = now()")
	require.NoError(t, err, "it changes nothing that it cannot see")
	require.Equal(t, 1, count(t, api, "SELECT count(*) FROM workspaces"))

	worker := login(t, addresses[store.RoleWorker])
	_, err = worker.Exec(t.Context(), "SET ROLE rostrum_api")
	require.ErrorContains(t, err, "permission denied to set role")
	_, err = worker.Exec(t.Context(), "SET ROLE rostrum_worker")
	require.NoError(t, err)
	require.Equal(t, 1, count(t, worker, "SELECT count(*) FROM posts"))
}

func TestTheStoreWorksWithTheTwoLogins(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	addresses := logins(t, w)
	require.NoError(t, migrations.EnsureLogins(t.Context(), w.URL.Reveal(), addresses))
	now := func(ctx context.Context, tx *store.Tx) error { _, err := tx.Now(ctx); return err }
	api := storetest.Open(t, config.Secret(addresses[store.RoleAPI]), store.RoleAPI)
	require.NoError(t, api.InWorkspace(t.Context(), w.Workspace, now))
	worker := storetest.Open(t, config.Secret(addresses[store.RoleWorker]), store.RoleWorker)
	require.NoError(t, worker.Across(t.Context(), now))
	// As when the api was given the workers' address by mistake.
	mistaken := storetest.Open(t, config.Secret(addresses[store.RoleWorker]), store.RoleAPI)
	require.Error(t, mistaken.InWorkspace(t.Context(), w.Workspace, now))
}

func TestLoginsAreMendedAndNeverShared(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	addresses := logins(t, w)
	require.NoError(t, migrations.EnsureLogins(t.Context(), w.URL.Reveal(), addresses))
	u, err := url.Parse(addresses[store.RoleAPI])
	require.NoError(t, err)
	_, err = connect(t, w, "").Exec(t.Context(), "GRANT rostrum_worker TO "+pgx.Identifier{u.User.Username()}.Sanitize())
	require.NoError(t, err)
	old := addresses[store.RoleAPI]
	u.User = url.UserPassword(u.User.Username(), "another")
	addresses[store.RoleAPI] = u.String()
	require.NoError(t, migrations.EnsureLogins(t.Context(), w.URL.Reveal(), addresses))
	_, err = login(t, addresses[store.RoleAPI]).Exec(t.Context(), "SET ROLE rostrum_worker")
	require.ErrorContains(t, err, "permission denied to set role", "what it was given beside its role is taken away")
	_, err = pgx.Connect(t.Context(), old)
	require.ErrorContains(t, err, "password authentication failed")

	addresses[store.RoleWorker] = addresses[store.RoleAPI]
	err = migrations.EnsureLogins(t.Context(), w.URL.Reveal(), addresses)
	require.Equal(t, "one_login", apperr.As(err).Code)
	err = migrations.EnsureLogins(t.Context(), w.URL.Reveal(), map[string]string{store.RoleAPI: "postgres://only@127.0.0.1/db"})
	require.Equal(t, "bad_login", apperr.As(err).Code)
}
