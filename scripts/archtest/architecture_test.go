package archtest

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// tree is the module's packages, read once.
var tree = sync.OnceValues(func() ([]unit, error) { return load(context.Background(), root) })

func functionNames(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(root, "functions", "*", "lambda"))
	require.NoError(t, err)
	var names []string
	for _, dir := range dirs {
		names = append(names, filepath.Base(filepath.Dir(dir)))
	}
	require.NotEmpty(t, names)
	return names
}

func TestTheTreeKeepsItsRules(t *testing.T) {
	t.Parallel()
	units, err := tree()
	require.NoError(t, err)
	require.Greater(t, len(units), 10)
	for _, v := range check(units, append(rules(), functionRules(functionNames(t))...)) {
		t.Error(v)
	}
}

// The rules above look at packages; this looks at what is linked into the five
// programs that ship.
func TestProductionBinariesHoldNoSimulator(t *testing.T) {
	t.Parallel()
	units, err := tree()
	require.NoError(t, err)
	seen := 0
	for _, u := range units {
		if !match("functions/*/lambda", u.path) {
			continue
		}
		seen++
		for _, dep := range u.deps {
			if matchAny(append(simulators(), "scripts/...", "testing", "github.com/stretchr/..."), dep) {
				t.Errorf("%s links %s", u.path, dep)
			}
		}
	}
	require.Positive(t, seen)
}

// The points at which the fault suite kills a sender are empty in what ships:
// the build without the tag holds no file that could read a setting or signal.
func TestKillPointsAreEmptyInProduction(t *testing.T) {
	t.Parallel()
	units, err := tree()
	require.NoError(t, err)
	for _, u := range units {
		if u.path != "shared/killpoint" {
			continue
		}
		require.Len(t, u.files, 2)
		for name, imports := range u.files {
			require.NotContains(t, name, "fault")
			require.Empty(t, slices.DeleteFunc(imports, func(p string) bool { return p == "context" }), name)
		}
		return
	}
	t.Fatal("shared/killpoint is gone")
}

func TestNamesSayWhatIsInside(t *testing.T) {
	t.Parallel()
	files, err := sources(root, ".go", ".ts", ".tsx")
	require.NoError(t, err)
	for _, file := range files {
		rel, err := filepath.Rel(root, file)
		require.NoError(t, err)
		for element := range strings.SplitSeq(filepath.ToSlash(rel), "/") {
			if isBucket(element) {
				t.Errorf("R8 names: %s: %q says nothing about what is inside", rel, element)
			}
		}
	}
}

// habit is a text that must not stand in some files.
type habit struct {
	// words are those of which a line has at least one before it is worth the
	// pattern, which is slow; in lower case.
	words   []string
	pattern *regexp.Regexp
	in      func(file string) bool
	why     string
}

func habits() []habit {
	isTest := func(f string) bool { return strings.HasSuffix(f, "_test.go") }
	anywhere := func(f string) bool { return filepath.Base(f) != "architecture_test.go" }
	return []habit{
		{[]string{"implemented", "simplified"}, regexp.MustCompile(`(?i)\b(not implemented|unimplemented|simplified for now)\b`), anywhere, "what is unfinished is absent"},
		{[]string{"todo", "fixme", "xxx"}, regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`), anywhere, "what is unfinished is absent"},
		{[]string{"sleep"}, regexp.MustCompile(`\btime\.Sleep\(`), func(f string) bool { return isTest(f) && anywhere(f) }, "tests wait for a condition, not for a time"},
		{[]string{"skip", "only"}, regexp.MustCompile(`\bt\.Skip(f|Now)?\(|\b(it|test|describe)\.(skip|only)\(`), anywhere, "a test that is skipped protects nothing"},
		{[]string{"failed to", "error while", "unable to"}, regexp.MustCompile(`"(failed to|error while|unable to) `), func(f string) bool { return strings.HasSuffix(f, ".go") && anywhere(f) }, "an error says what was being done, once per floor"},
	}
}

func faults(all []habit, file, text string) []string {
	var out []string
	// Inside a synctest bubble time is not the machine's, and sleeping is how it passes.
	ownTime := strings.Contains(text, `"testing/synctest"`)
	for i, line := range strings.Split(text, "\n") {
		lower := strings.ToLower(line)
		for _, h := range all {
			if ownTime && strings.HasPrefix(line, "\t") && strings.Contains(line, "time.Sleep(") {
				continue
			}
			if h.in(file) && slices.ContainsFunc(h.words, func(w string) bool { return strings.Contains(lower, w) }) && h.pattern.MatchString(line) {
				out = append(out, strings.TrimSpace(line)+" (line "+strconv.Itoa(i+1)+"): "+h.why)
			}
		}
	}
	return out
}

func TestSourcesKeepTheHabits(t *testing.T) {
	t.Parallel()
	files, err := sources(root, ".go", ".ts", ".tsx")
	require.NoError(t, err)
	all := habits()
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, fault := range faults(all, file, string(raw)) {
			t.Errorf("%s: %s", file, fault)
		}
	}
}

func TestPlantedHabitsAreFound(t *testing.T) {
	t.Parallel()
	for _, planted := range []string{
		"// TODO later", "return errors.New(\"not implemented\")", "time.Sleep(time.Second)", "t.Skip()", "it.only('x')", "\"failed to open\"",
	} {
		require.Len(t, faults(habits(), "x_test.go", planted), 1, planted)
	}
	require.Empty(t, faults(habits(), "x.go", "time.Sleep(d)"))
	require.Empty(t, faults(habits(), "x_test.go", "\t\"testing/synctest\"\n\ttime.Sleep(d)"))
}

func TestPlantedViolationsAreFound(t *testing.T) {
	t.Parallel()
	all := append(rules(), functionRules([]string{"api", "publish"})...)
	for name, tc := range map[string]struct {
		from, file, imports string
		transitive          bool
		want                string
	}{
		"DomainUsesStore":            {from: "shared/post", imports: "shared/store", transitive: true, want: "R1 domain"},
		"DomainUsesSQL":              {from: "shared/post", imports: "github.com/jackc/pgx/v5", transitive: true, want: "R1 domain"},
		"DomainUsesHTTP":             {from: "shared/account", imports: "net/http", want: "R1 domain"},
		"StoreUsesQueue":             {from: "shared/store", imports: "shared/queue", transitive: true, want: "R2 store"},
		"PlatformUsesStore":          {from: "shared/platform/x", imports: "shared/store", transitive: true, want: "R3 adapters"},
		"QueueUsesPlatform":          {from: "shared/queue/sqsqueue", imports: "shared/platform", transitive: true, want: "R3 adapters"},
		"WorkflowUsesConcretePort":   {from: "shared/workflow/publishing", imports: "shared/platform/x", want: "R4 workflows"},
		"SenderKeepsReads":           {from: "functions/publish", imports: "shared/cache", transitive: true, want: "R4 kept reads"},
		"WorkflowUsesWorkflow":       {from: "shared/workflow/publishing", imports: "shared/workflow/drafting", want: "R4 workflows"},
		"SharedUsesFunction":         {from: "shared/host", imports: "functions/api", transitive: true, want: "R4 floors"},
		"FunctionUsesFunction":       {from: "functions/api", imports: "functions/publish", transitive: true, want: "R5 functions"},
		"FunctionUsesScript":         {from: "functions/api/lambda", imports: "scripts/internal/postgres", transitive: true, want: "R5 functions"},
		"HandlerUsesCloud":           {from: "functions/api", imports: aws + "/service/sqs", want: "R6 AWS SDK"},
		"WorkflowUsesLambda":         {from: "shared/outbox", imports: "github.com/aws/aws-lambda-go/events", want: "R6 Lambda"},
		"HandlerUsesSQL":             {from: "functions/api", imports: "github.com/jackc/pgx/v5", want: "R6 SQL"},
		"FunctionUsesSimulator":      {from: "functions/publish", imports: "shared/simulator/x", transitive: true, want: "R7 simulators"},
		"ProductUsesTestSupport":     {from: "shared/outbox", imports: "shared/store/storetest", transitive: true, want: "R7 simulators"},
		"SimulatorUsesClient":        {from: "shared/simulator/x", imports: "shared/platform", want: "R7 simulators"},
		"SimulatorUsesThirdParty":    {from: "shared/simulator/sqs", imports: "github.com/google/uuid", want: "R7 simulators"},
		"WiringMayUseCloud":          {from: "functions/api", file: "wire.go", imports: aws + "/service/sqs"},
		"SimulatorMayUseSimulator":   {from: "shared/simulator/x", imports: "shared/simulator/fault"},
		"SimulatorMayUseStandardLib": {from: "shared/simulator/x", imports: "net/http"},
		"FunctionMayUseItsOwn":       {from: "functions/api/lambda", imports: "functions/api", transitive: true},
		"DomainMayUseDomain":         {from: "shared/post", imports: "shared/account", transitive: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := tc.file
			if file == "" {
				file = "a.go"
			}
			u := unit{path: tc.from, files: map[string][]string{file: {tc.imports}}}
			if tc.transitive {
				u = unit{path: tc.from, deps: []string{tc.imports}}
			}
			var names []string
			for _, v := range check([]unit{u}, all) {
				names = append(names, v.rule)
			}
			slices.Sort(names)
			names = slices.Compact(names)
			if tc.want == "" {
				require.Empty(t, names)
				return
			}
			require.Contains(t, names, tc.want)
		})
	}
}

func TestBucketNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"util", "utils.go", "helpers_test.go", "types.ts", "models"} {
		require.True(t, isBucket(name), name)
	}
	for _, name := range []string{"storetest", "basement.go", "post.go"} {
		require.False(t, isBucket(name), name)
	}
}
