package api

import (
	_ "embed"
	"net/http"
)

// openAPI is the committed document; a test holds it to the routes.
//
//go:embed openapi.json
var openAPI []byte

// docs is the same as one page that needs no script and no other host. A test
// makes it: the template package in the binary would keep every method of the
// whole program alive.
//
//go:embed docs.html
var docs []byte

func serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	stateOf(r.Context()).route = "/openapi.json"
	w.Header().Set("Content-Type", "application/openapi+json;version=3.1")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(openAPI)
}

func serveDocs(w http.ResponseWriter, r *http.Request) {
	stateOf(r.Context()).route = "/docs"
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(docs)
}
