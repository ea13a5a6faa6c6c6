package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"rostrum/scripts/internal/filelock"
	"rostrum/scripts/internal/postgres"
)

const (
	idleLimit  = 15 * time.Minute
	pollEvery  = 20 * time.Second
	startLimit = 3 * time.Minute
)

// sharedPlace is the folder of this user's shared server. Its file "url" exists
// while the server may be used; package storetest reads it as well.
type sharedPlace struct{ dir string }

func place() (*sharedPlace, error) {
	dir := filepath.Join(os.TempDir(), "rostrum-testdb-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("the folder for temporary files cannot be used: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, fmt.Errorf("the folder for temporary files cannot be used: %w", err)
	}
	if !info.IsDir() || !ownedByUs(info) {
		return nil, fmt.Errorf("%s belongs to someone else: remove it, or set TMPDIR to a folder of your own", dir)
	}
	return &sharedPlace{dir: dir}, nil
}

func (p *sharedPlace) urlFile() string { return filepath.Join(p.dir, "url") }
func (p *sharedPlace) logFile() string { return filepath.Join(p.dir, "testdb.log") }

func (p *sharedPlace) lock(ctx context.Context) (*filelock.Lock, error) {
	return filelock.Wait(ctx, filepath.Join(p.dir, "start.lock"))
}

// url returns the address of the running server, or "".
func (p *sharedPlace) url(ctx context.Context) string {
	raw, err := os.ReadFile(p.urlFile())
	if err != nil {
		return ""
	}
	url := strings.TrimSpace(string(raw))
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return ""
	}
	_ = conn.Close(ctx)
	return url
}

// printShared writes the address of the shared server, starting it if need be.
func printShared(ctx context.Context, out io.Writer) error {
	p, err := place()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	lock, err := p.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	url := p.url(ctx)
	if url == "" {
		if url, err = p.launch(ctx); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(out, url); err != nil {
		return fmt.Errorf("print address: %w", err)
	}
	return nil
}

// launch starts this program again as a process that outlives us, and waits
// until it has a server. The caller holds the lock.
func (p *sharedPlace) launch(ctx context.Context) (string, error) {
	if err := os.Remove(p.urlFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("remove stale address: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find own program: %w", err)
	}
	logFile, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return "", fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = logFile.Close() }()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self, "-serve")
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start the shared test server: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if url := p.url(ctx); url != "" {
			return url, nil
		}
		select {
		case <-ended:
			said, _ := os.ReadFile(p.logFile())
			return "", fmt.Errorf("the shared test server did not start: %s", strings.TrimSpace(string(said)))
		case <-ctx.Done():
			return "", fmt.Errorf("the shared test server did not start in time; its log is %s: %w", p.logFile(), ctx.Err())
		case <-tick.C:
		}
	}
}

// serveShared runs the shared server until nobody has used it for idle.
func serveShared(ctx context.Context, idle, poll time.Duration) error {
	p, err := place()
	if err != nil {
		return err
	}
	dir := filepath.Join(p.dir, "postgres")
	if err := postgres.Remove(ctx, dir); err != nil {
		return err
	}
	server, err := postgres.Start(ctx, postgres.Options{
		Dir: dir, Throwaway: true, MaxConnections: maxConnections, Lookup: os.Getenv,
		Progress: func(step string) { fmt.Fprintln(os.Stderr, "testdb: "+step) },
	})
	if err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		_ = server.Stop(stopping)
		_ = postgres.Remove(stopping, dir)
	}()
	fresh := p.urlFile() + ".new"
	if err := os.WriteFile(fresh, []byte(server.URL()+"\n"), 0o600); err != nil {
		return fmt.Errorf("write address: %w", err)
	}
	if err := os.Rename(fresh, p.urlFile()); err != nil {
		return fmt.Errorf("write address: %w", err)
	}
	defer func() { _ = os.Remove(p.urlFile()) }()
	return p.waitUntilIdle(ctx, server, idle, poll)
}

// waitUntilIdle returns when the server has ended, ctx is over, or no session
// was open or opened for idle. In the last case the address is withdrawn under
// the lock, so that nobody is given the address of a server about to stop.
func (p *sharedPlace) waitUntilIdle(ctx context.Context, server *postgres.Server, idle, poll time.Duration) error {
	conn, err := pgx.Connect(ctx, server.URL())
	if err != nil {
		return fmt.Errorf("watch sessions: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	lastUse, seen := time.Now(), int64(-1)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-server.Done():
			return errors.New("the database server ended by itself")
		case <-tick.C:
		}
		open, opened, err := sessions(ctx, conn)
		if err != nil {
			return err
		}
		if open > 0 || opened != seen {
			lastUse, seen = time.Now(), opened
			continue
		}
		if time.Since(lastUse) < idle {
			continue
		}
		gone, err := p.withdraw(ctx, conn, seen)
		if gone || err != nil {
			return err
		}
		lastUse = time.Now()
	}
}

// withdraw takes the address back unless the server was used after all.
func (p *sharedPlace) withdraw(ctx context.Context, conn *pgx.Conn, seen int64) (bool, error) {
	lock, err := p.lock(ctx)
	if err != nil {
		return false, err
	}
	defer lock.Release()
	open, opened, err := sessions(ctx, conn)
	if err != nil || open > 0 || opened != seen {
		return false, err
	}
	if err := os.Remove(p.urlFile()); err != nil {
		return false, fmt.Errorf("withdraw address: %w", err)
	}
	return true, nil
}

// sessions counts the client sessions that are open beside ours, and all that
// were ever opened.
func sessions(ctx context.Context, conn *pgx.Conn) (open, opened int64, err error) {
	err = conn.QueryRow(ctx, `SELECT
		(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()),
		(SELECT coalesce(sum(sessions), 0)::bigint FROM pg_stat_database)`).Scan(&open, &opened)
	if err != nil {
		return 0, 0, fmt.Errorf("watch sessions: %w", err)
	}
	return open, opened, nil
}
