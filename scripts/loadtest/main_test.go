package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestABenchThatDoesNotExistIsRefused(t *testing.T) {
	t.Parallel()
	c := &campaign{}
	list, err := c.chosen("b8, floor")
	require.NoError(t, err)
	require.Len(t, list, 2)
	for _, names := range []string{"B99", "B1,B99", "", ","} {
		_, err := c.chosen(names)
		require.Error(t, err, names)
	}
}

func TestAReportThatCannotBeWrittenIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	require.NoError(t, writable(""))
	require.Error(t, writable(filepath.Join(t.TempDir(), "absent", "x.json")))
	path := filepath.Join(t.TempDir(), "x.json")
	require.NoError(t, os.WriteFile(path, []byte("the last run"), 0o600))
	require.NoError(t, writable(path))
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "the last run", string(kept))
}
