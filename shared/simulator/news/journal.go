package news

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// journalled is how many requests are remembered, the newest.
const journalled = 1000

// request is one that came, as /_sim/requests shows it.
type request struct {
	At   time.Time `json:"at"`
	Path string    `json:"path"`
	// Conditional says that the reader named what it had already.
	Conditional bool   `json:"conditional"`
	UserAgent   string `json:"user_agent"`
}

// journal is what was asked for, so that one can see how often a reader reads.
type journal struct {
	mu    sync.Mutex
	items []request
}

func (j *journal) note(r *http.Request, now time.Time) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.items) == journalled {
		j.items = slices.Delete(j.items, 0, 1)
	}
	j.items = append(j.items, request{
		At: now.UTC(), Path: r.URL.Path, UserAgent: r.UserAgent(),
		Conditional: r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Modified-Since") != "",
	})
}

func (j *journal) show(w http.ResponseWriter, _ *http.Request) {
	j.mu.Lock()
	items := append([]request{}, j.items...)
	j.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	raw, err := json.Marshal(map[string][]request{"items": items})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(raw)
}
