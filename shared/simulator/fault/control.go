package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
)

// ServeHTTP is the control surface: GET lists rules, strikes, request counts
// and presets; POST adds one rule or a list of them; DELETE removes the rule
// named by ?id=, or all.
func (s *Script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		reply(w, http.StatusOK, map[string]any{
			"rules": s.Rules(), "strikes": s.Strikes(), "requests": s.Requests(),
			"presets": slices.Sorted(maps.Keys(s.presets)), "kinds": kinds(),
		})
	case http.MethodPost:
		s.post(w, r)
	case http.MethodDelete:
		id := r.URL.Query().Get("id")
		if id == "" {
			s.Clear()
		} else if !s.Remove(id) {
			reply(w, http.StatusNotFound, map[string]string{"problem": "there is no rule " + id})
			return
		}
		reply(w, http.StatusOK, map[string]any{"rules": s.Rules()})
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		reply(w, http.StatusMethodNotAllowed, map[string]string{"problem": "use GET, POST or DELETE"})
	}
}

func (s *Script) post(w http.ResponseWriter, r *http.Request) {
	rules, err := decode(r.Body)
	if err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"problem": err.Error()})
		return
	}
	// All are checked before any is put in force.
	for _, rule := range rules {
		if _, err := rule.resolve(s.presets); err != nil {
			reply(w, http.StatusBadRequest, map[string]string{"problem": err.Error()})
			return
		}
	}
	added := make([]Rule, 0, len(rules))
	for _, rule := range rules {
		rule, err := s.Add(rule)
		if err != nil {
			reply(w, http.StatusConflict, map[string]string{"problem": err.Error()})
			return
		}
		added = append(added, rule)
	}
	reply(w, http.StatusCreated, map[string]any{"added": added})
}

// decode reads one rule or a list; a name it does not know is an error, since a
// misspelt limit would strike everything.
func decode(body io.Reader) ([]Rule, error) {
	data, err := io.ReadAll(io.LimitReader(body, 1<<20))
	if err != nil {
		return nil, err
	}
	data = bytes.TrimSpace(data)
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if bytes.HasPrefix(data, []byte("[")) {
		var rules []Rule
		err = decoder.Decode(&rules)
		return rules, err
	}
	var rule Rule
	err = decoder.Decode(&rule)
	if errors.Is(err, io.EOF) {
		err = errors.New("the body is empty")
	}
	return []Rule{rule}, err
}

func reply(w http.ResponseWriter, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(encoded)
}
