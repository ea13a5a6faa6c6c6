package parity

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// update is set by make generate, after it has generated.
var update = flag.Bool("update", false, "write the checksums of generated code and its sources")

// fingerprints hashes each file by its path below root.
func fingerprints(t *testing.T, patterns ...string) string {
	t.Helper()
	var lines []string
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			name, err := filepath.Rel(root, file)
			require.NoError(t, err)
			sum := sha256.Sum256(raw)
			lines = append(lines, fmt.Sprintf("%s  %s\n", hex.EncodeToString(sum[:]), filepath.ToSlash(name)))
		}
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[64:], b[64:]) })
	return strings.Join(lines, "")
}

// Building sqlc takes minutes and a C compiler, so an ordinary run only sees
// whether sources or output were changed since make generate; make verify
// generates anew.
func TestGeneratedCodeIsThatOfItsSources(t *testing.T) {
	t.Parallel()
	for name, patterns := range map[string][]string{
		"shared/store/sqlc.sum": {
			"shared/store/sqlc.yaml", "shared/store/queries/*.sql", "shared/store/migrations/*.sql", "shared/store/internal/dbsqlc/*.go",
		},
		"functions/api/openapi.sum": {"functions/api/openapi.json", "functions/api/dashboard/src/api/schema.gen.ts"},
	} {
		now := fingerprints(t, patterns...)
		file := filepath.Join(root, name)
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(now), 0o644))
			continue
		}
		kept, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(kept), now, "generated code or its sources have changed: run make generate and commit what it changes")
	}
}
