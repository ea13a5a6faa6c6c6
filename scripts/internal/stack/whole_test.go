package stack_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/scripts/internal/driver"
	"rostrum/scripts/internal/postgres"
	"rostrum/scripts/internal/stack"
)

func startIn(t *testing.T, dir string, throwaway bool) (*stack.Stack, *driver.Client) {
	t.Helper()
	environ := map[string]string{"DATA_DIR": dir, "ROSTRUM_PORTS": "free", "PATH": os.Getenv("PATH")}
	settings, err := stack.ReadSettings(environ)
	require.NoError(t, err)
	s, err := stack.Start(t.Context(), settings, stack.Options{
		Environ: environ, Template: "../../../template.yaml", Throwaway: throwaway,
		Progress: func(step string) { t.Log(step) },
	})
	require.NoError(t, err)
	t.Cleanup(func() { s.Stop(context.WithoutCancel(t.Context())) })
	client := driver.New(s.URL)
	t.Cleanup(client.Close)
	require.NoError(t, client.SignIn(t.Context(), stack.DemoEmail, stack.DemoPassword))
	return s, client
}

func TestAStoppedStackStartsAgainWithEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	t.Cleanup(func() { _ = postgres.Remove(context.WithoutCancel(t.Context()), filepath.Join(dir, "postgres")) })

	s, client := startIn(t, dir, true)
	require.True(t, s.Fresh)
	require.NoError(t, s.Welcome(t.Context(), 0))
	var accounts struct{ Items []driver.Account }
	require.NoError(t, client.Get(t.Context(), "/v1/accounts", &accounts))
	require.Len(t, accounts.Items, 3, "two on X, one on Instagram")
	var written driver.Post
	require.NoError(t, client.Post(t.Context(), "/v1/posts", map[string]any{
		"account_id": accounts.Items[0].ID, "parts": []map[string]string{{"text": "It was here before."}},
	}, &written))
	s.Stop(context.WithoutCancel(t.Context()))

	again, client := startIn(t, dir, true)
	require.False(t, again.Fresh)
	require.NoError(t, again.Welcome(t.Context(), 1), "a second welcome does nothing")
	var read driver.Post
	require.NoError(t, client.Get(t.Context(), "/v1/posts/"+written.ID, &read))
	require.Equal(t, "It was here before.", read.Parts[0].Text)
	var sources struct{ Items []struct{ Title string } }
	require.NoError(t, client.Get(t.Context(), "/v1/accounts/"+accounts.Items[0].ID+"/sources", &sources))
	require.Len(t, sources.Items, 2)
}

func TestPostgresThatDiesComesBackUnderTheRunningFunctions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	t.Cleanup(func() { _ = postgres.Remove(context.WithoutCancel(t.Context()), filepath.Join(dir, "postgres")) })
	// A crash is to lose nothing, so this one is durable.
	s, client := startIn(t, dir, false)

	raw, err := os.ReadFile(filepath.Join(dir, "postgres", "data", "postmaster.pid"))
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(first)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))

	require.Eventually(t, func() bool {
		select {
		case err := <-s.Failed():
			t.Error(err)
		default:
		}
		var accounts struct{ Items []driver.Account }
		err := client.Get(t.Context(), "/v1/accounts", &accounts)
		return err == nil && len(accounts.Items) == 3
	}, 30*time.Second, 50*time.Millisecond)
}
