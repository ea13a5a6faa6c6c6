package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// schema is what is read of a JSON schema. Properties keep their order, since a
// model writes them in it.
type schema struct {
	Type        typeList           `json:"type"`
	Description string             `json:"description"`
	Enum        []any              `json:"enum"`
	Const       any                `json:"const"`
	Properties  properties         `json:"properties"`
	Required    []string           `json:"required"`
	Additional  json.RawMessage    `json:"additionalProperties"` //nolint:tagliatelle // JSON Schema's name.
	Items       *schema            `json:"items"`
	AnyOf       []*schema          `json:"anyOf"` //nolint:tagliatelle // JSON Schema's name.
	OneOf       []*schema          `json:"oneOf"` //nolint:tagliatelle // JSON Schema's name.
	Ref         string             `json:"$ref"`
	Defs        map[string]*schema `json:"$defs"`
	Format      string             `json:"format"`
	MinItems    *int               `json:"minItems"`  //nolint:tagliatelle // JSON Schema's name.
	MaxItems    *int               `json:"maxItems"`  //nolint:tagliatelle // JSON Schema's name.
	MinLength   *int               `json:"minLength"` //nolint:tagliatelle // JSON Schema's name.
	MaxLength   *int               `json:"maxLength"` //nolint:tagliatelle // JSON Schema's name.
	Minimum     *float64           `json:"minimum"`
	Maximum     *float64           `json:"maximum"`
}

// typeList is a type, or a list of them.
type typeList []string

// UnmarshalJSON reads "string" as well as ["string","null"].
func (t *typeList) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = typeList{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// properties are named schemas in the order in which they were written.
type properties []property

type property struct {
	name   string
	schema *schema
}

// UnmarshalJSON keeps the order of the object's keys.
func (p *properties) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return errors.New("properties has to be an object")
		}
		var s schema
		if err := decoder.Decode(&s); err != nil {
			return err
		}
		*p = append(*p, property{name, &s})
	}
	return nil
}

func parseSchema(raw json.RawMessage) (*schema, error) {
	var s schema
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("schema is not valid: %w", err)
	}
	if s.kind() != "object" {
		return nil, fmt.Errorf(`schema must be a JSON Schema of 'type: "object"', got 'type: "%s"'`, s.kind())
	}
	return &s, nil
}

// strict checks what strict mode asks of every object (rule from memory,
// unverified: additionalProperties false, every property required).
func (s *schema) strict() error {
	if s == nil {
		return nil
	}
	if s.kind() == "object" {
		if string(s.Additional) != "false" {
			return errors.New("'additionalProperties' is required to be supplied and to be false")
		}
		for _, p := range s.Properties {
			if !slices.Contains(s.Required, p.name) {
				return fmt.Errorf("'required' is required to be supplied and to be an array including every key in properties. Missing '%s'", p.name)
			}
			if err := p.schema.strict(); err != nil {
				return err
			}
		}
	}
	for _, inner := range slices.Concat(s.AnyOf, s.OneOf) {
		if err := inner.strict(); err != nil {
			return err
		}
	}
	return s.Items.strict()
}

// kind is the type to write: the first that is not null, or what the other
// words of the schema imply.
func (s *schema) kind() string {
	for _, t := range s.Type {
		if t != "null" {
			return t
		}
	}
	switch {
	case len(s.Properties) > 0:
		return "object"
	case s.Items != nil:
		return "array"
	case len(s.Type) > 0:
		return "null"
	}
	return "string"
}

// walker writes a value for a schema. What the scene knows under a property's
// name is used where it fits; the rest is made up by the schema alone.
type walker struct {
	root *schema
	seed uint64
}

// scene is what is known, by property name.
type scene map[string]any

// value writes the value for one schema. Depth bounds schemas that hold
// themselves.
func (w *walker) value(s *schema, name string, known scene, depth int) any {
	s = w.resolve(s)
	if s == nil || depth > 12 {
		return nil
	}
	given, ok := known[strings.ToLower(name)]
	switch {
	case s.Const != nil:
		return s.Const
	case len(s.Enum) > 0:
		return w.choose(s.Enum, given, name)
	}
	switch s.kind() {
	case "object":
		return w.object(s, given, known, depth)
	case "array":
		return w.array(s, name, given, known, depth)
	case "integer", "number":
		return w.number(s, given, name)
	case "boolean":
		if b, isBool := given.(bool); isBool {
			return b
		}
		return hash(name, strconv.FormatUint(w.seed, 10))%2 == 0
	case "null":
		return nil
	}
	if text, isText := given.(string); ok && isText {
		return fitText(text, s)
	}
	return fitText(w.fallback(s, name, known), s)
}

func (w *walker) resolve(s *schema) *schema {
	for range 8 {
		if s == nil {
			return nil
		}
		if branches := slices.Concat(s.AnyOf, s.OneOf); len(branches) > 0 {
			i := slices.IndexFunc(branches, func(b *schema) bool { return b.kind() != "null" })
			s = branches[max(i, 0)]
			continue
		}
		if s.Ref == "" {
			return s
		}
		name, ok := strings.CutPrefix(s.Ref, "#/$defs/")
		if !ok {
			return w.root
		}
		s = w.root.Defs[name]
	}
	return s
}

func (w *walker) object(s *schema, given any, known scene, depth int) any {
	if inner, ok := given.(scene); ok {
		known = inner
	}
	out := ordered{}
	for _, p := range s.Properties {
		out = append(out, pair{p.name, w.value(p.schema, p.name, known, depth+1)})
	}
	return out
}

func (w *walker) array(s *schema, name string, given any, known scene, depth int) any {
	list, ok := given.([]any)
	switch {
	case !ok && given != nil:
		list = []any{given}
	case !ok:
		list = []any{nil, nil} // Nothing is known: two made up by the schema.
	}
	least, most := 0, math.MaxInt
	if s.MinItems != nil {
		least = *s.MinItems
	}
	if s.MaxItems != nil {
		most = *s.MaxItems
	}
	for len(list) < least {
		list = append(list, nil)
	}
	list = list[:min(len(list), most)]
	out := make([]any, 0, len(list))
	item := s.Items
	if item == nil {
		item = &schema{}
	}
	for i, element := range list {
		inner := maps.Clone(known)
		one := fmt.Sprintf("%s %d", strings.ToLower(name), i)
		if element != nil {
			inner[one] = element
		}
		out = append(out, w.value(item, one, inner, depth+1))
	}
	return out
}

// ordered is an object whose keys keep their order.
type ordered []pair

type pair struct {
	name  string
	value any
}

// MarshalJSON writes the pairs in order.
func (o ordered) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := encode(p.name)
		if err != nil {
			return nil, err
		}
		value, err := encode(p.value)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// synonyms group the words by which schemas name the same choice.
func synonyms() [][]string {
	return [][]string{
		{"pass", "passed", "approve", "approved", "ok", "accept", "none"},
		{"changes", "changes_requested", "revise", "needs_changes", "reject", "fail", "block"},
		{"block", "blocker", "error", "critical", "high", "severe"},
		{"warn", "warning", "medium", "major"},
		{"note", "info", "minor", "low", "hint"},
		{"fact", "facts", "factual", "accuracy", "claim"},
		{"clarity", "style", "tone", "readability"},
		{"brand", "voice", "promise"},
	}
}

// choose returns the value of an enum that is given or means the same, else one
// by the dice.
func (w *walker) choose(enum []any, given any, name string) any {
	if slices.Contains(enum, given) {
		return given
	}
	if word, ok := given.(string); ok {
		for _, group := range synonyms() {
			if !slices.Contains(group, word) {
				continue
			}
			for _, other := range group {
				if slices.Contains(enum, any(other)) {
					return other
				}
			}
		}
	}
	return enum[hash("enum", name, strconv.FormatUint(w.seed, 10))%uint64(len(enum))]
}

func (w *walker) number(s *schema, given any, name string) any {
	value := float64(hash("number", name, strconv.FormatUint(w.seed, 10)) % 10)
	switch n := given.(type) {
	case int:
		value = float64(n)
	case float64:
		value = n
	default:
		if strings.Contains(name, "confidence") || strings.Contains(name, "score") {
			value = 0.6 + value/30
		}
	}
	if s.Minimum != nil {
		value = max(value, *s.Minimum)
	}
	if s.Maximum != nil {
		value = min(value, *s.Maximum)
	}
	if s.kind() == "integer" {
		return int64(math.Round(value))
	}
	return value
}

// fallback is a text for a property that the scene does not know.
func (w *walker) fallback(s *schema, name string, known scene) string {
	switch s.Format {
	case "date-time":
		return "2026-11-24T09:00:00Z"
	case "date":
		return "2026-11-24"
	case "uri", "url":
		if url, ok := known["url"].(string); ok && url != "" {
			return url
		}
		return "https://example.com/"
	case "email":
		return "someone@example.com"
	case "uuid":
		return fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(w.seed), hash(name)>>16)
	}
	for _, key := range []string{"text", "summary", "title"} {
		if text, ok := known[key].(string); ok && text != "" {
			return text
		}
	}
	return "Nothing in the request says more about " + strings.ReplaceAll(name, "_", " ") + "."
}

var atMost = regexp.MustCompile(`(?i)(?:at most|up to|max(?:imum)?(?: of)?|no more than|under|<=) ?(\d{1,5}) (characters|words)`)

// fitText keeps a text within the lengths that its schema names.
func fitText(text string, s *schema) string {
	limit := math.MaxInt
	if s.MaxLength != nil {
		limit = *s.MaxLength
	}
	if m := atMost.FindStringSubmatch(s.Description); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			if m[2] == "words" {
				text = cutWords(text, n)
			} else {
				limit = min(limit, n)
			}
		}
	}
	text = cutText(text, limit)
	if s.MinLength != nil {
		for utf8.RuneCountInString(text) < *s.MinLength {
			text += "."
		}
	}
	return text
}
