package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/config"
	"rostrum/shared/vault"
)

func TestRotatedKeysetsOpenWhatWasSealedBefore(t *testing.T) {
	t.Parallel()
	var first, second bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"new"}, nil, &first))
	require.NoError(t, run(t.Context(), []string{"rotate"}, bytes.NewReader(first.Bytes()), &second))
	require.NotEqual(t, first.String(), second.String())

	field := vault.Field{WorkspaceID: uuid.New(), Name: "access", Version: 1}
	sealed, err := tokens(t, first.String()).Seal(t.Context(), field, "tok-1")
	require.NoError(t, err)
	opened, err := tokens(t, second.String()).Unseal(t.Context(), field, sealed)
	require.NoError(t, err)
	require.Equal(t, "tok-1", opened.Reveal())

	sealed, err = tokens(t, second.String()).Seal(t.Context(), field, "tok-2")
	require.NoError(t, err)
	_, err = tokens(t, first.String()).Unseal(t.Context(), field, sealed)
	require.Error(t, err, "what the new key sealed must not open under the old keyset alone")
}

func TestAKeysetIsNeverWrittenOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keyset.json")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"ensure", path}, nil, &out))
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	tokens(t, string(first))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.NoError(t, run(t.Context(), []string{"ensure", path}, nil, &out))
	second, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(first), string(second))

	require.NoError(t, os.WriteFile(path, []byte("damaged"), 0o600))
	require.ErrorContains(t, run(t.Context(), []string{"ensure", path}, nil, &out), "cannot be used")
}

func tokens(t *testing.T, text string) *vault.Vault {
	t.Helper()
	keys, err := vault.Parse(config.Secret(strings.TrimSpace(text)))
	require.NoError(t, err)
	v, err := keys.Tokens()
	require.NoError(t, err)
	return v
}

func TestWhatIsNoKeysetIsRefusedWithoutShowingIt(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), []string{"rotate"}, strings.NewReader("hunter2"), &out)
	require.ErrorContains(t, err, "does not hold the two keysets")
	require.NotContains(t, err.Error(), "hunter2")
	require.Empty(t, out.String())
	require.ErrorContains(t, run(t.Context(), []string{"make"}, nil, &out), `unknown command "make"`)
	require.ErrorContains(t, run(t.Context(), nil, nil, &out), "usage")
}

func TestTheAPIsPartSealsForTheWhole(t *testing.T) {
	t.Parallel()
	var all, part bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"new"}, nil, &all))
	require.NoError(t, run(t.Context(), []string{"api"}, bytes.NewReader(all.Bytes()), &part))
	keys, err := vault.Parse(config.Secret(strings.TrimSpace(part.String())))
	require.NoError(t, err)
	_, err = keys.Tokens()
	require.ErrorContains(t, err, "can seal tokens but not open them")
	sealer, err := keys.TokenSealer()
	require.NoError(t, err)
	field := vault.Field{WorkspaceID: uuid.New(), Name: "access", Version: 1}
	sealed, err := sealer.Seal(t.Context(), field, "tok-1")
	require.NoError(t, err)
	opened, err := tokens(t, all.String()).Unseal(t.Context(), field, sealed)
	require.NoError(t, err)
	require.Equal(t, "tok-1", opened.Reveal())

	var same bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"open"}, bytes.NewReader(all.Bytes()), &same))
	tokens(t, same.String())
}
