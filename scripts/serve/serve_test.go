package main

import (
	"context"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/simulator/sqs"
	"rostrum/shared/store/storetest"
	"rostrum/shared/vault"
)

// environment is a whole one, with its own database, queues and free port.
func environment(t *testing.T) map[string]string {
	t.Helper()
	queues := sqs.New(time.Now)
	server := httptest.NewServer(queues)
	t.Cleanup(func() {
		queues.Close()
		server.Close()
	})
	keys, err := vault.Generate()
	require.NoError(t, err)
	keyset, err := keys.Marshal()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "keyset")
	require.NoError(t, os.WriteFile(path, []byte(keyset.Reveal()+"\n"), 0o600))
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return map[string]string{
		"LISTEN": l.Addr().String(), "TEMPLATE": "../../template.yaml", "START_PATIENCE": "2s", "STOP_GRACE": "5s", "LOG_LEVEL": "error",
		"DATABASE_URL": storetest.Database(t), "AWS_ENDPOINT_URL_SQS": server.URL, "VAULT_KEYSET_FILE": path,
		"PUBLIC_URL": "http://localhost", "X_CLIENT_ID": "app", "OPENAI_API_KEY": "key",
	}
}

func TestAllFunctionsServeUntilTheyAreTold(t *testing.T) {
	t.Parallel()
	env := environment(t)
	listen := env["LISTEN"] // run owns env from here on.
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, nil, env) }()
	require.Eventually(t, func() bool { return ready(t.Context(), listen) == nil }, 20*time.Second, 50*time.Millisecond)
	stop()
	require.NoError(t, <-ended)
	require.Error(t, run(t.Context(), []string{"-check"}, map[string]string{"LISTEN": listen}))
}

func TestWhatIsWrongIsSaidInASentence(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args   []string
		change func(map[string]string)
		want   string
	}{
		"NoDatabaseYet":   {change: func(e map[string]string) { e["DATABASE_URL"] = "postgres://a:b@127.0.0.1:1/c" }, want: "the database (DATABASE_URL) did not answer within 2s"},
		"NoQueuesYet":     {change: func(e map[string]string) { e["AWS_ENDPOINT_URL_SQS"] = "http://127.0.0.1:1" }, want: "the queues (AWS_ENDPOINT_URL_SQS) did not answer within 2s"},
		"NotADatabase":    {change: func(e map[string]string) { e["DATABASE_URL"] = "mysql://x" }, want: "DATABASE_URL is not a Postgres address"},
		"UnknownFunction": {args: []string{"-functions", "api,send"}, want: `no function "send"`},
		"MissingFile":     {change: func(e map[string]string) { e["VAULT_KEYSET_FILE"] = "/nowhere" }, want: "VAULT_KEYSET_FILE cannot be read"},
		"BothGiven":       {change: func(e map[string]string) { e["VAULT_KEYSET"] = "also" }, want: "VAULT_KEYSET and VAULT_KEYSET_FILE are both set"},
		"BadSetting":      {change: func(e map[string]string) { delete(e, "VAULT_KEYSET_FILE") }, want: "VAULT_KEYSET"},
		"BadAddress":      {change: func(e map[string]string) { e["LISTEN"] = "nowhere" }, want: "LISTEN is nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := environment(t)
			if tc.change != nil {
				tc.change(env)
			}
			require.ErrorContains(t, run(t.Context(), tc.args, env), tc.want)
		})
	}
}

func TestASecretInAFileIsCutToItsText(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "url")
	require.NoError(t, os.WriteFile(path, []byte(" postgres://x \n"), 0o600))
	env := map[string]string{"DATABASE_URL_FILE": path}
	require.NoError(t, readFiles(env))
	require.Equal(t, "postgres://x", env["DATABASE_URL"])
}
