package postgres

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// folder is a data folder that the server's user can reach: the one above it,
// made by the testing package, is closed to others.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	return dir
}

func startIn(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Options{Dir: dir, Throwaway: true, Progress: func(step string) { t.Log(step) }})
	require.NoError(t, err)
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	require.NoError(t, s.Stop(context.WithoutCancel(t.Context())))
}

func query(t *testing.T, s *Server, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	rows, err := conn.Query(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	defer rows.Close()
	var out []string
	for rows.Next() {
		out = append(out, string(rows.RawValues()[0]))
	}
	require.NoError(t, rows.Err())
	return strings.Join(out, ",")
}

func TestASecondStartKeepsWhatWasWritten(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first, err := Start(t.Context(), Options{Dir: dir})
	require.NoError(t, err)
	require.Equal(t, "on,on,rostrum", query(t, first, "SELECT current_setting('fsync') UNION ALL SELECT current_setting('full_page_writes') UNION ALL SELECT current_database()"))
	query(t, first, "CREATE TABLE kept (n int)")
	query(t, first, "INSERT INTO kept VALUES (7)")
	stop(t, first)

	second := startIn(t, dir)
	defer stop(t, second)
	require.Equal(t, "7", query(t, second, "SELECT n FROM kept"))
}

func TestTheServerOfAKilledProcessIsStoppedByTheNextStart(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	orphan := startIn(t, dir)
	query(t, orphan, "CREATE TABLE kept AS SELECT 7 AS n")
	orphan.lock.Release() // what the kernel does when the holder is killed.

	next := startIn(t, dir)
	defer stop(t, next)
	<-orphan.Done()
	require.Equal(t, "7", query(t, next, "SELECT n FROM kept"))
}

func TestAStrangersProcessNumberInThePidFileIsNoObstacle(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	stop(t, startIn(t, dir))
	stranger := exec.CommandContext(t.Context(), "sleep", "60")
	require.NoError(t, stranger.Start())
	defer func() { _ = stranger.Wait() }()
	defer func() { _ = stranger.Process.Kill() }()
	pidFile := filepath.Join(dir, "data", "postmaster.pid")
	require.NoError(t, os.WriteFile(pidFile, []byte(strconv.Itoa(stranger.Process.Pid)+"\n"), 0o600))

	s := startIn(t, dir)
	defer stop(t, s)
	require.NoError(t, stranger.Process.Signal(syscall.Signal(0)), "the stranger must live on")
}

func TestASecondCopyOnOneFolderIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := startIn(t, dir)
	defer stop(t, s)
	_, err := Start(t.Context(), Options{Dir: dir, Throwaway: true})
	require.ErrorContains(t, err, "another process already runs Postgres in "+dir)
	require.Equal(t, "1", query(t, s, "SELECT 1"))
}

func TestABusyPortIsNamed(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)

	_, err = Start(t.Context(), Options{Dir: folder(t), Port: n, Throwaway: true})
	require.ErrorContains(t, err, "port "+port)
	require.ErrorContains(t, err, "is taken")
}

func TestTheServerHasItsOwnProcessGroup(t *testing.T) {
	t.Parallel()
	s := startIn(t, folder(t))
	defer stop(t, s)
	group, err := syscall.Getpgid(s.cmd.Process.Pid)
	require.NoError(t, err)
	require.Equal(t, s.cmd.Process.Pid, group)
}

func TestThePasswordIsAskedForAndKeptPrivate(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := startIn(t, dir)
	defer stop(t, s)
	_, err := pgx.Connect(t.Context(), strings.Replace(s.URL(), s.password, "wrong", 1))
	require.ErrorContains(t, err, "28P01")
	info, err := os.Stat(filepath.Join(dir, "password"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestAHalfMadeClusterIsMadeAgain(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o700))
	s := startIn(t, dir)
	defer stop(t, s)
	require.Equal(t, "1", query(t, s, "SELECT 1"))
}

func TestALostPasswordIsSaid(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	stop(t, startIn(t, dir))
	require.NoError(t, os.Remove(filepath.Join(dir, "password")))
	_, err := Start(t.Context(), Options{Dir: dir})
	require.ErrorContains(t, err, "is gone: restore it")
}
