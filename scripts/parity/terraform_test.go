package parity

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
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

	"rostrum/shared/store/storetest"
	"rostrum/shared/telemetry"
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

// What is measured is graphed or rung for under its own name, and nothing else
// is listened to.
func TestTerraformKnowsTheMetricsThatTheCodeWrites(t *testing.T) {
	t.Parallel()
	terraform := read(t, "/infra/terraform/alarms.tf") + read(t, "/infra/terraform/observability.tf")
	list := regexp.MustCompile(`(?s)measures = \{ for name in \[(.*?)\]`).FindStringSubmatch(terraform)
	require.Len(t, list, 2)
	var known, measured []string
	for _, m := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(list[1], -1) {
		known = append(known, m[1])
	}
	for _, m := range telemetry.Metrics() {
		measured = append(measured, string(m))
	}
	require.ElementsMatch(t, measured, known)
	shown := map[string]string{}
	for _, m := range regexp.MustCompile(`local\.(?:measures\.|by_value\[")(\w+)`).FindAllStringSubmatch(terraform, -1) {
		shown[m[1]] = ""
	}
	for _, m := range regexp.MustCompile(`(\w+) = "(network|outcome|queue|agent)"`).FindAllStringSubmatch(terraform, -1) {
		require.Equal(t, telemetry.Metric(m[1]).Dimension(), m[2], m[1])
	}
	require.ElementsMatch(t, measured, slices.Collect(maps.Keys(shown)), "a metric that nobody sees costs all the same")
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

// Who searches the log for a line that no code writes finds it quiet and goes on.
func TestRunbooksSearchForLinesThatTheCodeLogs(t *testing.T) {
	t.Parallel()
	written := stringsInCode(t)
	searched := 0
	for _, file := range runbooks(t) {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\$\.msg = "([^"]+)"`).FindAllStringSubmatch(string(raw), -1) {
			require.Contains(t, written, m[1], "%s searches for what no code writes", file)
			searched++
		}
	}
	require.GreaterOrEqual(t, searched, 7)
}

// The tokens that an older release gives up lie where a newer one left them.
func TestTheRunbookPutsKeptTokensBackWhereTheyWereLeft(t *testing.T) {
	t.Parallel()
	handlers, err := filepath.Glob(root + "/functions/*/*.go")
	require.NoError(t, err)
	var takers []string
	for _, file := range handlers {
		if strings.Contains(read(t, strings.TrimPrefix(file, root)), "queue.KeepTokens:") {
			takers = append(takers, filepath.Base(filepath.Dir(file)))
		}
	}
	require.NotEmpty(t, takers)
	_, text, found := strings.Cut(read(t, "/infra/runbooks/dead-letter-queue.md"), "**After a rollback.**")
	require.True(t, found)
	loops := regexp.MustCompile("for q in ([a-z ]+)[;`]").FindAllStringSubmatch(text, -1)
	require.Len(t, loops, 2, "one looks before, one puts back")
	for _, loop := range loops {
		require.ElementsMatch(t, takers, strings.Fields(loop[1]))
	}
}

// A guide that names what is not there stops its reader half-way.
func TestTheGuideNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	guide := read(t, "/infra/deploy.md") + read(t, "/infra/release.md") + read(t, "/.github/workflows/deploy.yml")
	var terraform strings.Builder
	for _, pattern := range []string{"/infra/terraform/*.tf", "/infra/terraform/bootstrap/*.tf"} {
		files, err := filepath.Glob(root + pattern)
		require.NoError(t, err)
		for _, file := range files {
			terraform.WriteString(read(t, strings.TrimPrefix(file, root)))
		}
	}
	tpl, err := readTemplate()
	require.NoError(t, err)
	secrets := map[string]bool{}
	for name, p := range tpl.Parameters {
		if p.NoEcho {
			secrets[strings.ReplaceAll(strings.ToLower(capitals(name)), "_", "-")] = true
		}
	}
	named := func(pattern string) []string {
		var all []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(guide, -1) {
			all = append(all, m[1])
		}
		require.NotEmpty(t, all, pattern)
		return all
	}
	for _, output := range named("terraform (?:-chdir=\\S+ )?output (?:-raw )?(\\w+)") {
		require.Contains(t, terraform.String(), "output \""+output+"\" {")
	}
	for _, variable := range named(`-var '?(\w+)=`) {
		require.Contains(t, terraform.String(), "variable \""+variable+"\" {")
	}
	for _, secret := range named("put rostrum-dev/([a-z-]+)") {
		require.True(t, secrets[secret], "template.yaml has no secret %s", secret)
	}
	for _, setting := range named(`(?m)^  ([A-Z]\w+) += "`) {
		require.Contains(t, tpl.Parameters, setting)
	}
	migrate := read(t, "/scripts/migrate/main.go")
	for _, command := range named("make migrate DO=(\\w+)") {
		require.Contains(t, migrate, `case "`+command+`":`)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(root + path)
	require.NoError(t, err)
	return string(raw)
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
