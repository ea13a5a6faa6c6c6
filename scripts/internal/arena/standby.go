package arena

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"rostrum/scripts/internal/postgres"
)

// Standby is a server that follows a primary until it is promoted.
type Standby struct {
	*Cluster

	// Link carries the primary's log to the standby; what is delayed in it is
	// lost when the primary is.
	Link *Proxy
}

// OpenStandby copies the primary while it runs and starts a hot standby of it
// in dir. sync has the primary answer no COMMIT before the standby has it on
// its disk (synchronous_standby_names), as infra/deploy.md requires; without
// it the standby follows as it can.
func (c *Cluster) OpenStandby(ctx context.Context, dir string, sync bool) (*Standby, error) {
	link, through, err := NewProxy(ctx, c.server.URL())
	if err != nil {
		return nil, err
	}
	if err := c.copyTo(ctx, dir, through); err != nil {
		link.Close()
		return nil, err
	}
	s := &Standby{Cluster: &Cluster{options: c.options}, Link: link}
	s.options.Dir, s.options.Port = dir, 0
	if s.server, err = postgres.Start(ctx, s.options); err != nil {
		link.Close()
		return nil, fmt.Errorf("start the standby: %w", err)
	}
	s.options.Port = s.server.Port()
	if sync {
		if err := c.admin(ctx, "ALTER SYSTEM SET synchronous_standby_names = '*'"); err != nil {
			return nil, err
		}
		if err := c.admin(ctx, "SELECT pg_reload_conf()"); err != nil {
			return nil, err
		}
	}
	return s, c.awaitStandby(ctx, map[bool]string{true: "sync", false: "async"}[sync])
}

// copyTo copies the running server's files between the start and the end of a
// backup, and makes them those of a standby that reads the log at the address.
// It needs none of Postgres' own tools, which a fetched server does not have.
func (c *Cluster) copyTo(ctx context.Context, dir, address string) error {
	conn, err := pgx.Connect(ctx, c.urlOf("postgres"))
	if err != nil {
		return fmt.Errorf("connect to the primary: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the standby's folder: %w", err)
	}
	if _, err := conn.Exec(ctx, "SELECT pg_backup_start('standby', true)"); err != nil {
		return fmt.Errorf("begin the backup: %w", err)
	}
	for _, name := range []string{"data", "password"} {
		// Files may vanish while they are copied; what matters is in the log.
		out, err := exec.CommandContext(ctx, "cp", "-a", filepath.Join(c.options.Dir, name), filepath.Join(dir, name)).CombinedOutput()
		if err != nil && !strings.Contains(string(out), "No such file") {
			return fmt.Errorf("copy the primary (%w): %s", err, out)
		}
	}
	var label string
	if err := conn.QueryRow(ctx, "SELECT labelfile FROM pg_backup_stop(false)").Scan(&label); err != nil {
		return fmt.Errorf("end the backup: %w", err)
	}
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	password, _ := u.User.Password()
	conninfo := fmt.Sprintf("primary_conninfo = 'host=%s port=%s user=%s password=%s sslmode=disable'\n", u.Hostname(), u.Port(), u.User.Username(), password)
	data := filepath.Join(dir, "data")
	if err := os.Remove(filepath.Join(data, "postmaster.pid")); err != nil {
		return fmt.Errorf("make the standby: %w", err)
	}
	for name, text := range map[string]string{"backup_label": label, "standby.signal": "", "postgresql.auto.conf": conninfo} {
		// The server's user must be able to remove what it finds here: the folder is its own.
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("make the standby: %w", err)
		}
		if err := giveTo(filepath.Join(data, name), data); err != nil {
			return err
		}
	}
	return nil
}

// giveTo gives a file to the owner of another: as root the server runs as
// somebody else.
func giveTo(path, like string) error {
	info, err := os.Stat(like)
	if err != nil {
		return fmt.Errorf("make the standby: %w", err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("make the standby: %w", err)
		}
	}
	return nil
}

func (c *Cluster) awaitStandby(ctx context.Context, state string) error {
	conn, err := pgx.Connect(ctx, c.urlOf("postgres"))
	if err != nil {
		return fmt.Errorf("connect to the primary: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var n int
	for range 200 {
		err = conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = $1", state).Scan(&n)
		if err == nil && n == 1 {
			return nil
		}
		Pause(ctx, 50*time.Millisecond)
	}
	return fmt.Errorf("the standby does not follow: %w", err)
}

// Promote makes the standby a primary. Whoever was led to the old one is to be
// led here.
func (s *Standby) Promote(ctx context.Context) error {
	return s.admin(ctx, "SELECT pg_promote(true, 30)")
}

// URL is the owner's address of a database that the primary made.
func (s *Standby) URL(database string) string {
	u, err := url.Parse(database)
	if err != nil {
		return ""
	}
	return s.urlOf(strings.TrimPrefix(u.Path, "/"))
}

// Close stops the server and the link.
func (s *Standby) Close(ctx context.Context) error {
	s.Link.Close()
	return s.Cluster.Close(ctx)
}

// Lag is how many bytes of log the primary has on its disk and the standby has not.
func (c *Cluster) Lag(ctx context.Context, s *Standby) (int64, error) {
	var has string
	if err := s.ask(ctx, &has, "SELECT coalesce(pg_last_wal_receive_lsn(), '0/0')::text"); err != nil {
		return 0, err
	}
	var lag int64
	err := c.ask(ctx, &lag, "SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '"+has+"')::bigint")
	return lag, err
}

func (c *Cluster) ask(ctx context.Context, into any, sql string) error {
	conn, err := pgx.Connect(ctx, c.urlOf("postgres"))
	if err != nil {
		return fmt.Errorf("connect to the arena's server: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := conn.QueryRow(ctx, sql).Scan(into); err != nil {
		return fmt.Errorf("run %q: %w", sql, err)
	}
	return nil
}
