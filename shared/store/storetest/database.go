// Package storetest gives each test a database of its own, with the schema in
// it, on a real Postgres. The schema is migrated once into a template that is
// named by a hash of the migrations; a test's database is a copy of it.
//
// The server is the one ROSTRUM_TEST_DATABASE_URL names (a role that may create
// databases and roles), else one that scripts/testdb shares between this user's
// test processes. Without a server tests fail; they never skip.
//
// With ROSTRUM_TEST_SCHEMA=oldest the schema is the oldest that the store runs on.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rostrum/shared/config"
	"rostrum/shared/store"
	"rostrum/shared/store/migrations"
)

// lockKey serialises processes that make one template at once.
const lockKey = 7236112

// server is the Postgres of this test process.
type server struct {
	once sync.Once
	// url is the address of the server's own database, template the migrated
	// database that copies are made of.
	url, template string
	err           error
}

var shared server //nolint:gochecknoglobals // one server for all tests of a process.

// Database returns the address of a fresh migrated database, as a role that
// owns it. It is dropped when the test ends, and kept for a look when it failed.
func Database(tb testing.TB) string {
	tb.Helper()
	return database(tb, func() string { return shared.template })
}

// Empty is Database without a schema.
func Empty(tb testing.TB) string {
	tb.Helper()
	return database(tb, func() string { return "template0" })
}

func database(tb testing.TB, template func() string) string {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	shared.once.Do(func() { shared.prepare(ctx) })
	if shared.err != nil {
		tb.Fatalf("This test needs Postgres: %v", shared.err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := execute(ctx, shared.url, "CREATE DATABASE "+name+" TEMPLATE "+template()); err != nil {
		tb.Fatalf("copy the template database: %v", err)
	}
	address, err := withDatabase(shared.url, name)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the test's database was kept: %s", address)
			return
		}
		if err := execute(ctx, shared.url, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("drop the test's database: %v", err)
		}
	})
	return address
}

func (s *server) prepare(ctx context.Context) {
	if s.url, s.err = findServer(ctx); s.err != nil {
		return
	}
	s.template, s.err = makeTemplate(ctx, s.url)
}

func findServer(ctx context.Context) (string, error) {
	if address := config.Environ()["ROSTRUM_TEST_DATABASE_URL"]; address != "" {
		if err := execute(ctx, address, "SELECT 1"); err != nil {
			return "", fmt.Errorf("the server that ROSTRUM_TEST_DATABASE_URL names does not answer (%w): start it, or unset the variable to have one started", err)
		}
		return address, nil
	}
	// The fast way: a server that is running already.
	kept := filepath.Join(os.TempDir(), "rostrum-testdb-"+strconv.Itoa(os.Getuid()), "url")
	if raw, err := os.ReadFile(kept); err == nil { //nolint:gosec // a file of scripts/testdb.
		address := strings.TrimSpace(string(raw))
		if execute(ctx, address, "SELECT 1") == nil {
			return address, nil
		}
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "run", "./scripts/testdb", "-daemon")
	cmd.Dir = root
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("set ROSTRUM_TEST_DATABASE_URL to a Postgres 15 or newer, or mend this: %s: %w", strings.TrimSpace(said.String()), err)
	}
	return strings.TrimSpace(string(out)), nil
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod above the test: set ROSTRUM_TEST_DATABASE_URL to a Postgres 15 or newer")
		}
		dir = filepath.Dir(dir)
	}
}

// makeTemplate returns the template of the current migrations. It becomes a
// template in the catalogue only when it is complete, so a process that dies
// half-way leaves one that the next process makes again.
func makeTemplate(ctx context.Context, address string) (string, error) {
	fingerprint, err := migrations.Fingerprint()
	if err != nil {
		return "", fmt.Errorf("name the template: %w", err)
	}
	name, version := "rostrum_template_"+fingerprint[:16], int64(math.MaxInt64)
	if config.Environ()["ROSTRUM_TEST_SCHEMA"] == "oldest" {
		name, version = fmt.Sprintf("%s_%d", name, store.OldestSchema), store.OldestSchema
	}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return "", fmt.Errorf("connect to the test server: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	// Given up with the session.
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", lockKey); err != nil {
		return "", fmt.Errorf("wait for the template: %w", err)
	}
	var ready bool
	err = conn.QueryRow(ctx, "SELECT datistemplate FROM pg_database WHERE datname = $1", name).Scan(&ready)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("look for the template: %w", err)
	}
	if ready {
		return name, nil
	}
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return "", fmt.Errorf("make the template: %w", err)
		}
	}
	inside, err := withDatabase(address, name)
	if err != nil {
		return "", err
	}
	if err := migrations.MigrateTo(ctx, inside, version); err != nil {
		return "", fmt.Errorf("migrate the template: %w", err)
	}
	if _, err := conn.Exec(ctx, "ALTER DATABASE "+name+" WITH IS_TEMPLATE true ALLOW_CONNECTIONS false"); err != nil {
		return "", fmt.Errorf("finish the template: %w", err)
	}
	return name, nil
}

func withDatabase(address, name string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("the test server's address is not of the form postgres://user:password@host:port/database")
	}
	u.Path = "/" + name
	return u.String(), nil
}

func execute(ctx context.Context, address, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("run %q: %w", sql, err)
	}
	return nil
}
