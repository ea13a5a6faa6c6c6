package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// plan is what is read of `terraform show -json`.
type plan struct {
	settings map[string]string
	// resources are by type, then by the key that Terraform gives them, which is
	// the template's logical id (of an event: function/event).
	resources map[string]map[string]change
}

type change struct {
	After        map[string]any `json:"after"`
	AfterUnknown map[string]any `json:"after_unknown"`
	Actions      []string       `json:"actions"`
}

func parsePlan(raw []byte) (*plan, error) {
	var in struct {
		Variables struct {
			Settings struct {
				Value map[string]string `json:"value"`
			} `json:"settings"`
		} `json:"variables"`
		Changes []struct {
			Mode   string `json:"mode"`
			Type   string `json:"type"`
			Index  any    `json:"index"`
			Change change `json:"change"`
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("decode plan: %w", err)
	}
	if len(in.Changes) == 0 {
		return nil, errors.New("the plan holds no resources: is it the output of `terraform show -json`?")
	}
	p := &plan{settings: in.Variables.Settings.Value, resources: map[string]map[string]change{}}
	for _, c := range in.Changes {
		key, ok := c.Index.(string)
		if !ok || c.Mode != "managed" || slices.Equal(c.Change.Actions, []string{"delete"}) {
			continue
		}
		if p.resources[c.Type] == nil {
			p.resources[c.Type] = map[string]change{}
		}
		p.resources[c.Type][key] = c.Change
	}
	return p, nil
}

type comparison struct {
	t       *template
	p       *plan
	faults  []string
	checked int
}

// compare returns every disagreement, in the template's order, and how many
// values were compared.
func compare(t *template, p *plan) (faults []string, checked int) {
	c := &comparison{t: t, p: p}
	wanted := map[string][]string{}
	t.ofType("AWS::Serverless::Function", func(id string, properties *yaml.Node) {
		wanted["aws_lambda_function"] = append(wanted["aws_lambda_function"], id)
		c.function(id, properties)
		each(at(properties, "Events"), func(name string, event *yaml.Node) {
			key, in := id+"/"+name, at(event, "Properties")
			switch kind := at(event, "Type"); kind.Value {
			case "SQS":
				wanted["aws_lambda_event_source_mapping"] = append(wanted["aws_lambda_event_source_mapping"], key)
				c.mapping(key, in)
			case "Schedule":
				wanted["aws_cloudwatch_event_rule"] = append(wanted["aws_cloudwatch_event_rule"], key)
				c.schedule(key, in)
			}
		})
	})
	t.ofType("AWS::SQS::Queue", func(id string, properties *yaml.Node) {
		wanted["aws_sqs_queue"] = append(wanted["aws_sqs_queue"], id)
		c.value("aws_sqs_queue", id, "visibility_timeout_seconds", at(properties, "VisibilityTimeout"))
		c.value("aws_sqs_queue", id, "message_retention_seconds", at(properties, "MessageRetentionPeriod"))
	})
	for _, kind := range slices.Sorted(maps.Keys(wanted)) {
		for _, key := range slices.Sorted(maps.Keys(p.resources[kind])) {
			if !slices.Contains(wanted[kind], key) {
				c.faults = append(c.faults, fmt.Sprintf("the plan has %s %q, which %s does not list", kind, key, t.path))
			}
		}
	}
	return c.faults, c.checked
}

func (c *comparison) function(id string, properties *yaml.Node) {
	const kind = "aws_lambda_function"
	for _, pair := range [][2]string{{"memory_size", "MemorySize"}, {"timeout", "Timeout"}, {"runtime", "Runtime"}, {"handler", "Handler"}} {
		n := at(properties, pair[1])
		if n == nil {
			n = at(c.t.globals, pair[1])
		}
		c.value(kind, id, pair[0], n)
	}
	given, ok := c.p.resources[kind][id]
	if !ok {
		return // Said already.
	}
	have := variables(given)
	listed := map[string]bool{}
	for _, list := range []*yaml.Node{at(c.t.globals, "Environment", "Variables"), at(properties, "Environment", "Variables")} {
		each(list, func(name string, n *yaml.Node) {
			c.checked++
			listed[name] = true
			if !have[name] {
				c.report(n, "%s is given %s, in the plan it is not", id, name)
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if !listed[name] {
			c.report(properties, "%s is not given %s, in the plan it is", id, name)
		}
	}
}

// variables are the names in a planned environment; a value that only AWS
// knows stands among the unknown ones.
func variables(c change) map[string]bool {
	names := map[string]bool{}
	for _, side := range []map[string]any{c.After, c.AfterUnknown} {
		list, _ := side["environment"].([]any)
		if len(list) == 0 {
			continue
		}
		block, _ := list[0].(map[string]any)
		values, _ := block["variables"].(map[string]any)
		for name := range values {
			names[name] = true
		}
	}
	return names
}

func (c *comparison) mapping(key string, properties *yaml.Node) {
	const kind = "aws_lambda_event_source_mapping"
	c.value(kind, key, "batch_size", at(properties, "BatchSize"))
	c.value(kind, key, "maximum_batching_window_in_seconds", at(properties, "MaximumBatchingWindowInSeconds"))
	c.value(kind, key, "function_response_types", at(properties, "FunctionResponseTypes"))
	c.value(kind, key, "scaling_config.maximum_concurrency", at(properties, "ScalingConfig", "MaximumConcurrency"))
}

func (c *comparison) schedule(key string, properties *yaml.Node) {
	c.value("aws_cloudwatch_event_rule", key, "schedule_expression", at(properties, "Schedule"))
	c.value("aws_cloudwatch_event_target", key, "input", at(properties, "Input"))
	c.value("aws_cloudwatch_event_target", key, "retry_policy.maximum_retry_attempts", at(properties, "RetryPolicy", "MaximumRetryAttempts"))
	c.value("aws_cloudwatch_event_target", key, "retry_policy.maximum_event_age_in_seconds", at(properties, "RetryPolicy", "MaximumEventAgeInSeconds"))
}

// value compares one attribute; a dot goes into the first block of that name.
// What the template leaves open, the plan may choose.
func (c *comparison) value(kind, key, attribute string, n *yaml.Node) {
	if n == nil {
		return
	}
	c.checked++
	given, ok := c.p.resources[kind][key]
	if !ok {
		c.report(n, "%s has no %s in the plan", key, kind)
		return
	}
	want, have := c.t.text(n, c.p.settings), planned(given.After, attribute)
	if want != have {
		c.report(n, "%s: %s is %s, in the plan it is %s", key, attribute, want, have)
	}
}

func planned(after map[string]any, attribute string) string {
	block, rest, nested := strings.Cut(attribute, ".")
	if nested {
		list, _ := after[block].([]any)
		if len(list) == 0 {
			return "absent"
		}
		inner, _ := list[0].(map[string]any)
		return planned(inner, rest)
	}
	switch v := after[attribute].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = fmt.Sprint(item)
		}
		return strings.Join(items, ",")
	}
	return "absent"
}

func (c *comparison) report(n *yaml.Node, format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf("%s:%d: %s", c.t.path, n.Line, fmt.Sprintf(format, args...)))
}
