package api

import (
	"bytes"
	_ "embed"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// openAPI is the committed document; a test holds it to the routes.
//
//go:embed openapi.json
var openAPI []byte

// docsTemplate is the page.
//
//go:embed docs.html
var docsTemplate string

func serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	stateOf(r.Context()).route = "/openapi.json"
	w.Header().Set("Content-Type", "application/openapi+json;version=3.1")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(openAPI)
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

// docsPage renders the OpenAPI document as one page that needs no script and
// no other host. It is made at the first look, since most processes never show it.
func docsPage(document *huma.OpenAPI) http.Handler {
	render := sync.OnceValues(func() ([]byte, error) { return renderDocs(document) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stateOf(r.Context()).route = "/docs"
		page, err := render()
		if err != nil {
			http.Error(w, "The page could not be made; /openapi.json holds the same.", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(page)
	})
}

func renderDocs(document *huma.OpenAPI) ([]byte, error) {
	t, err := template.New("docs").Parse(docsTemplate)
	if err != nil {
		return nil, err //nolint:wrapcheck // shown to nobody; a test renders the page.
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"Title": document.Info.Title, "Description": document.Info.Description,
		"Groups": docsGroups(document), "Schemas": docsSchemas(document),
	})
	return out.Bytes(), err //nolint:wrapcheck // as above.
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
