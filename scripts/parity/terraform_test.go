package parity

import (
	"context"
	"crypto/rand"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"rostrum/shared/config"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

// Terraform and other plain YAML readers take template.yaml as it is, so it
// holds no "!" tags, and no bare date, which they would turn into a timestamp.
func TestTheTemplateIsPlainYAML(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(root + "/template.yaml")
	require.NoError(t, err)
	require.Empty(t, notPlain(t, raw))

	require.Equal(t, []string{"line 1: 2010-09-09 is a date without quotes"}, notPlain(t, []byte("Version: 2010-09-09")))
	require.Equal(t, []string{"line 2: !GetAtt is a tag"}, notPlain(t, []byte("A:\n  B: !GetAtt Queue.Arn")))
}

func notPlain(t *testing.T, raw []byte) []string {
	t.Helper()
	var doc yaml.Node
	require.NoError(t, yaml.Unmarshal(raw, &doc))
	var faults []string
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		switch tag := n.ShortTag(); {
		case tag == "!!timestamp":
			faults = append(faults, "line "+strconv.Itoa(n.Line)+": "+n.Value+" is a date without quotes")
		case !strings.HasPrefix(tag, "!!") && tag != "":
			faults = append(faults, "line "+strconv.Itoa(n.Line)+": "+tag+" is a tag")
		}
		for _, child := range n.Content {
			walk(child)
		}
	}
	walk(&doc)
	return faults
}

// An alarm that waits for a log line the code does not write never rings.
func TestAlarmsWaitForLinesThatTheCodeLogs(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(root + "/infra/terraform/alarms.tf")
	require.NoError(t, err)
	written := stringsInCode(t)
	patterns := regexp.MustCompile(`\$\.(\w+) = \\"([^"\\]+)\\"`).FindAllStringSubmatch(string(raw), -1)
	require.GreaterOrEqual(t, len(patterns), 7)
	for _, p := range patterns {
		field, value := p[1], p[2]
		if field != "msg" {
			require.Contains(t, written, field, "no log attribute is called %q", field)
		}
		require.Contains(t, written, value, "alarms.tf waits for %s %q, which no code writes", field, value)
	}
}

// stringsInCode are the string literals of what runs in the cloud.
func stringsInCode(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, dir := range []string{root + "/functions", root + "/shared"} {
		require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "simulator"):
				return filepath.SkipDir
			case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if s, err := strconv.Unquote(lit.Value); err == nil {
						found[s] = true
					}
				}
				return true
			})
			return nil
		}))
	}
	return found
}

func runbooks(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(root + "/infra/runbooks/*.md")
	require.NoError(t, err)
	files = slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == "README.md" })
	require.GreaterOrEqual(t, len(files), 10)
	return files
}

// That every alarm has a runbook is asserted by Terraform's own test; this is
// the other way round.
func TestEveryRunbookHasItsAlarm(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, name := range []string{"alarms.tf", "observability.tf"} {
		raw, err := os.ReadFile(root + "/infra/terraform/" + name)
		require.NoError(t, err)
		all.Write(raw)
	}
	for _, file := range runbooks(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		alarm := regexp.MustCompile(`(?m)("|/|^\s+)` + regexp.QuoteMeta(name) + `("|/|\s+=)`)
		require.Regexp(t, alarm, all.String(), "no alarm leads to %s", file)
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(raw), "# "+name+"\n"), "%s must be headed by its alarm's name", file)
		for _, section := range []string{"**Means.**", "**Users notice.**", "**Look.**", "**Do.**", "**Over** when"} {
			if name == "budget" && section == "**Over** when" {
				section = "**Over**"
			}
			require.Contains(t, string(raw), section, "%s lacks a part", file)
		}
	}
}

// At night nobody wants to learn that a column was renamed.
func TestRunbooksAskTheSchemaThatIsThere(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), storetest.Database(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) })
	blocks := regexp.MustCompile("(?s)```sql\n(.*?)```")
	asked := 0
	for _, file := range runbooks(t) {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, block := range blocks.FindAllStringSubmatch(string(raw), -1) {
			for query := range strings.SplitSeq(block[1], ";") {
				if query = strings.TrimSpace(query); query == "" {
					continue
				}
				require.True(t, strings.HasPrefix(query, "SELECT "), "%s: a runbook only reads: %s", file, query)
				_, err := conn.Exec(t.Context(), "EXPLAIN "+query)
				require.NoError(t, err, "%s: %s", file, query)
				asked++
			}
		}
	}
	require.GreaterOrEqual(t, asked, 10)
}

// The guide's SQL makes a role that owns nothing and can step down to the
// functions' roles, and to nothing else.
func TestTheGuidesLoginRoleCanDoTheFunctionsWork(t *testing.T) {
	t.Parallel()
	address := storetest.Database(t)
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) })
	guide, err := os.ReadFile(root + "/infra/deploy.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```sql\n(.*?)```").FindStringSubmatch(string(guide))
	require.Len(t, block, 2)
	// Roles are the cluster's, which other tests share.
	role := "login_" + strings.ToLower(rand.Text())
	_, err = conn.Exec(t.Context(), strings.NewReplacer("rostrum_login", role, "…", "opaque").Replace(block[1]))
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := conn.Exec(context.WithoutCancel(t.Context()), "DROP ROLE "+role)
		require.NoError(t, err)
	})

	login, err := url.Parse(address)
	require.NoError(t, err)
	login.User = url.UserPassword(role, "opaque")
	for _, step := range []string{store.RoleAPI, store.RoleWorker} {
		db, err := store.Open(t.Context(), store.Config{URL: config.Secret(login.String()), Role: step, MaxConns: 1})
		require.NoError(t, err)
		require.NoError(t, db.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Now(ctx)
			return err
		}))
		db.Close()
	}
	alone, err := pgx.Connect(t.Context(), login.String())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, alone.Close(context.WithoutCancel(t.Context()))) })
	_, err = alone.Exec(t.Context(), "SELECT count(*) FROM posts")
	require.ErrorContains(t, err, "permission denied", "without stepping down it sees nothing")
}

// A link to a file or heading that is gone helps nobody.
func TestLinksOfTheOperationsPagesLead(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]*)(#[^)]*)?\)`)
	require.NoError(t, filepath.WalkDir(root+"/infra", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".md") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(string(raw), -1) {
			target := path
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(path), m[1])
			}
			there, err := os.ReadFile(target)
			require.NoError(t, err, "%s links to %s", path, m[0])
			if m[2] != "" {
				require.Contains(t, headings(string(there)), m[2], "%s links to %s", path, m[0])
			}
		}
		return nil
	}))
}

// headings are the anchors that Markdown makes of headings.
func headings(text string) []string {
	var anchors []string
	for line := range strings.Lines(text) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			title = strings.ToLower(strings.TrimSpace(title))
			title = regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(title, "")
			anchors = append(anchors, "#"+strings.ReplaceAll(title, " ", "-"))
		}
	}
	return anchors
}

// A workflow that calls for a target that is gone fails when it is needed most.
func TestWorkflowsMakeWhatTheMakefileHas(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(root + "/Makefile")
	require.NoError(t, err)
	files, err := filepath.Glob(root + "/.github/workflows/*.yml")
	require.NoError(t, err)
	require.Len(t, files, 4)
	calls := regexp.MustCompile("(?m)(?:run: |^ +|&& )make ([a-z/]+)")
	for _, file := range append(files, root+"/infra/deploy.md", root+"/infra/release.md") {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, call := range calls.FindAllStringSubmatch(string(raw), -1) {
			require.Regexp(t, `(?m)^`+call[1]+`:`, string(makefile), "%s calls make %s", file, call[1])
		}
	}
}

// Whoever can move a tag of an action can run code in a release, so each is
// pinned to an exact version at least.
func TestActionsAreNamedByAnExactVersion(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(root + "/.github/workflows/*.yml")
	require.NoError(t, err)
	exact := regexp.MustCompile(`@(v\d+\.\d+\.\d+|[0-9a-f]{40} # v\d+\.\d+\.\d+)$`)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		uses := regexp.MustCompile(`uses: (.+)`).FindAllStringSubmatch(string(raw), -1)
		require.NotEmpty(t, uses, file)
		for _, use := range uses {
			require.Regexp(t, exact, use[1], file)
		}
	}
}
