package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"rostrum/shared/audit"
	"rostrum/shared/clock"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/workflow/sealing"
)

func printed(t *testing.T, environment map[string]string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), environment, args, &out))
	return strings.TrimSpace(out.String())
}

func TestAKeyThatWasMadeHasAPublicHalf(t *testing.T) {
	t.Parallel()
	key := printed(t, nil, "key")
	require.NotEqual(t, key, printed(t, nil, "key"))
	public := printed(t, map[string]string{"AUDIT_KEY": key}, "public")
	read, err := audit.ParseKey(key)
	require.NoError(t, err)
	require.Equal(t, read.Public().String(), public)
}

func TestVerifyTellsAWholeLogFromAChangedOne(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	w.Scheduled(t, 0, "hello")
	require.NoError(t, w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
		return tx.Record(ctx, audit.Event{Actor: w.Person, Action: "post.approved", SubjectKind: "post"})
	}))
	text := printed(t, nil, "key")
	key, err := audit.ParseKey(text)
	require.NoError(t, err)
	heads := filepath.Join(t.TempDir(), "log")
	sealer := &sealing.Service{
		Store: w.Worker, Key: &key, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler),
		Keep: func(_ context.Context, line string) error {
			logged, err := json.Marshal(map[string]string{"msg": "audit head", "audit_head": line})
			require.NoError(t, err)
			return os.WriteFile(heads, append([]byte("{\"msg\":\"another line\"}\n"), append(logged, '\n')...), 0o600)
		},
	}
	require.NoError(t, sealer.Seal(t.Context()))
	environment := map[string]string{"DATABASE_URL": w.URL.Reveal(), "AUDIT_PUBLIC_KEYS": key.Public().String()}
	require.Contains(t, printed(t, environment, "verify", heads), "1 signed heads")
	require.Contains(t, printed(t, environment, "verify", heads), "nothing was changed")
	require.Contains(t, printed(t, environment, "verify"), "no signed heads were given")

	raw, err := os.ReadFile(heads)
	require.NoError(t, err)
	forged := filepath.Join(t.TempDir(), "forged")
	require.NoError(t, os.WriteFile(forged, bytes.Replace(raw, []byte(`\"sequence\":`), []byte(`\"sequence\":1`), 1), 0o600))
	var out bytes.Buffer
	require.ErrorIs(t, run(t.Context(), environment, []string{"verify", forged}, &out), errBroken)
	require.Contains(t, out.String(), "FORGED   "+forged+" line 2")

	conn, err := pgx.Connect(t.Context(), w.URL.Reveal())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	_, err = conn.Exec(t.Context(), "SET session_replication_role = replica")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "UPDATE audit_events SET actor_name = 'Eve'")
	require.NoError(t, err)
	out.Reset()
	require.ErrorIs(t, run(t.Context(), environment, []string{"verify", heads}, &out), errBroken)
	require.Contains(t, out.String(), "CHANGED  event 1 (")
	require.Contains(t, out.String(), "NOT as they were written")
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.ErrorContains(t, run(t.Context(), nil, nil, &out), "usage: audit verify")
	nowhere := map[string]string{"DATA_DIR": t.TempDir()}
	require.ErrorContains(t, run(t.Context(), nowhere, []string{"verify"}, &out), "start make run, or set DATABASE_URL")
	away := map[string]string{"DATABASE_URL": "postgres://me:hunter2@127.0.0.1:1/db"}
	err := run(t.Context(), away, []string{"verify"}, &out)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
	require.ErrorContains(t, run(t.Context(), away, []string{"verify", "heads"}, &out), "without a key")
	require.ErrorContains(t, run(t.Context(), nil, []string{"undo"}, &out), `unknown command "undo"`)
}
