package api

import (
	"bytes"
	"html/template"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"
)

func TestOpenAPIDocsPageIsThatOfTheRoutes(t *testing.T) {
	t.Parallel()
	s := &Server{}
	page, err := renderDocs(s.register(http.NewServeMux()))
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("docs.html", page, 0o644))
		return
	}
	require.Equal(t, string(page), string(docs), "the routes have changed: run make generate and commit what it changes")
	for _, rt := range s.routes() {
		require.Contains(t, string(docs), `id="`+rt.id+`"`)
	}
	require.NotContains(t, string(docs), "<script")
	require.NotContains(t, string(docs), "//cdn")
}

// docsGroup is the operations of one tag, as the docs page shows them.
type docsGroup struct {
	Tag        string
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description string
	Params                                 []docsField
	Body, Answer                           string
	Fields                                 []docsField
}

type docsField struct {
	Name, Where, Type, Doc string
	Required               bool
}

type docsSchema struct {
	Name   string
	Fields []docsField
}

func renderDocs(document *huma.OpenAPI) ([]byte, error) {
	t, err := template.ParseFiles("testdata/docs.tmpl")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"Title": document.Info.Title, "Description": document.Info.Description,
		"Groups": docsGroups(document), "Schemas": docsSchemas(document),
	})
	return out.Bytes(), err
}

func docsGroups(document *huma.OpenAPI) []docsGroup {
	byTag := map[string][]docsOperation{}
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		item := document.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Delete} {
			if op != nil && len(op.Tags) > 0 {
				byTag[op.Tags[0]] = append(byTag[op.Tags[0]], docsOf(op))
			}
		}
	}
	groups := make([]docsGroup, 0, len(byTag))
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		groups = append(groups, docsGroup{Tag: tag, Operations: byTag[tag]})
	}
	return groups
}

func docsOf(op *huma.Operation) docsOperation {
	out := docsOperation{ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description}
	for _, p := range op.Parameters {
		out.Params = append(out.Params, docsField{Name: p.Name, Where: p.In, Type: typeOf(p.Schema), Doc: p.Description, Required: p.Required})
	}
	if op.RequestBody != nil {
		if media := op.RequestBody.Content["application/json"]; media != nil {
			out.Body = typeOf(media.Schema)
		}
	}
	for _, status := range []string{"200", "201", "202"} {
		if answer := op.Responses[status]; answer != nil {
			if media := answer.Content["application/json"]; media != nil {
				out.Answer = typeOf(media.Schema)
			}
		}
	}
	return out
}

func docsSchemas(document *huma.OpenAPI) []docsSchema {
	all := document.Components.Schemas.Map()
	out := make([]docsSchema, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		schema := docsSchema{Name: name}
		for _, field := range slices.Sorted(maps.Keys(all[name].Properties)) {
			property := all[name].Properties[field]
			schema.Fields = append(schema.Fields, docsField{
				Name: field, Type: typeOf(property), Doc: property.Description, Required: slices.Contains(all[name].Required, field),
			})
		}
		out = append(out, schema)
	}
	return out
}

// typeOf writes a schema's type as a reader says it.
func typeOf(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	case len(s.OneOf) > 0:
		parts := make([]string, len(s.OneOf))
		for i, one := range s.OneOf {
			parts[i] = typeOf(one)
		}
		return strings.Join(parts, " or ")
	case s.Type == huma.TypeArray:
		return "list of " + typeOf(s.Items)
	case s.Format != "":
		return s.Type + ", " + s.Format
	}
	if s.Nullable {
		return s.Type + " or null"
	}
	return s.Type
}
