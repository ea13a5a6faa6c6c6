package store_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

// connect opens a bare connection, to try what the store's methods never do.
func connect(t *testing.T, w *storetest.World, role string) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(w.URL.Reveal())
	require.NoError(t, err)
	if role != "" {
		cfg.RuntimeParams["role"] = role
	}
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// executor runs statements on a bare connection.
func executor(t *testing.T, conn *pgx.Conn) func(sql string, args ...any) {
	t.Helper()
	return func(sql string, args ...any) {
		t.Helper()
		_, err := conn.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
}

func TestTheDatabaseHoldsTheSameStateMachineAsTheCode(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	rows, err := connect(t, w, "").Query(t.Context(), "SELECT from_state, to_state FROM post_transitions")
	require.NoError(t, err)
	type move struct{ From, To post.State }
	stored, err := pgx.CollectRows(rows, pgx.RowToStructByPos[move])
	require.NoError(t, err)
	var drawn []move
	for _, tr := range post.Transitions() {
		drawn = append(drawn, move{tr.From, tr.To})
	}
	require.ElementsMatch(t, drawn, stored)
}

func TestTheTriggerRefusesEveryMoveThatIsNotInTheTable(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Scheduled(t, 0, "hello")
	conn := connect(t, w, "")
	for _, to := range post.States() {
		if to == post.Scheduled || post.CanMove(post.Scheduled, to) {
			continue
		}
		_, err := conn.Exec(t.Context(), "UPDATE posts SET state = $1, published_at = CASE WHEN $1 = 'published' THEN now() END WHERE id = $2", string(to), uuid.UUID(p.ID))
		require.ErrorContains(t, err, "RS001", "scheduled to %s", to)
	}
}

// The server of these tests, as many in production, does not wait for the disk
// by itself.
func TestCommitsWaitForTheDiskWhateverTheServersDefault(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	conn := connect(t, w, "")
	for _, sql := range []string{
		"CREATE TABLE noted (setting text)",
		"CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO noted VALUES (current_setting(''synchronous_commit'')); RETURN NEW; END'",
		"CREATE TRIGGER note AFTER INSERT ON workspaces FOR EACH ROW EXECUTE FUNCTION note()",
	} {
		_, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	var byDefault, noted string
	require.NoError(t, conn.QueryRow(t.Context(), "SHOW synchronous_commit").Scan(&byDefault))
	require.Equal(t, "off", byDefault)
	w.AddWorkspace(t, "Other", "other@example.com")
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT setting FROM noted").Scan(&noted))
	require.Equal(t, "on", noted)
}

// Plans are kept for the transactions that find their rows by keys, without those
// that read whole tables, and for no others.
func TestPlansAreKeptOnlyWhereTheyCannotGoWrong(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	conn := connect(t, w, "")
	for _, sql := range []string{
		"CREATE TABLE noted (setting text)",
		`CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO noted SELECT string_agg(current_setting(s), '' '')
		 FROM unnest(ARRAY[''plan_cache_mode'', ''enable_seqscan'', ''enable_hashjoin'', ''enable_mergejoin'']) s; RETURN NEW; END'`,
		"CREATE TRIGGER note AFTER UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION note()",
		"GRANT INSERT ON noted TO PUBLIC",
	} {
		_, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	p := w.Scheduled(t, 0, "hello")
	_, err := conn.Exec(t.Context(), "DELETE FROM noted")
	require.NoError(t, err)
	dispatch := func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Dispatch(ctx, store.Ref(p))
		return err
	}
	require.NoError(t, w.Worker.ByKey().Across(t.Context(), dispatch))
	require.NoError(t, w.Worker.Across(t.Context(), dispatch))
	rows, err := conn.Query(t.Context(), "SELECT setting FROM noted")
	require.NoError(t, err)
	noted, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"force_generic_plan off off off", "force_custom_plan on on on"}, noted)
}

func TestContentAndTimeCannotChangeUnderARevision(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Scheduled(t, 0, "hello")
	conn := connect(t, w, "")
	_, err := conn.Exec(t.Context(), "UPDATE posts SET due_at = due_at + interval '1 hour' WHERE id = $1", uuid.UUID(p.ID))
	require.ErrorContains(t, err, "RS002")
	_, err = conn.Exec(t.Context(), "UPDATE posts SET revision = revision - 1 WHERE id = $1", uuid.UUID(p.ID))
	require.ErrorContains(t, err, "RS002")
}

func TestWhatIsWrittenForGoodCannotBeChanged(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	w.Scheduled(t, 0, "hello")
	conn := connect(t, w, "")
	for _, sql := range []string{
		`UPDATE versions SET content = '{"parts":[{"text":"other"}]}'`,
		"DELETE FROM versions",
		"UPDATE audit_events SET actor_name = 'nobody'",
		"DELETE FROM audit_events",
		"TRUNCATE audit_events",
		"UPDATE approvals SET content_hash = 'v1:00'",
		"UPDATE approvals SET actor_name = 'Eve', revoked_at = now()",
	} {
		require.NoError(t, w.Owner.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.Record(ctx, audit.Event{Actor: w.Person, Action: "test.happened", SubjectKind: "post"})
		}))
		_, err := conn.Exec(t.Context(), sql)
		require.ErrorContains(t, err, "RS003", sql)
	}
}

func TestNoAgentAndNoTokenApproves(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Awaiting(t, "hello")
	for _, kind := range []audit.ActorKind{audit.System, audit.Token} {
		err := w.Owner.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Approve(ctx, p, audit.Actor{Kind: kind, ID: uuid.New(), Name: "agent", WorkspaceID: w.Workspace})
			return err
		})
		require.Error(t, err, kind)
	}
}

func TestASecondApprovalLosesAndIsToldSo(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Awaiting(t, "hello")
	approve := func() error {
		return w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Approve(ctx, p, w.Person)
			return err
		})
	}
	require.NoError(t, approve())
	err := approve()
	require.Equal(t, apperr.Conflict, apperr.KindOf(err))
	require.Equal(t, "already_decided", apperr.As(err).Code)
}

func TestAnEditRevokesTheApproval(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Scheduled(t, 0, "hello")
	err := w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
		edited, err := tx.AddVersion(ctx, p, post.Text("hello, world"), "", w.Person)
		require.NoError(t, err)
		require.Equal(t, post.Draft, edited.State)
		require.Greater(t, edited.Revision, p.Revision)
		approval, err := tx.LatestApproval(ctx, w.Workspace, p.ID)
		require.NoError(t, err)
		require.NotNil(t, approval.RevokedAt)
		view, err := tx.LoadSending(ctx, w.Workspace, p.ID)
		require.NoError(t, err)
		require.Empty(t, view.ApprovedHash)
		return nil
	})
	require.NoError(t, err)
}

// Every table that a workspace's rows stand in, read by a role that is held to
// another workspace, to none, and to a setting left empty by an earlier
// transaction.
func TestTheAPIRoleSeesItsOneWorkspaceOnly(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	w.Scheduled(t, 0, "hello")
	other, _ := w.AddWorkspace(t, "Other", "eve@example.com")
	conn := connect(t, w, store.RoleAPI)
	for _, table := range []string{
		"accounts", "posts", "versions", "approvals", "attempts", "readings", "audit_events", "outbox",
		"sources", "ideas", "generations", "runs", "reviews", "findings", "account_tokens", "idempotency_keys", "workspaces",
	} {
		for _, setting := range []string{other.String(), ""} {
			_, err := conn.Exec(t.Context(), "SELECT set_config('app.workspace_id', $1, false)", setting)
			require.NoError(t, err)
			var n int
			sql := "SELECT count(*) FROM " + table
			if table == "workspaces" {
				sql += " WHERE id <> app_workspace() OR app_workspace() IS NULL"
			}
			require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&n))
			require.Zero(t, n, "%s with %q", table, setting)
		}
	}
	_, err := conn.Exec(t.Context(), "SELECT set_config('app.workspace_id', $1, false)", w.Workspace.String())
	require.NoError(t, err)
	var n int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM posts").Scan(&n))
	require.Equal(t, 1, n)
}

func TestTheAPIRoleCannotWriteIntoAnotherWorkspace(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	_, eve := w.AddWorkspace(t, "Other", "eve@example.com")
	err := w.API.InWorkspace(t.Context(), eve.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		return tx.Record(ctx, audit.Event{Actor: w.Person, Action: "test.forged", SubjectKind: "post"})
	})
	require.Error(t, err)
	// A row of its own workspace that points at another's account.
	err = w.API.InWorkspace(t.Context(), eve.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.InsertPost(ctx, store.NewPost{AccountID: w.Account.ID, Content: post.Text("hi"), Actor: eve})
		return err
	})
	require.Error(t, err)
}

func TestRolesCannotDoWhatTheirFunctionsDoNot(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	for role, forbidden := range map[string][]string{
		store.RoleWorker: {
			"SELECT password_hash FROM people", "SELECT * FROM sessions", "UPDATE workspaces SET paused_at = now()",
			"INSERT INTO approvals (workspace_id) VALUES (gen_random_uuid())", "ALTER TABLE posts DISABLE TRIGGER ALL",
		},
		store.RoleAPI: {
			"DELETE FROM posts", "DELETE FROM audit_events", "INSERT INTO attempts (id) VALUES (gen_random_uuid())",
			"INSERT INTO runs (id) VALUES (gen_random_uuid())", "DROP TABLE posts", "ALTER TABLE posts DISABLE ROW LEVEL SECURITY",
		},
	} {
		conn := connect(t, w, role)
		for _, sql := range forbidden {
			_, err := conn.Exec(t.Context(), sql)
			require.Error(t, err, "%s: %s", role, sql)
			require.ErrorContains(t, err, "42501", "%s: %s", role, sql)
		}
	}
}
