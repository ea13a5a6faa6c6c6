package instagram

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rostrum/shared/simulator/ledger"
)

// codeLife is how long an authorization code works (business login page, read
// 2026-11).
const codeLife = time.Hour

// code is a consent that was not yet turned into a token. It is used once and
// lives in memory only: a restart ends it.
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
}

// parseAuthorization checks the query of the consent page and returns what is
// wrong in words, empty when nothing is.
func (s *Server) parseAuthorization(q url.Values) (authorization, string) {
	a := authorization{
		ClientID: q.Get("client_id"), RedirectURI: q.Get("redirect_uri"), State: q.Get("state"),
		Scopes: strings.FieldsFunc(q.Get("scope"), func(r rune) bool { return r == ',' || r == ' ' }),
	}
	target, err := url.Parse(a.RedirectURI)
	switch {
	case q.Get("response_type") != "code":
		return a, "response_type has to be code."
	case a.ClientID == "" || (s.cfg.ClientID != "" && a.ClientID != s.cfg.ClientID):
		return a, "client_id is not that of a registered app."
	case err != nil || target.Scheme == "" || target.Host == "":
		return a, "redirect_uri has to be an absolute address."
	case len(s.cfg.RedirectURIs) > 0 && !slices.Contains(s.cfg.RedirectURIs, a.RedirectURI):
		return a, "redirect_uri is not registered for this app; it has to match exactly."
	case !slices.Contains(a.Scopes, basic):
		return a, "scope has to hold instagram_business_basic."
	}
	for _, scope := range a.Scopes {
		if !slices.Contains(append(DefaultScopes(), "instagram_business_manage_comments", "instagram_business_manage_messages"), scope) {
			return a, "there is no scope " + scope + "."
		}
	}
	return a, ""
}

// consent makes a code and returns the address that carries it to the app. Its
// end is not part of the code and is sent all the same.
func (s *Server) consent(a authorization, accountID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	maps.DeleteFunc(s.codes, func(_ string, c code) bool { return !now.Before(c.expires) })
	key := secret("code")
	s.codes[key] = code{request: a, accountID: accountID, expires: now.Add(codeLife)}
	return a.back(url.Values{"code": {key}, "state": {a.State}}) + "#_"
}

// back returns the app's address with values added to its query.
func (a authorization) back(values url.Values) string {
	target, err := url.Parse(a.RedirectURI)
	if err != nil {
		return a.RedirectURI // It was parsed before; this cannot happen.
	}
	q := target.Query()
	for name, value := range values {
		if value[0] != "" {
			q[name] = value
		}
	}
	target.RawQuery = q.Encode()
	return target.String()
}

// refuseCode answers in the shape of api.instagram.com, which is not the Graph
// API's.
func refuseCode(w http.ResponseWriter, message string) {
	writeJSON(w, http.StatusBadRequest, map[string]any{"error_type": "OAuthException", "code": 400, "error_message": message})
}

// exchangeCode is POST /oauth/access_token: a code for a token of an hour. A
// code is spent by the attempt, whether it succeeds or not.
func (s *Server) exchangeCode(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if r.ParseForm() != nil || r.PostForm.Get("grant_type") != "authorization_code" {
		refuseCode(w, "Invalid grant_type")
		return
	}
	form := r.PostForm
	if s.cfg.ClientID != "" && (form.Get("client_id") != s.cfg.ClientID || form.Get("client_secret") != s.cfg.ClientSecret) {
		refuseCode(w, "Invalid platform app")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := form.Get("code")
	c, ok := s.codes[key]
	delete(s.codes, key)
	now := s.cfg.Now().UTC()
	switch {
	case !ok || !now.Before(c.expires) || c.request.ClientID != form.Get("client_id"):
		refuseCode(w, "This authorization code has been used or has expired")
		return
	case form.Get("redirect_uri") != c.request.RedirectURI:
		refuseCode(w, "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request")
		return
	}
	t := token{
		Value: secret("short"), AccountID: c.accountID, ClientID: c.request.ClientID, Scopes: c.request.Scopes, MadeAt: now, Expires: now.Add(shortLife),
	}
	if _, err := s.give(t, now); err != nil {
		refuse(w, serverError())
		return
	}
	// The id is the user's within the app, not that of the professional account.
	scoped := ledger.Spread("scoped", c.accountID)%1e15 + 1e15
	writeJSON(w, http.StatusOK, map[string]any{"access_token": t.Value, "user_id": scoped, "permissions": strings.Join(t.Scopes, ",")})
}

// exchangeToken is GET /access_token: a short token for one of 60 days.
func (s *Server) exchangeToken(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var p problem
	switch {
	case q.Get("grant_type") != "ig_exchange_token":
		p = parameter("grant_type has to be ig_exchange_token")
	case s.cfg.ClientSecret != "" && q.Get("client_secret") != s.cfg.ClientSecret:
		p = graph(1, 0, "Error validating client secret.") // The code is unverified.
		p.Code = 101
	default:
		s.prolong(w, q.Get("access_token"), false)
		return
	}
	refuse(w, p)
}

// refreshToken is GET /refresh_access_token: another 60 days.
func (s *Server) refreshToken(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("grant_type") != "ig_refresh_token" {
		refuse(w, parameter("grant_type has to be ig_refresh_token"))
		return
	}
	s.prolong(w, q.Get("access_token"), true)
}

// prolong gives a token of 60 days for a short one or for a long one. The one
// before goes on working until its own end.
func (s *Server) prolong(w http.ResponseWriter, value string, long bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now().UTC()
	old, bad := s.valid(value)
	if bad == nil && old.Long != long {
		p := parameter("The token is not of the kind that this call takes")
		bad = &p
	}
	if bad == nil && long && now.Sub(old.MadeAt) < youngest {
		// That it is refused is documented, how is not.
		p := parameter("The access token is not old enough to be refreshed")
		bad = &p
	}
	if bad != nil {
		refuse(w, *bad)
		return
	}
	fresh := old
	fresh.Long, fresh.MadeAt, fresh.Expires = true, now, now.Add(longLife)
	if !long || !s.settings.KeepTokens {
		fresh.Value = secret("long")
	}
	t, err := s.give(fresh, now)
	if err != nil {
		refuse(w, serverError())
		return
	}
	writeJSON(w, http.StatusOK, t)
}
