package dashboard

import (
	"io/fs"
	"net/http"
	"path"
	"strings"
)

const index = "index.html"

// serve serves a tree of built pages. A file that is there is sent; any other
// address that a browser opens as a page gets index.html, whose script knows the
// way. What the build names by its hash never changes and is kept for a year.
func serve(dist fs.FS) http.Handler {
	files := http.FileServerFS(dist)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "This page can only be read.", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if name != "" && name != index && isFile(dist, name) {
			if strings.HasPrefix(name, "assets/") {
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			} else {
				w.Header().Set("Cache-Control", "no-cache")
			}
			files.ServeHTTP(w, r)
			return
		}
		if !wantsPage(r) || strings.HasPrefix(name, "assets/") {
			http.Error(w, "There is nothing here.", http.StatusNotFound)
			return
		}
		page, err := fs.ReadFile(dist, index)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			page = []byte(notBuilt)
		}
		// A browser that has gone away needs no page.
		_, _ = w.Write(page)
	})
}

func isFile(dist fs.FS, name string) bool {
	info, err := fs.Stat(dist, name)
	return err == nil && !info.IsDir() && path.Base(name)[0] != '.'
}

// wantsPage reports whether a browser opens the address as a page. The header
// may come in pieces: API Gateway's adapter splits it at its commas.
func wantsPage(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		if strings.Contains(accept, "text/html") {
			return true
		}
	}
	return false
}

const notBuilt = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Rostrum</title></head>
<body><main><h1>The dashboard is not built yet</h1>
<p>Run <code>make dashboard</code> and start again. The API is there: see <a href="/docs">/docs</a>.</p></main></body></html>
`
