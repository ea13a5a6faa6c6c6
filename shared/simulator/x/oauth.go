package x

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// codeLife is how long an authorization code works (X's authorization-code
// page, read 2026-11).
const codeLife = 30 * time.Second

// code is a consent that was not yet turned into tokens. It is used once and
// lives in memory only: a restart ends it, as half a minute would.
type code struct {
	request   authorization
	accountID string
	expires   time.Time
}

// authorization is what an app asks for on the consent page.
type authorization struct {
	ClientID    string
	RedirectURI string
	Scopes      []string
	State       string
	Challenge   string
	Method      string
}

// parseAuthorization checks the query of the consent page and returns what is
// wrong in words, empty when nothing is.
func (s *Server) parseAuthorization(q url.Values) (authorization, string) {
	a := authorization{
		ClientID: q.Get("client_id"), RedirectURI: q.Get("redirect_uri"), Scopes: strings.Fields(q.Get("scope")),
		State: q.Get("state"), Challenge: q.Get("code_challenge"), Method: q.Get("code_challenge_method"),
	}
	switch {
	case q.Get("response_type") != "code":
		return a, "response_type has to be code."
	case a.ClientID == "" || (s.cfg.ClientID != "" && a.ClientID != s.cfg.ClientID):
		return a, "client_id is not that of a registered app."
	case !absolute(a.RedirectURI):
		return a, "redirect_uri has to be an absolute address."
	case len(s.cfg.RedirectURIs) > 0 && !slices.Contains(s.cfg.RedirectURIs, a.RedirectURI):
		return a, "redirect_uri is not registered for this app; it has to match exactly."
	case len(a.Scopes) == 0:
		return a, "scope is missing."
	case a.State == "" || len(a.State) > 500:
		return a, "state has to be 1 to 500 characters."
	case a.Challenge == "" || (a.Method != "S256" && a.Method != "plain"):
		return a, "code_challenge and code_challenge_method (S256 or plain) are needed."
	}
	return a, ""
}

func absolute(address string) bool {
	target, err := url.Parse(address)
	return err == nil && target.Scheme != "" && target.Host != ""
}

// consent makes a code and returns the address that carries it to the app.
func (s *Server) consent(a authorization, accountID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	for key, c := range s.codes {
		if !now.Before(c.expires) {
			delete(s.codes, key)
		}
	}
	key := secret("code")
	s.codes[key] = code{request: a, accountID: accountID, expires: now.Add(codeLife)}
	return a.back(url.Values{"code": {key}, "state": {a.State}})
}

// back returns the app's address with values added to its query.
func (a authorization) back(values url.Values) string {
	target, err := url.Parse(a.RedirectURI)
	if err != nil {
		return a.RedirectURI // It was parsed before; this cannot happen.
	}
	q := target.Query()
	maps.Copy(q, values)
	target.RawQuery = q.Encode()
	return target.String()
}

// oauthError is the shape of the token endpoint's refusals.
type oauthError struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func invalidRequest(description string) *oauthError {
	return &oauthError{status: http.StatusBadRequest, Code: "invalid_request", Description: description}
}

// token is POST /2/oauth2/token.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	clientID, problem := s.client(r)
	if problem != nil {
		writeJSON(w, problem.status, problem)
		return
	}
	var tokens Tokens
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		tokens, problem = s.exchange(clientID, r.PostForm)
	case "refresh_token":
		tokens, problem = s.rotate(clientID, r.PostForm.Get("refresh_token"))
	default:
		problem = invalidRequest("Missing required parameter [grant_type].")
	}
	if problem != nil {
		writeJSON(w, problem.status, problem)
		return
	}
	writeJSON(w, http.StatusOK, tokens)
}

// client says which app calls: by Basic authentication, or, for a public client,
// by the form alone.
func (s *Server) client(r *http.Request) (string, *oauthError) {
	r.Body = http.MaxBytesReader(nil, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		return "", invalidRequest("The request body could not be read.")
	}
	id, password, basic := r.BasicAuth()
	if basic {
		if s.cfg.ClientID != "" && (id != s.cfg.ClientID || password != s.cfg.ClientSecret) {
			return "", &oauthError{http.StatusUnauthorized, "unauthorized_client", "Missing valid authorization header"}
		}
		return id, nil
	}
	if s.cfg.ClientSecret != "" {
		return "", &oauthError{http.StatusUnauthorized, "unauthorized_client", "Missing valid authorization header"}
	}
	id = r.PostForm.Get("client_id")
	if id == "" || (s.cfg.ClientID != "" && id != s.cfg.ClientID) {
		return "", invalidRequest("Value passed for the client id was invalid.")
	}
	return id, nil
}

// exchange turns a code into tokens. A code is spent by the attempt, whether it
// succeeds or not.
func (s *Server) exchange(clientID string, form url.Values) (Tokens, *oauthError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := form.Get("code")
	c, ok := s.codes[key]
	delete(s.codes, key)
	switch {
	case !ok || !s.cfg.Now().Before(c.expires) || c.request.ClientID != clientID:
		return Tokens{}, invalidRequest("Value passed for the authorization code was invalid.")
	case form.Get("redirect_uri") != c.request.RedirectURI:
		return Tokens{}, invalidRequest("Value passed for the redirect uri did not match the uri of the authorization code.")
	case !c.request.proves(form.Get("code_verifier")):
		return Tokens{}, invalidRequest("Value passed for the code verifier did not match the code challenge.")
	}
	tokens, err := s.issue(issued{
		Family: secret("family"), AccountID: c.accountID, ClientID: clientID, Scopes: c.request.Scopes,
	})
	return tokens, journalFailed(err)
}

// proves reports whether the verifier is the one behind the challenge.
func (a authorization) proves(verifier string) bool {
	if a.Method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		verifier = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return subtle.ConstantTimeCompare([]byte(verifier), []byte(a.Challenge)) == 1
}

// rotate gives a new pair for a refresh token, which dies by it. A token that
// was rotated before takes its whole family down: somebody holds a copy.
func (s *Server) rotate(clientID, value string) (Tokens, *oauthError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The exact description on refresh is unverified.
	invalid := invalidRequest("Value passed for the token was invalid.")
	old, ok := s.refresh[value]
	if !ok || !s.cfg.Now().Before(old.expires) {
		return Tokens{}, invalid
	}
	f := s.families[old.family]
	if f.revoked || (f.clientID != "" && f.clientID != clientID) {
		return Tokens{}, invalid
	}
	if old.rotated {
		if err := s.commit(record{Kind: recordRevoke, ID: old.family, At: s.cfg.Now().UTC()}); err != nil {
			return Tokens{}, journalFailed(err)
		}
		return Tokens{}, invalid
	}
	tokens, err := s.issue(issued{
		Family: old.family, AccountID: f.accountID, ClientID: clientID, Scopes: old.scopes, Replaces: value,
	})
	return tokens, journalFailed(err)
}

// journalFailed turns an error of the journal into an answer: what is not
// written down was not given out.
func journalFailed(err error) *oauthError {
	if err == nil {
		return nil
	}
	return &oauthError{http.StatusServiceUnavailable, "temporarily_unavailable", "The simulated network cannot write its journal."}
}

// revoke is POST /2/oauth2/revoke: it ends the family of the token, and answers
// alike for a token that it does not know.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	if _, problem := s.client(r); problem != nil {
		writeJSON(w, problem.status, problem)
		return
	}
	value := r.PostForm.Get("token")
	if value == "" {
		writeJSON(w, http.StatusBadRequest, invalidRequest("Missing required parameter [token]."))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.access[value].family
	if id == "" {
		id = s.refresh[value].family
	}
	if id != "" {
		if err := s.commit(record{Kind: recordRevoke, ID: id, At: s.cfg.Now().UTC()}); err != nil {
			problem := journalFailed(err)
			writeJSON(w, problem.status, problem)
			return
		}
	}
	writeJSON(w, http.StatusOK, map[string]bool{"revoked": true})
}
