package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/store/storetest"
)

func TestADatabaseThatIsUpToDateSaysSo(t *testing.T) {
	t.Parallel()
	environment := map[string]string{"DATABASE_URL": storetest.Database(t)}
	for command, want := range map[string]string{"plan": "nothing to apply\n", "apply": "0001  20", "status": "0001  20"} {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), environment, []string{command}, &out))
		require.Contains(t, out.String(), want)
		require.NotContains(t, out.String(), "pending")
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.ErrorContains(t, run(t.Context(), nil, nil, &out), "usage: migrate plan|apply|status|logins")
	require.ErrorContains(t, run(t.Context(), nil, []string{"plan"}, &out), "DATABASE_URL is not set")
	environment := map[string]string{"DATABASE_URL": "postgres://me:hunter2@127.0.0.1:1/db"}
	require.ErrorContains(t, run(t.Context(), environment, []string{"undo"}, &out), `unknown command "undo"`)
	err := run(t.Context(), environment, []string{"apply"}, &out)
	require.Equal(t, apperr.Unavailable, apperr.KindOf(err))
	require.NotContains(t, err.Error(), "hunter2")
	require.Empty(t, out.String())
}
