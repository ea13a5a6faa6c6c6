package host

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// reader walks a YAML document. Its first fault stops nothing but is kept, so
// that the code that reads a template is free of error checks.
type reader struct {
	parameters map[string]string
	fault      error
}

// value is one node with the intrinsics in it resolved: a scalar, a reference to
// a resource, a mapping or a sequence. The zero value is an absent node.
type value struct {
	reader *reader
	path   string
	node   *yaml.Node
	scalar string
	// parameter is the one whose value the scalar is, where a Ref said so.
	parameter string
	// ref and attribute are those of a Ref or Fn::GetAtt of a resource.
	ref       string
	attribute string
}

func (r *reader) value(node *yaml.Node, path string) value {
	v := value{reader: r, path: path, node: node}
	switch {
	case node.Kind == yaml.AliasNode:
		v.refuse("aliases are not supported")
	case strings.HasPrefix(node.Tag, "!") && !strings.HasPrefix(node.Tag, "!!"):
		v.refuse("write " + node.Tag + " in its long form")
	case node.Kind == yaml.ScalarNode:
		v.scalar = node.Value
	case node.Kind == yaml.MappingNode && len(node.Content) == 2:
		return r.intrinsic(v, node.Content[0].Value, node.Content[1])
	}
	return v
}

// intrinsic resolves a mapping whose only key is an intrinsic function.
func (r *reader) intrinsic(v value, name string, argument *yaml.Node) value {
	switch {
	case name == "Ref" && argument.Kind == yaml.ScalarNode:
		if given, ok := r.parameters[argument.Value]; ok {
			v.scalar, v.parameter = given, argument.Value
		} else {
			v.ref = argument.Value
		}
	case name == "Fn::GetAtt" && argument.Kind == yaml.SequenceNode && len(argument.Content) == 2:
		v.ref, v.attribute = argument.Content[0].Value, argument.Content[1].Value
	case name == "Ref", strings.HasPrefix(name, "Fn::"):
		v.refuse("the intrinsic " + name + " is not supported in this form")
	}
	return v
}

func (v value) refuse(why string) {
	if v.reader != nil && v.reader.fault == nil {
		v.reader.fault = refuse("%s: %s", v.path, why)
	}
}

// set reports whether the node is there.
func (v value) set() bool { return v.node != nil }

// entries are the keys and values of a mapping, in their order.
func (v value) entries() iter.Seq2[string, value] {
	return func(yield func(string, value) bool) {
		if !v.set() {
			return
		}
		if v.node.Kind != yaml.MappingNode {
			v.refuse("is not a mapping")
			return
		}
		for i := 0; i+1 < len(v.node.Content); i += 2 {
			key := v.node.Content[i].Value
			if !yield(key, v.reader.value(v.node.Content[i+1], v.path+"."+key)) {
				return
			}
		}
	}
}

// at is the value of a key, absent when there is none.
func (v value) at(key string) value {
	for name, found := range v.entries() {
		if name == key {
			return found
		}
	}
	return value{}
}

// or is the value of a key, or of the same key elsewhere.
func (v value) or(key string, elsewhere value) value {
	if found := v.at(key); found.set() {
		return found
	}
	return elsewhere.at(key)
}

// items are the values of a sequence.
func (v value) items() iter.Seq2[int, value] {
	return func(yield func(int, value) bool) {
		if !v.set() {
			return
		}
		if v.node.Kind != yaml.SequenceNode {
			v.refuse("is not a list")
			return
		}
		for i, n := range v.node.Content {
			if !yield(i, v.reader.value(n, fmt.Sprintf("%s[%d]", v.path, i))) {
				return
			}
		}
	}
}

// text is a scalar, empty when absent.
func (v value) text() string {
	if v.set() && (v.ref != "" || v.node.Kind == yaml.SequenceNode || v.node.Kind == yaml.MappingNode && v.scalar == "" && !isParameter(v.node)) {
		v.refuse("is not a plain value")
	}
	return v.scalar
}

// isParameter tells a Ref, which may stand for an empty text, from a mapping.
func isParameter(node *yaml.Node) bool {
	return len(node.Content) == 2 && node.Content[0].Value == "Ref"
}

func (v value) number(absent int) int {
	if !v.set() {
		return absent
	}
	n, err := strconv.Atoi(v.text())
	if err != nil {
		v.refuse("is not a whole number")
	}
	return n
}

// seconds is a number of seconds, at most a year of them.
func (v value) seconds(absent int) time.Duration {
	n := v.number(absent)
	if n < 0 || n > 366*24*60*60 {
		v.refuse("is not a number of seconds")
		return 0
	}
	return time.Duration(n) * time.Second
}

// resource is the logical id in a reference to a resource's attribute.
func (v value) resource(attribute string) string {
	if v.ref == "" || v.attribute != attribute {
		v.refuse("is not the Fn::GetAtt of a resource's " + attribute)
	}
	return v.ref
}
