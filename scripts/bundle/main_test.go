package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func build(t *testing.T, content string, when time.Time) string {
	t.Helper()
	dir := t.TempDir()
	for _, place := range []string{"arm64/publish", "x86_64/publish", "arm64/api"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, place), 0o700))
		path := filepath.Join(dir, place, "bootstrap")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		require.NoError(t, os.Chtimes(path, when, when))
	}
	return dir
}

func TestZipsHoldAnExecutableBootstrap(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	names, err := run(build(t, "\x7fELF…", time.Unix(1e9, 0)), out)
	require.NoError(t, err)
	require.Equal(t, []string{"api-arm64.zip", "publish-arm64.zip", "publish-x86_64.zip", "SHA256SUMS"}, names)
	r, err := zip.OpenReader(filepath.Join(out, "publish-arm64.zip"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	require.Len(t, r.File, 1)
	require.Equal(t, "bootstrap", r.File[0].Name)
	require.Equal(t, os.FileMode(0o755), r.File[0].Mode().Perm())
	sums, err := os.ReadFile(filepath.Join(out, "SHA256SUMS"))
	require.NoError(t, err)
	require.Equal(t, 3, strings.Count(string(sums), "\n"))
}

func TestTheSameBinaryGivesTheSameZip(t *testing.T) {
	t.Parallel()
	var sums [2]string
	for i, when := range []time.Time{time.Unix(1e9, 0), time.Unix(17e8, 0)} {
		out := t.TempDir()
		_, err := run(build(t, "\x7fELF…", when), out)
		require.NoError(t, err)
		raw, err := os.ReadFile(filepath.Join(out, "SHA256SUMS"))
		require.NoError(t, err)
		sums[i] = string(raw)
	}
	require.Equal(t, sums[0], sums[1])
}

func TestWhatLambdaCannotRunIsRefused(t *testing.T) {
	t.Parallel()
	_, err := run(build(t, "#!/bin/sh", time.Unix(1e9, 0)), t.TempDir())
	require.ErrorContains(t, err, "is not a Linux program")
	_, err = run(t.TempDir(), t.TempDir())
	require.ErrorContains(t, err, "run make build")
}
