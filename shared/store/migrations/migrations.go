// Package migrations holds the schema as embedded goose files and applies it.
// Files are only ever added; a file that has been released does not change.
package migrations

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"rostrum/shared/apperr"
)

//go:embed *.sql
var files embed.FS

// lockKey serialises two programs that migrate one database at once.
const lockKey = 7236111

// Migration is one file and whether the database has it.
type Migration struct {
	Version int64
	Name    string
	// AppliedAt is nil while the migration is pending.
	AppliedAt *time.Time
}

// Migrate brings the database at url to this program's version. Programs that
// do so at once wait for each other. Errors: Invalid for a url that is none,
// Conflict when the database is newer than this program, Unavailable when it
// does not answer, else Internal with the statement at fault.
func Migrate(ctx context.Context, url string) error { return MigrateTo(ctx, url, math.MaxInt64) }

// MigrateTo is Migrate up to an older version of the schema, for what shows that
// this program runs on it.
func MigrateTo(ctx context.Context, url string, version int64) error {
	return with(ctx, url, func(db *sql.DB, provider *goose.Provider) (err error) {
		conn, err := db.Conn(ctx)
		if err != nil {
			return unavailable(err)
		}
		// Closing the session gives the lock up.
		defer func() { _ = conn.Close() }()
		if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", lockKey); err != nil {
			return fmt.Errorf("wait for other migrations: %w", err)
		}
		defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", lockKey) }()
		if err := refuseNewer(ctx, provider); err != nil {
			return err
		}
		if _, err := provider.UpTo(ctx, version); err != nil {
			return fmt.Errorf("apply migrations: %w", err)
		}
		return nil
	})
}

// Status lists this program's migrations in order. Errors as Migrate.
func Status(ctx context.Context, url string) ([]Migration, error) {
	var out []Migration
	err := with(ctx, url, func(_ *sql.DB, provider *goose.Provider) error {
		if err := refuseNewer(ctx, provider); err != nil {
			return err
		}
		list, err := provider.Status(ctx)
		if err != nil {
			return fmt.Errorf("read applied migrations: %w", err)
		}
		for _, m := range list {
			entry := Migration{Version: m.Source.Version, Name: m.Source.Path}
			if m.State == goose.StateApplied {
				entry.AppliedAt = new(m.AppliedAt.UTC())
			}
			out = append(out, entry)
		}
		return nil
	})
	return out, err
}

// Fingerprint is a hash of all files, which names a database made by them.
func Fingerprint() (string, error) { return fingerprint(files) }

func fingerprint(fsys fs.FS) (string, error) {
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return "", fmt.Errorf("list migrations: %w", err)
	}
	sum := sha256.New()
	for _, name := range names {
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return "", fmt.Errorf("read migration: %w", err)
		}
		_, _ = fmt.Fprintf(sum, "%s %d\n%s", name, len(raw), raw)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func with(ctx context.Context, url string, fn func(*sql.DB, *goose.Provider) error) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		// The parser's error may quote the password.
		return apperr.New(apperr.Invalid, "bad_database_url", "the database address is not a Postgres address").
			WithHint("Use postgres://user:password@host:port/database.")
	}
	cfg.ConnectTimeout = 10 * time.Second
	db := stdlib.OpenDB(*cfg)
	defer func() { _ = db.Close() }()
	if err := db.PingContext(ctx); err != nil {
		return unavailable(err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	return fn(db, provider)
}

func unavailable(err error) error {
	return apperr.New(apperr.Unavailable, "database_away", "the database does not answer").
		WithHint("Check that it runs and that the address, user and password are right.").WithCause(err)
}

// refuseNewer stops an old program before it works on a schema it does not know.
func refuseNewer(ctx context.Context, provider *goose.Provider) error {
	at, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the database's version: %w", err)
	}
	var newest int64
	for _, source := range provider.ListSources() {
		newest = max(newest, source.Version)
	}
	if at > newest {
		return apperr.New(apperr.Conflict, "database_newer",
			"the database is at version %d, but this program knows versions up to %d only", at, newest).
			WithHint("Run the newer program, or restore a backup from before the upgrade.")
	}
	return nil
}
