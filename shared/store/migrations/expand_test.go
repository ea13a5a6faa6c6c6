package migrations

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// narrowing are statements after which code of the release before breaks. A
// migration may hold one when nothing has used the thing for a release: then
// the statement's line ends with "-- contracts: why".
func narrowing() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"drops what old code may use":                  regexp.MustCompile(`(?i)\bDROP\s+(TABLE|COLUMN|VIEW|TYPE|SCHEMA)\b`),
		"renames what old code calls by its name":      regexp.MustCompile(`(?i)\bRENAME\b`),
		"changes a type under old code":                regexp.MustCompile(`(?i)\bALTER\s+(COLUMN\s+)?\w+\s+(SET\s+DATA\s+)?TYPE\b`),
		"demands a value that old code does not write": regexp.MustCompile(`(?i)\bSET\s+NOT\s+NULL\b`),
		"takes a default away":                         regexp.MustCompile(`(?i)\bDROP\s+DEFAULT\b`),
	}
}

// faults are the statements of a migration that narrow. A new column must have
// a default, or take null.
func faults(sql string) []string {
	var out []string
	up, _, _ := strings.Cut(sql, "-- +goose Down")
	column := regexp.MustCompile(`(?i)\bADD\s+COLUMN\b.*\bNOT\s+NULL\b`)
	for i, line := range strings.Split(up, "\n") {
		statement, comment, _ := strings.Cut(line, "--")
		if strings.Contains(comment, "contracts: ") {
			continue
		}
		for why, pattern := range narrowing() {
			if pattern.MatchString(statement) {
				out = append(out, fmt.Sprintf("line %d %s: %s", i+1, why, strings.TrimSpace(line)))
			}
		}
		if column.MatchString(statement) && !strings.Contains(strings.ToUpper(statement), "DEFAULT") {
			out = append(out, fmt.Sprintf("line %d demands a value that old code does not write: %s", i+1, strings.TrimSpace(line)))
		}
	}
	return out
}

// Old code runs on the new schema, since a schema is migrated before the code
// is replaced, and stays when the code is rolled back.
func TestMigrationsOnlyWiden(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(files, "*.sql")
	require.NoError(t, err)
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		require.Empty(t, faults(string(raw)), name)
	}
}

func TestPlantedNarrowingIsFound(t *testing.T) {
	t.Parallel()
	for _, planted := range []string{
		"ALTER TABLE posts DROP COLUMN title;", "drop table posts;", "ALTER TABLE posts RENAME COLUMN a TO b;", "ALTER TABLE posts RENAME TO tweets;",
		"ALTER TABLE posts ALTER COLUMN n TYPE bigint;", "ALTER TABLE posts ALTER n SET DATA TYPE bigint;", "ALTER TABLE posts ALTER COLUMN n SET NOT NULL;",
		"ALTER TABLE posts ADD COLUMN n bigint NOT NULL;", "ALTER TABLE posts ALTER COLUMN n DROP DEFAULT;",
	} {
		require.Len(t, faults(planted), 1, planted)
	}
	for _, sound := range []string{
		"ALTER TABLE posts ADD COLUMN n bigint;", "ALTER TABLE posts ADD COLUMN n bigint NOT NULL DEFAULT 0;", "CREATE TYPE mood AS ENUM ('glad');",
		"-- we never DROP TABLE here", "DROP TABLE old; -- contracts: unused since 0.4", "CREATE INDEX i ON posts (n);\n-- +goose Down\nDROP TABLE posts;",
	} {
		require.Empty(t, faults(sound), sound)
	}
}
