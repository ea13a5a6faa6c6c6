package dashboard

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

const (
	index = "index.html"
	// packed ends the name of a file that the build keeps in gzip form only.
	packed = ".gz"
)

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
		isPacked := isFile(dist, name+packed)
		if name != index && (isPacked || isFile(dist, name)) {
			if strings.HasPrefix(name, "assets/") {
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			} else {
				w.Header().Set("Cache-Control", "no-cache")
			}
			if isPacked {
				sendPacked(w, r, dist, name)
				return
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

// sendPacked sends a file that is kept in gzip form: as it is to those who take
// it, because neither API Gateway's HTTP API nor the local host packs answers and
// the scripts are a third of their size so; unpacked to the rest.
func sendPacked(w http.ResponseWriter, r *http.Request, dist fs.FS, name string) {
	body, err := fs.ReadFile(dist, name+packed)
	w.Header().Set("Vary", "Accept-Encoding")
	if acceptsGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
	} else if err == nil {
		body, err = unpack(body)
	}
	if err != nil {
		w.Header().Del("Content-Encoding")
		http.Error(w, "There is nothing here.", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", cmp.Or(mime.TypeByExtension(path.Ext(name)), "application/octet-stream"))
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		// A browser that has gone away needs no file.
		_, _ = w.Write(body)
	}
}

func unpack(body []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("open packed file: %w", err)
	}
	// The build made the file: it is as small as the build made it.
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("unpack file: %w", err)
	}
	return raw, nil
}

// acceptsGzip reads Accept-Encoding, which like Accept may come in pieces.
func acceptsGzip(r *http.Request) bool {
	for _, accepted := range r.Header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(accepted, ",") {
			name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
			if strings.TrimSpace(name) == "gzip" && strings.ReplaceAll(weight, " ", "") != "q=0" {
				return true
			}
		}
	}
	return false
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
