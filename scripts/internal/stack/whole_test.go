package stack_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/scripts/internal/driver"
	"rostrum/scripts/internal/postgres"
	"rostrum/scripts/internal/stack"
)

func startIn(t *testing.T, dir string) (*stack.Stack, *driver.Client) {
	t.Helper()
	environ := map[string]string{"DATA_DIR": dir, "ROSTRUM_PORTS": "free", "PATH": os.Getenv("PATH")}
	settings, err := stack.ReadSettings(environ)
	require.NoError(t, err)
	s, err := stack.Start(t.Context(), settings, stack.Options{
		Environ: environ, Template: "../../../template.yaml", Throwaway: true,
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

	s, client := startIn(t, dir)
	require.True(t, s.Fresh)
	require.NoError(t, s.Welcome(t.Context(), 0))
	var accounts struct{ Items []driver.Account }
	require.NoError(t, client.Get(t.Context(), "/v1/accounts", &accounts))
	require.Len(t, accounts.Items, 2)
	var written driver.Post
	require.NoError(t, client.Post(t.Context(), "/v1/posts", map[string]any{
		"account_id": accounts.Items[0].ID, "parts": []map[string]string{{"text": "It was here before."}},
	}, &written))
	s.Stop(context.WithoutCancel(t.Context()))

	again, client := startIn(t, dir)
	require.False(t, again.Fresh)
	require.NoError(t, again.Welcome(t.Context(), 1), "a second welcome does nothing")
	var read driver.Post
	require.NoError(t, client.Get(t.Context(), "/v1/posts/"+written.ID, &read))
	require.Equal(t, "It was here before.", read.Parts[0].Text)
	var generations struct{ Items []driver.Generation }
	require.NoError(t, client.Get(t.Context(), "/v1/generations?account_id="+accounts.Items[0].ID, &generations))
	require.Empty(t, generations.Items)
}
