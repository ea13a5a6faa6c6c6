package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Files keeps the images that a network was given, so that its pages can show
// them. It is safe for concurrent use.
type Files struct {
	dir  string
	mu   sync.Mutex
	data map[string][]byte
}

// NewFiles returns an empty keep. With a folder, what is put there outlives the
// process; an empty one keeps everything in memory.
func NewFiles(dir string) *Files { return &Files{dir: dir, data: map[string][]byte{}} }

// Put keeps the bytes and returns their digest as Media has it.
func (f *Files) Put(data []byte) (string, error) {
	sum := sha256.Sum256(data)
	name := hex.EncodeToString(sum[:])
	f.mu.Lock()
	defer f.mu.Unlock()
	f.data[name] = data
	if f.dir != "" {
		if err := os.MkdirAll(f.dir, 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(f.dir, name), data, 0o600); err != nil {
			return "", err
		}
	}
	return "sha256:" + name, nil
}

// ServeHTTP answers the image whose digest is the path value of that name,
// without what stands before it.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, ok := f.get(r.PathValue("digest"))
	kind := http.DetectContentType(data)
	if !ok || !strings.HasPrefix(kind, "image/") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "max-age=86400, immutable") // the name is the content's
	_, _ = w.Write(data)
}

func (f *Files) get(name string) ([]byte, bool) {
	if raw, err := hex.DecodeString(name); err != nil || len(raw) != sha256.Size {
		return nil, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if data, ok := f.data[name]; ok || f.dir == "" {
		return slices.Clone(data), ok
	}
	data, err := os.ReadFile(filepath.Join(f.dir, filepath.Base(name)))
	return data, err == nil
}
