// Package parity holds what is written twice together: template.yaml, the code
// it deploys, the payloads in events/, and generated code and its sources.
package parity

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
	"go.yaml.in/yaml/v3"
)

// root is the repository's folder, as tests see it.
const root = "../.."

// template is what these checks read of template.yaml.
//
//nolint:tagliatelle // the names are CloudFormation's.
type template struct {
	Globals struct {
		Function functionProperties `yaml:"Function"`
	} `yaml:"Globals"`
	Parameters map[string]struct {
		NoEcho bool `yaml:"NoEcho"`
	} `yaml:"Parameters"`
	Resources map[string]resource `yaml:"Resources"`
}

//nolint:tagliatelle // the names are CloudFormation's.
type resource struct {
	Type       string    `yaml:"Type"`
	Properties yaml.Node `yaml:"Properties"`
}

//nolint:tagliatelle // the names are CloudFormation's.
type functionProperties struct {
	CodeURI     string `yaml:"CodeUri"`
	Timeout     int    `yaml:"Timeout"`
	Environment struct {
		Variables map[string]yaml.Node `yaml:"Variables"`
	} `yaml:"Environment"`
	Events map[string]event `yaml:"Events"`
}

//nolint:tagliatelle // the names are CloudFormation's.
type event struct {
	Type       string `yaml:"Type"`
	Properties struct {
		Queue                 yaml.Node `yaml:"Queue"`
		Schedule              string    `yaml:"Schedule"`
		Input                 string    `yaml:"Input"`
		FunctionResponseTypes []string  `yaml:"FunctionResponseTypes"`
		ScalingConfig         *struct {
			MaximumConcurrency yaml.Node `yaml:"MaximumConcurrency"`
		} `yaml:"ScalingConfig"`
	} `yaml:"Properties"`
}

//nolint:tagliatelle // the names are CloudFormation's.
type queueProperties struct {
	VisibilityTimeout int `yaml:"VisibilityTimeout"`
	RedrivePolicy     *struct {
		Target  yaml.Node `yaml:"deadLetterTargetArn"`
		Receive int       `yaml:"maxReceiveCount"`
	} `yaml:"RedrivePolicy"`
}

// code is what these checks read of the tree.
type code struct {
	// settings maps a function's name to the environment names of its Config.
	settings map[string][]string
	// events maps a function's name to its payload files.
	events map[string][]string
}

func readTemplate() (*template, error) {
	raw, err := os.ReadFile(root + "/template.yaml")
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	return parseTemplate(raw)
}

func parseTemplate(raw []byte) (*template, error) {
	var t template
	if err := yaml.NewDecoder(bytes.NewReader(raw)).Decode(&t); err != nil {
		return nil, fmt.Errorf("decode template: %w", err)
	}
	return &t, nil
}

// readCode reads each functions/<name> that has a lambda folder. configs holds
// an empty Config of each function.
func readCode(root string, configs map[string]any) (*code, error) {
	c := &code{settings: map[string][]string{}, events: map[string][]string{}}
	mains, err := filepath.Glob(filepath.Join(root, "functions", "*", "lambda", "main.go"))
	if err != nil {
		return nil, fmt.Errorf("list functions: %w", err)
	}
	for _, main := range mains {
		name := filepath.Base(filepath.Dir(filepath.Dir(main)))
		config, ok := configs[name]
		if !ok {
			return nil, fmt.Errorf("functions/%s is missing in this test's list of settings", name)
		}
		if c.settings[name], err = settingsOf(config); err != nil {
			return nil, err
		}
	}
	payloads, err := filepath.Glob(filepath.Join(root, "events", "*", "*.json"))
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	for _, payload := range payloads {
		name := filepath.Base(filepath.Dir(payload))
		c.events[name] = append(c.events[name], filepath.Base(payload))
	}
	return c, nil
}

// settingsOf returns the environment names of a settings struct, those of the
// structs in it included.
func settingsOf(config any) ([]string, error) {
	fields, err := env.GetFieldParams(config)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	var names []string
	for _, field := range fields {
		if field.Key != "" {
			names = append(names, field.Key)
		}
	}
	slices.Sort(names)
	return names, nil
}

// localOnly are settings that only a stack on somebody's own machine sets; in
// the cloud nothing is simulated.
func localOnly() []string {
	return []string{"DEMO", "MODEL_SIMULATED", "SOURCE_ALLOWED_HOSTS", "SIMULATED_NETWORK_URL", "SIMULATED_INSTAGRAM_URL"}
}

// compare returns every disagreement, in order.
func compare(t *template, c *code) []string {
	var faults []string
	report := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	functions := t.functions(report)
	queues := t.queues(report)

	for _, name := range slices.Sorted(maps.Keys(c.settings)) {
		if _, ok := functions[name]; !ok {
			report("functions/%s is not in template.yaml", name)
		}
	}
	globals := slices.Sorted(maps.Keys(t.Globals.Function.Environment.Variables))
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		f := functions[name]
		settings, ok := c.settings[name]
		if !ok {
			report("template.yaml names function %s, but there is no functions/%s/lambda", name, name)
			continue
		}
		if len(c.events[name]) == 0 {
			report("events/%s holds no payload for function %s", name, name)
		}
		checkVariables(name, f, settings, globals, report)
		checkEvents(name, f, queues, report)
	}
	for _, variable := range globals {
		if !slices.ContainsFunc(slices.Collect(maps.Values(c.settings)), func(s []string) bool { return slices.Contains(s, variable) }) {
			report("template.yaml gives %s to every function, but none reads it", variable)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.events)) {
		if _, ok := functions[name]; !ok {
			report("events/%s is for a function that does not exist", name)
		}
	}
	return faults
}

func checkVariables(name string, f functionProperties, settings, globals []string, report func(string, ...any)) {
	own := slices.Sorted(maps.Keys(f.Environment.Variables))
	for _, setting := range settings {
		if !slices.Contains(own, setting) && !slices.Contains(globals, setting) && !slices.Contains(localOnly(), setting) {
			report("function %s reads %s, which template.yaml does not give it", name, setting)
		}
	}
	for _, variable := range own {
		if !slices.Contains(settings, variable) {
			report("template.yaml gives %s to function %s, which does not read it", variable, name)
		}
	}
}

func checkEvents(name string, f functionProperties, queues map[string]queueProperties, report func(string, ...any)) {
	for _, id := range slices.Sorted(maps.Keys(f.Events)) {
		e := f.Events[id]
		switch e.Type {
		case "SQS":
			queue, ok := queues[target(e.Properties.Queue)]
			if !ok {
				report("function %s listens to %q, which is not a queue", name, target(e.Properties.Queue))
				continue
			}
			if queue.VisibilityTimeout < 6*f.Timeout {
				report("%s hides a message for %d s, but six times the timeout of function %s is %d s",
					target(e.Properties.Queue), queue.VisibilityTimeout, name, 6*f.Timeout)
			}
			if !slices.Contains(e.Properties.FunctionResponseTypes, "ReportBatchItemFailures") {
				report("event %s of function %s does not say ReportBatchItemFailures: one bad message would repeat its whole batch", id, name)
			}
			if e.Properties.ScalingConfig == nil {
				report("event %s of function %s has no MaximumConcurrency", id, name)
			}
		case "Schedule":
			if !strings.HasPrefix(e.Properties.Input, `{"task":"`) {
				report("schedule %s of function %s carries no task name", id, name)
			}
		}
	}
}

// functions are by the name of their folder, which must agree with the logical id.
func (t *template) functions(report func(string, ...any)) map[string]functionProperties {
	out := map[string]functionProperties{}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		if r.Type != "AWS::Serverless::Function" {
			continue
		}
		var f functionProperties
		if err := r.Properties.Decode(&f); err != nil {
			report("%s: %s", id, err)
			continue
		}
		name := strings.ToLower(strings.TrimSuffix(id, "Function"))
		if f.CodeURI != "functions/"+name+"/lambda/" {
			report("%s has its code at %q, not at functions/%s/lambda/", id, f.CodeURI, name)
		}
		out[name] = f
	}
	return out
}

// queues are those that functions listen to; each must have a dead-letter queue.
func (t *template) queues(report func(string, ...any)) map[string]queueProperties {
	out := map[string]queueProperties{}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		if r.Type != "AWS::SQS::Queue" || strings.HasSuffix(id, "DeadLetterQueue") {
			continue
		}
		var q queueProperties
		if err := r.Properties.Decode(&q); err != nil {
			report("%s: %s", id, err)
			continue
		}
		out[id] = q
		if q.RedrivePolicy == nil {
			report("%s has no dead-letter queue", id)
			continue
		}
		if dead := t.Resources[target(q.RedrivePolicy.Target)]; dead.Type != "AWS::SQS::Queue" {
			report("%s gives up its messages to %q, which is not a queue", id, target(q.RedrivePolicy.Target))
		}
		if q.RedrivePolicy.Receive < 5 {
			report("%s gives a message up after %d receives; throttling alone can use up fewer than 5", id, q.RedrivePolicy.Receive)
		}
	}
	return out
}

// target is the resource that Fn::GetAtt or Ref names.
func target(n yaml.Node) string {
	//nolint:tagliatelle // the names are CloudFormation's.
	var form struct {
		GetAtt []string `yaml:"Fn::GetAtt"`
		Ref    string   `yaml:"Ref"`
	}
	if err := n.Decode(&form); err != nil || len(form.GetAtt) == 0 {
		return form.Ref
	}
	return form.GetAtt[0]
}
