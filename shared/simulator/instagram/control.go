package instagram

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"rostrum/shared/simulator/ledger"
)

// control mounts the surface by which tests and people steer the network. It is
// no part of Instagram.
func (s *Server) control(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sim/ledger", s.ledger)
	mux.HandleFunc("POST /_sim/reset", s.reset)
	mux.HandleFunc("POST /_sim/time", s.advance)
	mux.HandleFunc("GET /_sim/accounts", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"items": s.Accounts()})
	})
	mux.HandleFunc("POST /_sim/accounts", s.addAccount)
	mux.HandleFunc("POST /_sim/tokens", s.grantToken)
	mux.HandleFunc("POST /_sim/tokens/expire", s.onHandle(s.ExpireTokens))
	mux.HandleFunc("POST /_sim/tokens/revoke", s.onHandle(s.RevokeTokens))
	mux.HandleFunc("GET /_sim/containers", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"items": s.Containers()})
	})
	mux.HandleFunc("POST /_sim/containers/expire", s.onHandle(s.ExpireContainers))
	mux.HandleFunc("POST /_sim/fates", s.doom)
	mux.HandleFunc("DELETE /_sim/fates", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFates()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /_sim/posts/delete", s.deletePost)
	mux.Handle("GET /_sim/media/{digest}", s.files)
	mux.HandleFunc("GET /_sim/settings", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.currentSettings())
	})
	mux.HandleFunc("POST /_sim/settings", s.changeSettings)
}

// Item is a post as /_sim/ledger tells it.
type Item struct {
	ledger.Entry

	URL     string  `json:"url"`
	Metrics figures `json:"metrics"`
}

// Items returns what was published, oldest first, deleted posts included; an
// empty handle means every account, a zero since all time.
func (s *Server) Items(handle string, since time.Time) []Item {
	handle = strings.TrimPrefix(handle, "@")
	found := s.book.Find(func(e ledger.Entry) bool {
		return (handle == "" || strings.EqualFold(handle, e.Handle)) && e.AcceptedAt.After(since)
	})
	items := make([]Item, 0, len(found))
	for _, e := range found {
		author, _ := s.accountByID(e.AccountID)
		items = append(items, Item{Entry: e, URL: s.permalink(e), Metrics: s.figures(e, author)})
	}
	return items
}

// ledger answers what the audience saw: JSON when asked for, else the page.
func (s *Server) ledger(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("format") != "json" && !strings.Contains(r.Header.Get("Accept"), "application/json") {
		s.feedPage(w, r, q.Get("handle"))
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

// steer decodes a control body and does what it asks for; a name that it does
// not know is an error. An account that is not there answers 404.
func steer[T any](w http.ResponseWriter, r *http.Request, do func(body T) (any, error)) {
	decoder := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	decoder.DisallowUnknownFields()
	var body T
	if err := decoder.Decode(&body); err != nil && !errors.Is(err, io.EOF) {
		complain(w, http.StatusBadRequest, err.Error())
		return
	}
	answer, err := do(body)
	switch {
	case errors.Is(err, ErrNoAccount):
		complain(w, http.StatusNotFound, err.Error())
	case errors.Is(err, ErrHandleTaken):
		complain(w, http.StatusConflict, err.Error())
	case err != nil:
		complain(w, http.StatusBadRequest, err.Error())
	case answer == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}

// named is a control body that names an account.
type named struct {
	Handle string   `json:"handle"`
	Scopes []string `json:"scopes"`
}

// reset empties ledger, containers, faults, fates and time. Accounts and tokens
// stay, so that what is connected stays connected.
func (s *Server) reset(w http.ResponseWriter, r *http.Request) {
	steer(w, r, func(struct{}) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := s.commit(record{Kind: recordReset, At: s.cfg.Now().UTC()}); err != nil {
			return nil, err
		}
		s.shift, s.fates = 0, nil
		s.script.Clear()
		return nil, nil //nolint:nilnil // there is nothing to answer
	})
}

// advance ages every post, and nothing else: the times that posts carry must
// stay true.
func (s *Server) advance(w http.ResponseWriter, r *http.Request) {
	steer(w, r, func(body struct {
		AdvanceSeconds float64 `json:"advance_seconds"`
	},
	) (any, error) {
		if body.AdvanceSeconds < 0 {
			return nil, errors.New("advance_seconds is not below zero")
		}
		s.mu.Lock()
		s.shift += time.Duration(body.AdvanceSeconds * float64(time.Second))
		s.mu.Unlock()
		return map[string]any{"now": s.cfg.Now().UTC(), "posts_aged_to": s.agedNow().UTC()}, nil
	})
}

func (s *Server) addAccount(w http.ResponseWriter, r *http.Request) {
	steer(w, r, func(a Account) (any, error) {
		made, err := s.AddAccount(a)
		return map[string]any{"items": []Account{made}}, err
	})
}

func (s *Server) grantToken(w http.ResponseWriter, r *http.Request) {
	steer(w, r, func(body named) (any, error) { return s.Grant(body.Handle, body.Scopes...) })
}

func (s *Server) onHandle(do func(handle string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		steer(w, r, func(body named) (any, error) { return nil, do(body.Handle) })
	}
}

func (s *Server) doom(w http.ResponseWriter, r *http.Request) {
	steer(w, r, func(f Fate) (any, error) { return nil, s.Doom(f) })
}

// DeletePost takes a post down, as its owner can in the app; no call of the API
// does. It reports whether it stood until then.
func (s *Server) DeletePost(id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.book.Get(id); !ok || e.Deleted() {
		return false, nil
	}
	return true, s.commit(record{Kind: recordDelete, ID: id, At: s.cfg.Now().UTC()})
}

func (s *Server) deletePost(w http.ResponseWriter, r *http.Request) {
	steer(w, r, func(body struct {
		ID string `json:"id"`
	},
	) (any, error) {
		ok, err := s.DeletePost(body.ID)
		return map[string]bool{"deleted": ok}, err
	})
}

// changeSettings lays what is sent over the settings in force.
func (s *Server) changeSettings(w http.ResponseWriter, r *http.Request) {
	steer(w, r, func(body json.RawMessage) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		changed := s.settings
		decoder := json.NewDecoder(strings.NewReader(string(body)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&changed); err != nil {
			return nil, err
		}
		if changed.MetricsSpeed <= 0 || changed.ProcessingMS < 0 || changed.QuotaTotal < 0 {
			return nil, errors.New("metrics_speed is above zero, processing_ms and quota_total are not below")
		}
		s.settings = changed
		return changed, nil
	})
}

// Change lays settings over those in force.
func (s *Server) Change(change func(*Settings)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.settings)
}
