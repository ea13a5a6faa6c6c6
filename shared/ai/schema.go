package ai

import (
	"encoding/json"
	"fmt"
	"slices"
)

// schema is the subset of JSON Schema that strict structured output shares
// among providers: no lengths and no ranges, those are for Request.Check.
type schema struct {
	Type                 string            `json:"type"`
	Description          string            `json:"description"`
	Properties           map[string]schema `json:"properties"`
	Required             []string          `json:"required"`
	AdditionalProperties *bool             `json:"additionalProperties"` //nolint:tagliatelle // JSON Schema's own spelling
	Items                *schema           `json:"items"`
	Enum                 []string          `json:"enum"`
}

// CheckAnswer decides whether an answer may be used: it is one JSON object, it
// follows the request's schema, and the request's own Check takes it. Not every
// server keeps to a schema, and none is trusted to. Errors: CodeBadAnswer;
// Internal when the request's schema is not of the supported subset.
func CheckAnswer(r Request, answer json.RawMessage) error {
	var s schema
	if err := decodeStrict(r.Schema, &s); err != nil {
		return fmt.Errorf("read schema %s: %w", r.SchemaName, err)
	}
	var value any
	if err := decodeStrict(answer, &value); err != nil {
		return BadAnswerError("it is not JSON")
	}
	if fault := s.fault(value, "the answer"); fault != "" {
		return BadAnswerError("%s", fault)
	}
	if r.Check == nil {
		return nil
	}
	return r.Check(answer)
}

// fault returns what is wrong with a value in a few words that quote none of
// it, or "" when nothing is.
func (s schema) fault(value any, at string) string {
	switch s.Type {
	case "object":
		return s.objectFault(value, at)
	case "array":
		list, ok := value.([]any)
		if !ok {
			return at + " is not a list"
		}
		if s.Items == nil {
			return ""
		}
		for i, item := range list {
			if fault := s.Items.fault(item, fmt.Sprintf("%s, entry %d", at, i+1)); fault != "" {
				return fault
			}
		}
	case "string":
		text, ok := value.(string)
		if !ok {
			return at + " is not a text"
		}
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
			return at + " is not one of the allowed words"
		}
	case "integer":
		n, ok := value.(json.Number)
		if !ok {
			return at + " is not a number"
		}
		if _, err := n.Int64(); err != nil {
			return at + " is not a whole number"
		}
	}
	return ""
}

func (s schema) objectFault(value any, at string) string {
	object, ok := value.(map[string]any)
	if !ok {
		return at + " is not a JSON object"
	}
	for _, name := range s.Required {
		if _, ok := object[name]; !ok {
			return fmt.Sprintf("%s lacks %s", at, name)
		}
	}
	for name, v := range object {
		p, ok := s.Properties[name]
		if !ok {
			// The name is the model's, so it is not repeated.
			return at + " has a field that was not asked for"
		}
		if fault := p.fault(v, name); fault != "" {
			return fault
		}
	}
	return ""
}
