package x

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"rostrum/shared/simulator/ledger"
)

// control mounts the surface by which tests and people steer the network. It is
// no part of X.
func (s *Server) control(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sim/ledger", s.ledger)
	mux.HandleFunc("POST /_sim/reset", s.reset)
	mux.HandleFunc("GET /_sim/time", s.clock)
	mux.HandleFunc("POST /_sim/time", s.advance)
	mux.HandleFunc("GET /_sim/accounts", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"items": s.Accounts()})
	})
	mux.HandleFunc("POST /_sim/accounts", s.addAccounts)
	mux.HandleFunc("POST /_sim/tokens", s.grantTokens)
	mux.HandleFunc("POST /_sim/tokens/expire", s.endTokens(s.ExpireTokens))
	mux.HandleFunc("POST /_sim/tokens/revoke", s.endTokens(s.RevokeTokens))
	mux.HandleFunc("POST /_sim/media/expire", s.endTokens(s.ExpireMedia))
	mux.Handle("GET /_sim/media/{digest}", s.files)
	mux.HandleFunc("GET /_sim/settings", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.currentSettings())
	})
	mux.HandleFunc("POST /_sim/settings", s.changeSettings)
	mux.HandleFunc("GET /_sim/limits", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.limits.all())
	})
	mux.HandleFunc("POST /_sim/limits", s.changeLimits)
	mux.HandleFunc("DELETE /_sim/limits", func(w http.ResponseWriter, _ *http.Request) {
		s.limits.reset()
		w.WriteHeader(http.StatusNoContent)
	})
}

// Item is a post as /_sim/ledger tells it.
type Item struct {
	ledger.Entry
	URL     string  `json:"url"`
	Metrics figures `json:"metrics"`
}

// Items returns what was accepted, oldest first, deleted posts included; an
// empty handle means every account, a zero since all time.
func (s *Server) Items(handle string, since time.Time) []Item {
	handle = strings.TrimPrefix(handle, "@")
	found := s.book.Find(func(e ledger.Entry) bool {
		return (handle == "" || strings.EqualFold(handle, e.Handle)) && e.AcceptedAt.After(since)
	})
	items := make([]Item, 0, len(found))
	for _, e := range found {
		author, _ := s.accountByID(e.AccountID)
		items = append(items, Item{Entry: e, URL: s.postURL(e), Metrics: s.figures(e, author)})
	}
	return items
}

func (s *Server) postURL(e ledger.Entry) string {
	return s.cfg.PublicURL + "/" + e.Handle + "/status/" + e.ID
}

// ledger answers what the audience saw: JSON when asked for, else the page.
func (s *Server) ledger(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	wantsJSON := q.Get("format") == "json" || strings.Contains(r.Header.Get("Accept"), "application/json")
	if !wantsJSON {
		s.timelinePage(w, r, q.Get("handle"))
		return
	}
	var since time.Time
	if q.Has("since") {
		var err error
		if since, err = time.Parse(time.RFC3339Nano, q.Get("since")); err != nil {
			complain(w, http.StatusBadRequest, "since has to be a time as 2026-11-24T20:00:00.123456789Z")
			return
		}
	}
	items := s.Items(q.Get("handle"), since)
	writeJSON(w, http.StatusOK, map[string]any{"items": items, "count": len(items), "now": s.cfg.Now().UTC()})
}

func complain(w http.ResponseWriter, status int, what string) {
	writeJSON(w, status, map[string]string{"problem": what})
}

// read decodes a control body; a name that it does not know is an error.
func read(r *http.Request, into any) error {
	decoder := json.NewDecoder(io.LimitReader(r.Body, 4<<20))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// reset empties ledger, faults, limits and time. Accounts and tokens stay, so
// that what is connected stays connected.
func (s *Server) reset(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	err := s.commit(record{Kind: recordReset, At: s.cfg.Now().UTC()})
	s.shift = 0
	s.mu.Unlock()
	if err != nil {
		complain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	s.script.Clear()
	s.limits.reset()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) clock(w http.ResponseWriter, _ *http.Request) {
	s.mu.RLock()
	shift := s.shift
	s.mu.RUnlock()
	writeJSON(w, http.StatusOK, map[string]any{
		"now": s.cfg.Now().UTC(), "advanced_seconds": shift.Seconds(), "posts_aged_to": s.cfg.Now().Add(shift).UTC(),
	})
}

// advance ages every post, and nothing else: the times that posts carry must
// stay true.
func (s *Server) advance(w http.ResponseWriter, r *http.Request) {
	var body struct {
		AdvanceSeconds float64 `json:"advance_seconds"`
	}
	if err := read(r, &body); err != nil || body.AdvanceSeconds < 0 {
		complain(w, http.StatusBadRequest, `send {"advance_seconds": 3600}, not below zero`)
		return
	}
	s.mu.Lock()
	s.shift += time.Duration(body.AdvanceSeconds * float64(time.Second))
	s.mu.Unlock()
	s.clock(w, r)
}

// addAccounts takes one account or a list.
func (s *Server) addAccounts(w http.ResponseWriter, r *http.Request) {
	var raw json.RawMessage
	err := read(r, &raw)
	var wanted []Account
	if err == nil && strings.HasPrefix(strings.TrimSpace(string(raw)), "[") {
		err = json.Unmarshal(raw, &wanted)
	} else if err == nil {
		wanted = make([]Account, 1)
		err = json.Unmarshal(raw, &wanted[0])
	}
	if err != nil {
		complain(w, http.StatusBadRequest, `send {"handle": "…", "name": "…", "followers": 1200} or a list of such`)
		return
	}
	made := make([]Account, 0, len(wanted))
	for _, a := range wanted {
		a, err := s.AddAccount(a)
		switch {
		case errors.Is(err, ErrHandleTaken):
			complain(w, http.StatusConflict, err.Error())
			return
		case err != nil:
			complain(w, http.StatusBadRequest, err.Error())
			return
		}
		made = append(made, a)
	}
	writeJSON(w, http.StatusCreated, map[string]any{"items": made})
}

func (s *Server) grantTokens(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Handle string   `json:"handle"`
		Scopes []string `json:"scopes"`
	}
	if err := read(r, &body); err != nil {
		complain(w, http.StatusBadRequest, `send {"handle": "…"}`)
		return
	}
	tokens, err := s.Grant(body.Handle, body.Scopes...)
	if err != nil {
		complain(w, http.StatusNotFound, err.Error())
		return
	}
	writeJSON(w, http.StatusCreated, tokens)
}

func (s *Server) endTokens(end func(handle string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Handle string `json:"handle"`
		}
		if err := read(r, &body); err != nil {
			complain(w, http.StatusBadRequest, `send {"handle": "…"}`)
			return
		}
		if err := end(body.Handle); err != nil {
			complain(w, http.StatusNotFound, err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// changeSettings lays what is sent over the settings in force.
func (s *Server) changeSettings(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	changed := s.settings
	err := read(r, &changed)
	if err == nil && changed.Naming != namingTweet && changed.Naming != namingPost {
		err = fmt.Errorf("naming is %q or %q", namingTweet, namingPost)
	}
	if err == nil && changed.MetricsSpeed <= 0 {
		err = errors.New("metrics_speed is above zero")
	}
	if err == nil {
		s.settings = changed
	}
	s.mu.Unlock()
	if err != nil {
		complain(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, changed)
}

// changeLimits replaces the limits of the endpoints named.
func (s *Server) changeLimits(w http.ResponseWriter, r *http.Request) {
	changed := map[string]Limit{}
	if err := read(r, &changed); err != nil {
		complain(w, http.StatusBadRequest, err.Error())
		return
	}
	known := DefaultLimits()
	for name := range changed {
		if _, ok := known[name]; !ok {
			complain(w, http.StatusBadRequest, "there is no endpoint "+name)
			return
		}
	}
	s.limits.set(changed)
	writeJSON(w, http.StatusOK, s.limits.all())
}
