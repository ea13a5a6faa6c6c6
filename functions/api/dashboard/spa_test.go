package dashboard

import (
	"bytes"
	"compress/gzip"
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

func TestPackedFormGoesToThoseWhoTakeIt(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, err := zip.Write([]byte("let a"))
	require.NoError(t, err)
	require.NoError(t, zip.Close())
	h := serve(fstest.MapFS{
		"assets/app-1a2b3c.js.gz": {Data: packed.Bytes()},
		"assets/small-9.js":       {Data: []byte("let b")},
		"assets/torn-5.js.gz":     {Data: packed.Bytes()[:packed.Len()-6]},
	})
	for _, c := range []struct {
		name, path, accept string
		status             int
		coding, body       string
	}{
		{"Browser", "/assets/app-1a2b3c.js", "gzip, deflate, br", 200, "gzip", packed.String()},
		{"Weighted", "/assets/app-1a2b3c.js", "br;q=1, gzip;q=0.5", 200, "gzip", packed.String()},
		{"Refused", "/assets/app-1a2b3c.js", "gzip;q=0", 200, "", "let a"},
		{"Plain", "/assets/app-1a2b3c.js", "", 200, "", "let a"},
		{"NoPackedForm", "/assets/small-9.js", "gzip", 200, "", "let b"},
		{"Torn", "/assets/torn-5.js", "", 404, "", "There is nothing here.\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, c.path, nil)
			r.Header.Set("Accept-Encoding", c.accept)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Equal(t, c.status, w.Code)
			require.Equal(t, c.coding, w.Header().Get("Content-Encoding"))
			require.Equal(t, c.body, w.Body.String())
			if c.status == http.StatusOK {
				require.Contains(t, w.Header().Get("Content-Type"), "javascript")
				require.Equal(t, "public, max-age=31536000, immutable", w.Header().Get("Cache-Control"))
			}
		})
	}
}
