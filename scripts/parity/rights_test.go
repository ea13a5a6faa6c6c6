package parity

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// rights are the queues that template.yaml lets each function act on, by action.
func rights(t *testing.T) map[string]map[string][]string {
	t.Helper()
	tpl, err := readTemplate()
	require.NoError(t, err)
	out := map[string]map[string][]string{}
	for id, r := range tpl.Resources {
		if r.Type != "AWS::Serverless::Function" {
			continue
		}
		//nolint:tagliatelle // the names are CloudFormation's.
		var p struct {
			Policies []struct {
				Statement []struct {
					Action   []string    `yaml:"Action"`
					Resource []yaml.Node `yaml:"Resource"`
				} `yaml:"Statement"`
			} `yaml:"Policies"`
		}
		require.NoError(t, r.Properties.Decode(&p))
		may := map[string][]string{}
		for _, policy := range p.Policies {
			for _, s := range policy.Statement {
				for _, action := range s.Action {
					require.NotContains(t, action, "*", id)
					for _, resource := range s.Resource {
						queue := target(resource)
						require.NotEmpty(t, queue, "%s: a right on something else than a queue", id)
						may[action] = append(may[action], strings.ToLower(strings.TrimSuffix(queue, "Queue")))
					}
				}
			}
		}
		out[strings.ToLower(strings.TrimSuffix(id, "Function"))] = may
	}
	return out
}

// sends are the queues to which the code of a function enqueues messages: those
// its workflows and what ends a publication name, and all of them where its tick sweeps the outbox.
func sends(t *testing.T, function string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.Dir}}", "./functions/"+function)
	cmd.Dir = root
	list, err := cmd.Output()
	require.NoError(t, err)
	enqueues := regexp.MustCompile(`outbox\.(?:Enqueue\(ctx, tx, |Delivery\{Queue: )queue\.(\w+),`)
	queues := map[string]bool{}
	for dir := range strings.FieldsSeq(string(list)) {
		if !strings.Contains(dir, "/shared/workflow/") && !strings.HasSuffix(dir, "/shared/publication") {
			continue
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, match := range enqueues.FindAllSubmatch(raw, -1) {
				queues[strings.ToLower(string(match[1]))] = true
			}
			if strings.Contains(string(raw), "Relay.Sweep(") {
				maps.Copy(queues, map[string]bool{"generate": true, "review": true, "publish": true, "metrics": true})
			}
		}
	}
	return slices.Sorted(maps.Keys(queues))
}

func TestFunctionsMaySendWhereTheirCodeSendsAndNowhereElse(t *testing.T) {
	t.Parallel()
	may := rights(t)
	require.Len(t, may, 5)
	for function, actions := range may {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, sends(t, function), slices.Sorted(slices.Values(actions["sqs:SendMessage"])))
		})
	}
}

func TestOnlyTheSenderMovesVisibilityAndOnlyTheApiLooksAtDepths(t *testing.T) {
	t.Parallel()
	for function, actions := range rights(t) {
		require.Equal(t, function == "publish", slices.Equal([]string{"publish"}, actions["sqs:ChangeMessageVisibility"]), function)
		require.Equal(t, function == "publish", actions["sqs:ChangeMessageVisibility"] != nil, function)
		require.Equal(t, function == "api", actions["sqs:GetQueueAttributes"] != nil, function)
	}
}
