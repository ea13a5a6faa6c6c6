package main

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// template is template.yaml with the place of every value kept.
type template struct {
	path       string
	globals    *yaml.Node
	parameters *yaml.Node
	resources  *yaml.Node
}

func parseTemplate(path string, raw []byte) (*template, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("decode %s: %w", path, err)
	}
	if len(doc.Content) != 1 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	top := doc.Content[0]
	t := &template{
		path: path, globals: at(top, "Globals", "Function"), parameters: at(top, "Parameters"), resources: at(top, "Resources"),
	}
	if t.resources == nil {
		return nil, fmt.Errorf("%s lists no resources", path)
	}
	return t, nil
}

// at follows keys down a mapping; nil when one is not there.
func at(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		if n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var next *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				next = n.Content[i+1]
			}
		}
		n = next
	}
	return n
}

// each calls fn with the keys and values of a mapping, in their order.
func each(n *yaml.Node, fn func(key string, value *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		fn(n.Content[i].Value, n.Content[i+1])
	}
}

// ofType calls fn with each resource of a type.
func (t *template) ofType(kind string, fn func(id string, properties *yaml.Node)) {
	each(t.resources, func(id string, r *yaml.Node) {
		if typ := at(r, "Type"); typ != nil && typ.Value == kind {
			fn(id, at(r, "Properties"))
		}
	})
}

// text is a value as the plan would spell it; a reference to a parameter gives
// the plan's setting of it, else its default. Anything else is itself.
func (t *template) text(n *yaml.Node, settings map[string]string) string {
	if ref := at(n, "Ref"); ref != nil {
		if v, ok := settings[ref.Value]; ok {
			return v
		}
		if d := at(t.parameters, ref.Value, "Default"); d != nil {
			return d.Value
		}
		return "{Ref: " + ref.Value + "}"
	}
	if n.Kind == yaml.SequenceNode {
		items := make([]string, len(n.Content))
		for i, item := range n.Content {
			items[i] = item.Value
		}
		return strings.Join(items, ",")
	}
	return n.Value
}
