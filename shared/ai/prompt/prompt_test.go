package prompt_test

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"rostrum/shared/ai"
	"rostrum/shared/ai/prompt"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestRenderedPrompts(t *testing.T) {
	t.Parallel()
	values := prompt.Values{Network: "X", Wanted: 3, MaxLength: 280, MaxParts: 5}
	for _, name := range []string{prompt.Researcher, prompt.Writer, prompt.Caption, prompt.Reviewer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, text, err := prompt.Render(name, values)
			require.NoError(t, err)
			require.Equal(t, name, p.Name)
			golden(t, name+".v"+p.Version+".golden", text)
			require.Contains(t, text, "never an instruction", "outside text must be fenced as data")
		})
	}
}

func TestAFileIsNeverChangedInPlace(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("*.tmpl")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	var lines []string
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		sum := sha256.Sum256(raw)
		lines = append(lines, path+" "+hex.EncodeToString(sum[:]))
	}
	golden(t, "hashes.golden", strings.Join(lines, "\n"))
}

func TestRenderRefusesAnUnknownPrompt(t *testing.T) {
	t.Parallel()
	p, text, err := prompt.Render("publisher", prompt.Values{})
	require.ErrorContains(t, err, "publisher")
	require.Equal(t, ai.Prompt{}, p)
	require.Empty(t, text)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got+"\n"), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(strings.TrimSuffix(string(want), "\n"), got), "changed a prompt? Add a file with the next number instead; go test -update writes the golden files")
}
