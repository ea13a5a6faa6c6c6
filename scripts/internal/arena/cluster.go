package arena

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"rostrum/scripts/internal/postgres"
	"rostrum/shared/store/migrations"
)

const templateName = "arena_template"

// Cluster is a Postgres server from which arenas get databases of their own.
type Cluster struct {
	options postgres.Options

	mu     sync.Mutex
	server *postgres.Server
}

// OpenCluster starts a server in dir with the schema in a template. durable
// keeps fsync on, as production has it; else speed wins.
func OpenCluster(ctx context.Context, dir string, durable bool, maxConnections int) (*Cluster, error) {
	c := &Cluster{options: postgres.Options{Dir: dir, Throwaway: !durable, MaxConnections: maxConnections, Lookup: os.Getenv}}
	var err error
	if c.server, err = postgres.Start(ctx, c.options); err != nil {
		return nil, err
	}
	c.options.Port = c.server.Port()
	if err := c.admin(ctx, "CREATE DATABASE "+templateName); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	if err := migrations.Migrate(ctx, c.urlOf(templateName)); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate the template: %w", err), c.Close(ctx))
	}
	return c, nil
}

// Database makes a database with the schema and returns its owner's address.
func (c *Cluster) Database(ctx context.Context) (address string, drop func(context.Context), err error) {
	name := "arena_" + strings.ToLower(rand.Text())
	c.mu.Lock()
	err = c.admin(ctx, "CREATE DATABASE "+name+" TEMPLATE "+templateName)
	c.mu.Unlock()
	if err != nil {
		return "", nil, err
	}
	return c.urlOf(name), func(ctx context.Context) { _ = c.admin(ctx, "DROP DATABASE "+name+" WITH (FORCE)") }, nil
}

// Crash ends the server at once: no session is asked, nothing is written.
func (c *Cluster) Crash(ctx context.Context) error {
	raw, err := os.ReadFile(filepath.Join(c.options.Dir, "data", "postmaster.pid"))
	if err != nil {
		return fmt.Errorf("find the server: %w", err)
	}
	var pid int
	if _, err := fmt.Sscan(string(raw), &pid); err != nil {
		return fmt.Errorf("find the server: %w", err)
	}
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		return fmt.Errorf("end the server: %w", err)
	}
	<-c.server.Done()
	return c.server.Stop(ctx)
}

// Restart ends the server as Crash does, waits, and starts it again on the same
// folder and port.
func (c *Cluster) Restart(ctx context.Context, away time.Duration) error {
	if err := c.Crash(ctx); err != nil {
		return err
	}
	Pause(ctx, away)
	var err error
	c.server, err = postgres.Start(ctx, c.options)
	return err
}

// Refused is how many connections the server has refused because it had no more.
func (c *Cluster) Refused() (int, error) {
	raw, err := os.ReadFile(filepath.Join(c.options.Dir, "postgres.log"))
	if err != nil {
		return 0, fmt.Errorf("read the server's log: %w", err)
	}
	return bytes.Count(raw, []byte("FATAL:  sorry, too many clients already")), nil
}

// Close stops the server.
func (c *Cluster) Close(ctx context.Context) error { return c.server.Stop(ctx) }

func (c *Cluster) urlOf(name string) string {
	u, err := url.Parse(c.server.URL())
	if err != nil {
		return ""
	}
	u.Path = "/" + name
	return u.String()
}

func (c *Cluster) admin(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, c.urlOf("postgres"))
	if err != nil {
		return fmt.Errorf("connect to the arena's server: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("run %q: %w", sql, err)
	}
	return nil
}
