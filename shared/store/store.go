// Package store is the one owner of SQL. Callers see domain values and
// transactions; rows, generated code and SQLSTATEs stay inside.
//
// Every method runs on a Tx. A Tx of InWorkspace sees one workspace, held by
// row-level security; a Tx of Across, for the worker role, sees the tables that
// role's policies name. Start reading at Tx, then sending.go for the protocol
// by which a post goes out at most once.
package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/store/internal/dbsqlc"
	"rostrum/shared/telemetry"
)

// The database roles that functions step down to.
const (
	RoleAPI    = "rostrum_api"
	RoleWorker = "rostrum_worker"
)

// Config says how to reach the database.
type Config struct {
	URL config.Secret
	// Role is the role each connection steps down to at its start: RoleAPI or
	// RoleWorker. Empty keeps the role of the URL, for owners only.
	Role string
	// MaxConns bounds the pool; on Lambda 1 or 2, since concurrency times this
	// must fit the database's connections.
	MaxConns int32
}

// Store is a pool of connections to one database.
type Store struct {
	pool *pgxpool.Pool
	// schemaFits says that the schema was seen to be new enough.
	schemaFits *atomic.Bool
	// byKey says that this one is ByKey's.
	byKey bool
}

// Open makes the pool. It does not connect: a database that is away shows at
// the first use. Errors: Invalid when the URL is not one.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL.Reveal())
	if err != nil {
		// The parser's error may quote the password.
		return nil, apperr.New(apperr.Invalid, "bad_database_url", "DATABASE_URL is not a Postgres address").
			WithHint("Use postgres://user:password@host:port/database.")
	}
	pc.MaxConns = max(cfg.MaxConns, 1)
	pc.ConnConfig.ConnectTimeout = 5 * time.Second
	pc.MaxConnIdleTime = 5 * time.Minute
	params := pc.ConnConfig.RuntimeParams
	params["application_name"] = "rostrum"
	params["timezone"] = "UTC"
	// A frozen sandbox must not hold locks: the server ends what lies idle.
	params["idle_in_transaction_session_timeout"] = "15s"
	params["statement_timeout"] = "20s"
	params["lock_timeout"] = "10s"
	// An intent that is not on the disk, and on that of a synchronous standby, is
	// none: after a crash or a failover the post would be sent again. A server
	// whose default trades that for speed is overruled.
	params["synchronous_commit"] = "on"
	// A plan that was kept from when a table was small reads all of it once it is
	// large; ByKey says where they are kept all the same.
	params["plan_cache_mode"] = "force_custom_plan"
	// Compiling a statement takes longer than any of ours runs.
	params["jit"] = "off"
	// What looks over much does so on one of the database's processors: the others
	// are for what is due.
	params["max_parallel_workers_per_gather"] = "0"
	if cfg.Role != "" {
		params["role"] = cfg.Role
	}
	pc.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		encodeUUIDs(conn.TypeMap())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("open database pool: %w", classify(err))
	}
	return &Store{pool: pool, schemaFits: new(atomic.Bool)}, nil
}

const (
	// keepPlans begins a transaction whose plans are kept by its connection.
	keepPlans = "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; " +
		"SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
	// planFor is for how many transactions: a plan that was made for a table of a
	// few rows reads all of them, and meanwhile they do not become many.
	planFor = 100
)

// ByKey returns the same store for transactions in which every statement finds
// its rows by their keys, as those that carry posts out do. A connection plans
// them anew each hundredth time and not each time, which for a group of a few
// posts costs more than running them.
func (s *Store) ByKey() *Store { return &Store{pool: s.pool, schemaFits: s.schemaFits, byKey: true} }

// begin is how a transaction begins on the connection; empty is BEGIN.
func (s *Store) begin(conn *pgconn.PgConn) string {
	if !s.byKey {
		return ""
	}
	const key = "transactions by key"
	begun, _ := conn.CustomData()[key].(int)
	conn.CustomData()[key] = begun + 1
	if begun%planFor == 0 {
		return "DISCARD PLANS; " + keepPlans
	}
	return keepPlans
}

// Close ends all connections and waits for those in use.
func (s *Store) Close() { s.pool.Close() }

// Ping reports whether the database answers and its schema is new enough.
// Errors: Unavailable.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("ping database: %w", classify(err))
	}
	return s.checkSchema(ctx, s.pool)
}

// OutboxRow is one message that was written with a state change.
type OutboxRow struct {
	ID          uuid.UUID
	WorkspaceID uuid.UUID
	Queue       string
	Body        []byte
	DeliverAt   time.Time
}

// Tx is one transaction. It must not outlive the function it was given to.
type Tx struct {
	q         *dbsqlc.Queries
	pgx       pgx.Tx
	workspace uuid.UUID
	outgoing  []OutboxRow
}

// Outgoing returns the outbox rows written in this transaction so far.
func (tx *Tx) Outgoing() []OutboxRow { return tx.outgoing }

// WorkspaceID returns the workspace the transaction is held to; the zero UUID
// for one of Across.
func (tx *Tx) WorkspaceID() uuid.UUID { return tx.workspace }

// Now returns the database's clock, the only one that decides whether a post
// is due. It moves within a transaction.
func (tx *Tx) Now(ctx context.Context) (time.Time, error) {
	now, err := tx.q.ClockNow(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read database clock: %w", classify(err))
	}
	return now.UTC(), nil
}

// InWorkspace runs fn in one transaction held to a workspace and commits it
// when fn returns nil. A serialisation failure or deadlock runs fn again, up to
// three times in all, so fn must have no effect beyond the transaction.
// Errors: those of fn; Unavailable when the database is away; Uncertain when
// the connection was lost during COMMIT, so that nobody knows.
func (s *Store) InWorkspace(ctx context.Context, workspace uuid.UUID, fn func(context.Context, *Tx) error) error {
	return s.run(ctx, workspace, uuid.Nil, fn)
}

// AsPerson runs fn in one transaction that sees the person's own memberships,
// before a workspace is chosen. Errors as InWorkspace.
func (s *Store) AsPerson(ctx context.Context, person uuid.UUID, fn func(context.Context, *Tx) error) error {
	return s.run(ctx, uuid.Nil, person, fn)
}

// Across runs fn in one transaction over all workspaces, as far as the role's
// policies allow. Errors as InWorkspace.
func (s *Store) Across(ctx context.Context, fn func(context.Context, *Tx) error) error {
	return s.run(ctx, uuid.Nil, uuid.Nil, fn)
}

const maxTries = 3

func (s *Store) run(ctx context.Context, workspace, person uuid.UUID, fn func(context.Context, *Tx) error) error {
	var err error
	for range maxTries {
		err = s.once(ctx, workspace, person, fn)
		if !retryable(err) {
			return err
		}
	}
	return err
}

func (s *Store) once(ctx context.Context, workspace, person uuid.UUID, fn func(context.Context, *Tx) error) error {
	defer telemetry.Time(ctx, telemetry.DatabaseTime, "")()
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", classify(err))
	}
	defer conn.Release()
	ptx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: s.begin(conn.Conn().PgConn())})
	if err != nil {
		return fmt.Errorf("begin: %w", classify(err))
	}
	defer func() {
		// The caller's context may be over; the rollback must reach the server
		// all the same, or the connection is closed.
		_ = ptx.Rollback(context.WithoutCancel(ctx))
	}()
	if err := s.checkSchema(ctx, ptx); err != nil {
		return err
	}
	tx := &Tx{q: dbsqlc.New(ptx), pgx: ptx, workspace: workspace}
	if workspace != uuid.Nil || person != uuid.Nil {
		if err := tx.q.HoldTo(ctx, dbsqlc.HoldToParams{WorkspaceID: settingOf(workspace), PersonID: settingOf(person)}); err != nil {
			return fmt.Errorf("hold transaction to workspace: %w", classify(err))
		}
	}
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if err := ptx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", classifyCommit(err))
	}
	return nil
}

func settingOf(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}
