package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/audit"
	"rostrum/shared/config"
	"rostrum/shared/post"
	"rostrum/shared/store"
)

// World is a database with one workspace, one owner and one connected account
// in it, seen by each of the database roles.
type World struct {
	URL       config.Secret
	Owner     *store.Store // the migrating role
	API       *store.Store
	Worker    *store.Store
	Workspace uuid.UUID
	Person    audit.Actor
	Account   account.Account
}

// everyMoveIsAudited refuses the commit of a transaction in which a function
// moved a post from one state to another and wrote no audit event about it.
const everyMoveIsAudited = `
CREATE FUNCTION move_is_audited() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF current_setting('role') IN ('rostrum_api', 'rostrum_worker') AND NOT EXISTS (
       SELECT FROM audit_events e WHERE e.workspace_id = NEW.workspace_id AND e.subject_id = NEW.id AND e.xid = pg_current_xact_id()) THEN
    RAISE EXCEPTION 'post % went from % to % without an audit event', NEW.id, OLD.state, NEW.state;
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER move_is_audited AFTER UPDATE ON posts DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION move_is_audited()`

// NewWorld makes a world in a fresh database.
func NewWorld(tb testing.TB) *World {
	tb.Helper()
	url := config.Secret(Database(tb))
	w := &World{URL: url, Owner: Open(tb, url, ""), API: Open(tb, url, store.RoleAPI), Worker: Open(tb, url, store.RoleWorker)}
	w.Workspace, w.Person = w.AddWorkspace(tb, "Acme", "ada@example.com")
	w.Account = w.AddAccount(tb, w.Workspace, "acme")
	return w
}

// NewAuditedWorld is NewWorld for workflows: none of them moves a post in it
// without an audit event in the same transaction.
func NewAuditedWorld(tb testing.TB) *World {
	tb.Helper()
	w := NewWorld(tb)
	require.NoError(tb, execute(tb.Context(), w.URL.Reveal(), everyMoveIsAudited))
	return w
}

// Open opens a store and closes it with the test, before its database is dropped.
func Open(tb testing.TB, url config.Secret, role string) *store.Store {
	tb.Helper()
	s, err := store.Open(tb.Context(), store.Config{URL: url, Role: role, MaxConns: 8})
	require.NoError(tb, err)
	tb.Cleanup(s.Close)
	return s
}

// AddWorkspace adds a workspace with an owner.
func (w *World) AddWorkspace(tb testing.TB, name, email string) (uuid.UUID, audit.Actor) {
	tb.Helper()
	var id uuid.UUID
	var actor audit.Actor
	w.do(tb, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if id, err = tx.InsertWorkspace(ctx, name); err != nil {
			return err
		}
		person, err := tx.InsertPerson(ctx, email, "Ada", "no-password")
		if err != nil {
			return err
		}
		actor = audit.Actor{Kind: audit.Person, ID: person, Name: "Ada", WorkspaceID: id, Role: audit.Owner}
		return tx.InsertMember(ctx, id, person, audit.Owner)
	})
	return id, actor
}

// AddAccount adds a connected X account in UTC. It has no tokens.
func (w *World) AddAccount(tb testing.TB, workspace uuid.UUID, handle string) account.Account {
	tb.Helper()
	return w.AddAccountOn(tb, workspace, account.X, handle)
}

// AddAccountOn adds a connected account of any network, as AddAccount does.
func (w *World) AddAccountOn(tb testing.TB, workspace uuid.UUID, n account.Network, handle string) account.Account {
	tb.Helper()
	var a account.Account
	w.do(tb, func(ctx context.Context, tx *store.Tx) error {
		var err error
		id := account.ID(uuid.Must(uuid.NewV7()))
		a, err = tx.ConnectAccount(ctx, workspace, id, n, store.Identity{RemoteID: "remote-" + handle, Handle: handle, Name: handle}, "UTC")
		return err
	})
	return a
}

// Awaiting adds a post that a person may approve.
func (w *World) Awaiting(tb testing.TB, parts ...string) post.Post {
	tb.Helper()
	var p post.Post
	w.do(tb, func(ctx context.Context, tx *store.Tx) error {
		content, err := post.Text(parts...).Canonical()
		if err != nil {
			return err
		}
		if p, err = tx.InsertPost(ctx, store.NewPost{AccountID: w.Account.ID, Content: content, Actor: w.Person}); err != nil {
			return err
		}
		if p, err = tx.MovePost(ctx, p, post.InReview, post.Draft); err != nil {
			return err
		}
		p, err = tx.MovePost(ctx, p, post.AwaitingApproval, post.InReview)
		return err
	})
	return p
}

// Scheduled adds an approved post that is due at a time of the database's
// clock: now plus in, rounded down to the second.
func (w *World) Scheduled(tb testing.TB, in time.Duration, parts ...string) post.Post {
	tb.Helper()
	p := w.Awaiting(tb, parts...)
	w.do(tb, func(ctx context.Context, tx *store.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		due := now.Add(in).Truncate(time.Second)
		schedule := &post.Schedule{DueAt: due, Local: due.Format("2006-01-02T15:04:05"), Zone: "UTC"}
		if p, err = tx.SetSchedule(ctx, p, schedule, post.AwaitingApproval); err != nil {
			return err
		}
		if p, err = tx.Approve(ctx, p, w.Person); err != nil {
			return err
		}
		p, err = tx.MovePost(ctx, p, post.Scheduled, post.AwaitingApproval)
		return err
	})
	return p
}

// Post reads a post as the worker sees it.
func (w *World) Post(tb testing.TB, id post.ID) post.Post {
	tb.Helper()
	var p post.Post
	require.NoError(tb, w.Worker.Across(tb.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		p, err = tx.Post(ctx, w.Workspace, id)
		return err
	}))
	return p
}

// Attempts reads a post's attempts.
func (w *World) Attempts(tb testing.TB, id post.ID) []post.Attempt {
	tb.Helper()
	var list []post.Attempt
	require.NoError(tb, w.Worker.Across(tb.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		list, err = tx.Attempts(ctx, w.Workspace, id)
		return err
	}))
	return list
}

func (w *World) do(tb testing.TB, fn func(context.Context, *store.Tx) error) {
	tb.Helper()
	require.NoError(tb, w.Owner.Across(tb.Context(), fn))
}

// Begin is BeginAttempts for one intent.
func Begin(ctx context.Context, tx *store.Tx, in store.Intent) (store.Judgement, error) {
	judged, err := tx.BeginAttempts(ctx, []store.Intent{in}, audit.SystemActor(in.WorkspaceID, "publish"))
	if err != nil {
		return store.Judgement{}, err
	}
	return judged[0], nil
}
