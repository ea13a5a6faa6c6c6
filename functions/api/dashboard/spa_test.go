package dashboard

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestPagesAndFiles(t *testing.T) {
	t.Parallel()
	h := serve(fstest.MapFS{
		"index.html":           {Data: []byte("<html>the app</html>")},
		"assets/app-1a2b3c.js": {Data: []byte("let a")},
		"favicon.svg":          {Data: []byte("<svg/>")},
		".gitkeep":             {},
	})
	const browser = "text/html,application/xhtml+xml"
	for _, c := range []struct {
		name, method, path, accept string
		status                     int
		cache, body                string
	}{
		{"Home", "GET", "/", browser, 200, "no-store", "the app"},
		{"DeepLink", "GET", "/posts/7", browser, 200, "no-store", "the app"},
		{"IndexByName", "GET", "/index.html", browser, 200, "no-store", "the app"},
		{"HashedAsset", "GET", "/assets/app-1a2b3c.js", "*/*", 200, "public, max-age=31536000, immutable", "let a"},
		{"OtherFile", "GET", "/favicon.svg", "image/*", 200, "no-cache", "<svg/>"},
		{"LostAsset", "GET", "/assets/gone.js", browser, 404, "", "nothing here"},
		{"NotAPage", "GET", "/posts/7", "application/json", 404, "", "nothing here"},
		{"NoDotFiles", "GET", "/.gitkeep", "*/*", 404, "", "nothing here"},
		{"NoWayOut", "GET", "/../secret", "*/*", 404, "", "nothing here"},
		{"OnlyReading", "POST", "/", browser, 405, "", "only be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(c.method, c.path, nil)
			r.Header.Set("Accept", c.accept)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Equal(t, c.status, w.Code)
			require.Equal(t, c.cache, w.Header().Get("Cache-Control"))
			require.Contains(t, w.Body.String(), c.body)
		})
	}
}

func TestWithoutABuildThePageSaysWhatToDo(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	serve(fstest.MapFS{".gitkeep": {}}).ServeHTTP(w, r)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Contains(t, w.Body.String(), "make dashboard")
}
