package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestTheCommandHasADatabaseAndItsExitCodePasses(t *testing.T) {
	t.Parallel()
	told := filepath.Join(t.TempDir(), "url")
	code, err := runCommand(t.Context(), []string{"sh", "-c", "echo $" + urlSetting + " > " + told + "; exit 3"})
	require.NoError(t, err)
	require.Equal(t, 3, code)
	raw, err := os.ReadFile(told)
	require.NoError(t, err)
	url := strings.TrimSpace(string(raw))
	require.Contains(t, url, "postgres://")
	_, err = pgx.Connect(t.Context(), url)
	require.Error(t, err, "the server must end with the command")
}

func TestASignaledCommandsCodeIsTheShells(t *testing.T) {
	t.Parallel()
	code, err := supervise(t.Context(), []string{"sh", "-c", "kill -TERM $$"}, "", nil)
	require.NoError(t, err)
	require.Equal(t, 143, code)
}

func TestAnUnknownCommandIsSaid(t *testing.T) {
	t.Parallel()
	code, err := supervise(t.Context(), []string{"no-such-program"}, "", nil)
	require.Equal(t, 127, code)
	require.ErrorContains(t, err, "no-such-program could not be started")
}

// This test moves TMPDIR so as not to meet the developer's shared server, and
// so cannot run beside others.
func TestTheSharedServerEndsWhenUnused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	t.Setenv("TMPDIR", dir)
	p, err := place()
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- serveShared(t.Context(), 200*time.Millisecond, 20*time.Millisecond) }()
	require.Eventually(t, func() bool { return p.url(t.Context()) != "" }, 20*time.Second, 10*time.Millisecond)

	// A session that stays open keeps the server.
	conn, err := pgx.Connect(t.Context(), p.url(t.Context()))
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, printShared(t.Context(), &out))
	require.Contains(t, out.String(), "postgres://")
	select {
	case err := <-ended:
		t.Fatalf("ended under an open session: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	require.NoError(t, conn.Close(context.WithoutCancel(t.Context())))
	require.NoError(t, <-ended)
	require.Empty(t, p.url(t.Context()))
	require.NoFileExists(t, p.urlFile())
}
