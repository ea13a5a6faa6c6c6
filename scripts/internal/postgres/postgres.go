// Package postgres runs a real Postgres server for the local programs and the
// tests: it finds one on the machine or fetches one, makes a cluster in a
// folder, runs the server as a child and stops it.
//
// A cluster belongs to one process at a time (a kernel lock on its folder). A
// server whose process was killed is stopped, with its data intact, by the next
// start. Errors are sentences for the person at the terminal.
package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"rostrum/scripts/internal/filelock"
)

const (
	superuser = "postgres"
	database  = "rostrum"
	// readyWithin covers the replay of the log after a crash.
	readyWithin = 60 * time.Second
	stopWithin  = 20 * time.Second
	maxLogBytes = 8 << 20
)

// Options say where and how to run a server.
type Options struct {
	// Dir is the folder that holds the cluster, its password and its log.
	Dir string
	// Port to listen on at 127.0.0.1; 0 takes a free one.
	Port int
	// Throwaway trades durability for speed; for tests only.
	Throwaway bool
	// MaxConnections of the server; 0 is 100.
	MaxConnections int
	// Progress is told what goes on when it may take seconds; may be nil.
	Progress func(step string)
	// Lookup reads a setting (POSTGRES_BIN); nil reads none.
	Lookup func(name string) string
}

// Server is a running server.
type Server struct {
	cmd      *exec.Cmd
	lock     *filelock.Lock
	done     chan struct{}
	port     int
	password string
	version  int
}

// Start makes the cluster when it is absent, stops a server left over from a
// killed process, starts the server, and returns when it answers and has the
// database "rostrum". ctx bounds the start only.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Lookup == nil {
		o.Lookup = func(string) string { return "" }
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be used: %w", o.Dir, err)
	}
	o.Dir = dir
	lock, err := filelock.Try(filepath.Join(dir, "lock"))
	if errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("another process already runs Postgres in %s: stop it, or choose another data folder", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be used: %w", dir, err)
	}
	s, err := start(ctx, o)
	if err != nil {
		lock.Release()
		return nil, err
	}
	s.lock = lock
	return s, nil
}

func start(ctx context.Context, o Options) (*Server, error) {
	if err := os.Chmod(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be used: %w", o.Dir, err)
	}
	runAs, err := serverUser()
	if err != nil {
		return nil, err
	}
	c, err := locate(o.Dir, runAs)
	if err != nil {
		return nil, err
	}
	if err := c.stopOrphan(ctx, o.Progress); err != nil {
		return nil, err
	}
	bin, err := findBinaries(ctx, o, runAs, c.major())
	if err != nil {
		return nil, err
	}
	if c.major() == 0 {
		o.Progress("making a new database in " + c.data)
		if err := c.create(ctx, bin, o.Throwaway); err != nil {
			return nil, err
		}
	}
	s := &Server{password: c.password, version: bin.major}
	if s.port, err = choosePort(ctx, o.Port); err != nil {
		return nil, err
	}
	return s, s.run(ctx, c, bin, o)
}

// run launches the server and waits for it. Children of a server that was
// killed may hold its shared memory for a moment; it is tried again until they
// have noticed.
func (s *Server) run(ctx context.Context, c *cluster, bin *binaries, o Options) error {
	deadline := time.Now().Add(stopWithin)
	for {
		s.done = make(chan struct{})
		if err := s.launch(ctx, c, bin, o); err != nil {
			return err
		}
		err := s.awaitReady(ctx, c)
		if err == nil {
			return nil
		}
		s.halt(ctx)
		if !strings.Contains(err.Error(), "shared memory block") || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// URL is the superuser's address of the database "rostrum".
func (s *Server) URL() string { return s.urlOf(database) }

// Port is the port the server listens on at 127.0.0.1.
func (s *Server) Port() int { return s.port }

// Version is the server's major version.
func (s *Server) Version() int { return s.version }

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop ends all sessions, writes what is to be written and waits for the
// server's end. When ctx ends first the server is told to end at once; its next
// start then recovers from its log, with nothing committed lost.
func (s *Server) Stop(ctx context.Context) error {
	defer s.lock.Release()
	return stopProcess(ctx, s.cmd.Process.Pid, s.done)
}

func (s *Server) urlOf(name string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, s.password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: name,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

func choosePort(ctx context.Context, want int) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(want)))
	if err != nil {
		return 0, fmt.Errorf("port %d, which Postgres was to use, is taken: stop what listens there or choose another port", want)
	}
	defer func() { _ = l.Close() }()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("listening on 127.0.0.1 gave no TCP address: %s", l.Addr())
	}
	return addr.Port, nil
}

func (s *Server) launch(ctx context.Context, c *cluster, bin *binaries, o Options) error {
	mode := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if info, err := os.Stat(c.log); err == nil && info.Size() > maxLogBytes {
		mode |= os.O_TRUNC
	}
	logFile, err := os.OpenFile(c.log, mode, 0o600)
	if err != nil {
		return fmt.Errorf("the server's log %s cannot be written: %w", c.log, err)
	}
	defer func() { _ = logFile.Close() }()
	connections := o.MaxConnections
	if connections == 0 {
		connections = 100
	}
	settings := []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(s.port),
		// The default socket folder is often root's; TCP is enough.
		"unix_socket_directories=",
		"max_connections=" + strconv.Itoa(connections),
		"password_encryption=scram-sha-256", "timezone=UTC", "log_timezone=UTC",
	}
	if o.Throwaway {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"shared_buffers=128MB", "max_wal_size=1GB", "autovacuum=off", "wal_level=minimal", "max_wal_senders=0")
	}
	args := []string{"-D", c.data}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	// The server outlives the start's context, and a signal to the terminal's
	// group must not reach it before its clients are done.
	s.cmd = exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(bin.dir, "postgres"), args...)
	s.cmd.Stdout, s.cmd.Stderr = logFile, logFile
	s.cmd.Env = cleanEnvironment()
	s.cmd.Dir = "/"
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.runAs.credential()}
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("the server %s could not be started: %w", s.cmd.Path, err)
	}
	go func(cmd *exec.Cmd, done chan<- struct{}) {
		defer close(done)
		_ = cmd.Wait()
	}(s.cmd, s.done)
	return nil
}

func (s *Server) halt(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	_ = stopProcess(ctx, s.cmd.Process.Pid, s.done)
}

func (s *Server) awaitReady(ctx context.Context, c *cluster) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.ensureDatabase(ctx)
		if err == nil {
			return nil
		}
		if pgErr := authenticationFailure(err); pgErr != "" {
			return fmt.Errorf("the database in %s does not take the password kept in %s: restore that file or choose another data folder", c.data, c.passwordFile)
		}
		select {
		case <-s.done:
			return fmt.Errorf("the server stopped right after its start; its log %s ends with: %s", c.log, lastLines(c.log, 3))
		case <-ctx.Done():
			return fmt.Errorf("the server did not answer in time; its log %s ends with: %s", c.log, lastLines(c.log, 3))
		case <-tick.C:
		}
	}
}

func (s *Server) ensureDatabase(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.urlOf("postgres"))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database).Scan(&there); err != nil {
		return fmt.Errorf("look for database: %w", err)
	}
	if there {
		return nil
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+database); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	return nil
}

// cleanEnvironment keeps PG* and locale settings of the caller out of the server.
func cleanEnvironment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}

func newPassword() string { return rand.Text() }

func lastLines(path string, n int) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "(unreadable)"
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], " / ")
}
