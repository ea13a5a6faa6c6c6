package instagram

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// shortLife and longLife are those of the two kinds of token, and youngest is
	// the age from which a long one can be refreshed (business login page, read
	// 2026-11).
	shortLife = time.Hour
	longLife  = 60 * 24 * time.Hour
	youngest  = 24 * time.Hour
)

// token is an access token as the journal keeps it.
type token struct {
	Value     string    `json:"value"`
	AccountID string    `json:"account_id"`
	ClientID  string    `json:"client_id"`
	Scopes    []string  `json:"scopes"`
	Long      bool      `json:"long"`
	MadeAt    time.Time `json:"made_at"`
	Expires   time.Time `json:"expires"`
	Revoked   bool      `json:"revoked,omitempty"`
}

// covers reports whether the token carries every scope.
func (t token) covers(scopes []string) bool {
	return !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(t.Scopes, s) })
}

// Token is a long-lived token as the token endpoint answers it.
type Token struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
}

// DefaultScopes are those of an app that posts and reads figures.
func DefaultScopes() []string { return []string{basic, publish, insights} }

// Grant gives out a long-lived token for an account without the consent page,
// for tests and seeding. It is a day old, so that it can be refreshed. No scopes
// means DefaultScopes. It returns ErrNoAccount.
func (s *Server) Grant(handle string, scopes ...string) (Token, error) {
	a, ok := s.accountByHandle(handle)
	if !ok {
		return Token{}, fmt.Errorf("grant a token for %s: %w", handle, ErrNoAccount)
	}
	if len(scopes) == 0 {
		scopes = DefaultScopes()
	}
	now := s.cfg.Now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.give(token{
		Value: secret("long"), AccountID: a.ID, ClientID: s.cfg.ClientID, Scopes: scopes, Long: true, MadeAt: now.Add(-youngest), Expires: now.Add(longLife),
	}, now)
}

// give makes a token durable and returns it. The caller holds the lock.
func (s *Server) give(t token, now time.Time) (Token, error) {
	if err := s.commit(record{Kind: recordToken, Token: &t}); err != nil {
		return Token{}, err
	}
	return Token{AccessToken: t.Value, TokenType: "bearer", ExpiresIn: int(t.Expires.Sub(now) / time.Second)}, nil
}

// ExpireTokens ends every token of an account now, as 60 days would. It returns
// ErrNoAccount.
func (s *Server) ExpireTokens(handle string) error {
	a, ok := s.accountByHandle(handle)
	if !ok {
		return fmt.Errorf("expire tokens of %s: %w", handle, ErrNoAccount)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now().UTC()
	var records []record
	for _, t := range s.tokens {
		if t.AccountID == a.ID && t.Expires.After(now) {
			t.Expires = now
			records = append(records, record{Kind: recordToken, Token: &t})
		}
	}
	return s.commit(records...)
}

// RevokeTokens ends every consent of an account, as its owner can in
// Instagram's settings. It returns ErrNoAccount.
func (s *Server) RevokeTokens(handle string) error {
	a, ok := s.accountByHandle(handle)
	if !ok {
		return fmt.Errorf("revoke tokens of %s: %w", handle, ErrNoAccount)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commit(record{Kind: recordRevoke, ID: a.ID, At: s.cfg.Now().UTC()})
}

func bearerOf(r *http.Request) string {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "OAuth") {
		return ""
	}
	return strings.TrimSpace(value)
}

// bearer returns the valid token that the request bears, in its header or as a
// parameter, and whose it is.
func (s *Server) bearer(r *http.Request, in params) (token, Account, *problem) {
	value := bearerOf(r)
	if value == "" {
		value = in["access_token"]
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, bad := s.valid(value)
	return t, s.byID[t.AccountID], bad
}

// valid looks a token up. The caller holds the lock.
func (s *Server) valid(value string) (token, *problem) {
	t, ok := s.tokens[value]
	var p problem
	switch {
	case !ok:
		p = badToken()
	case t.Revoked:
		p = revokedToken()
	case !s.cfg.Now().Before(t.Expires):
		p = expiredToken()
	default:
		return t, nil
	}
	return token{}, &p
}

// usage writes the usage headers and refuses a call when one is at 100.
func (s *Server) usage(h http.Header, user Account) *problem {
	set := s.currentSettings()
	if set.AppUsage > 0 {
		h.Set("X-App-Usage", fmt.Sprintf(`{"call_count":%d,"total_time":1,"total_cputime":1}`, set.AppUsage))
	}
	regain := 0
	if set.AccountUsage >= 100 {
		regain = 1
	}
	if set.AccountUsage > 0 {
		h.Set("X-Business-Use-Case-Usage", `{"`+user.ID+`":[{"type":"instagram","call_count":`+strconv.Itoa(set.AccountUsage)+
			`,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":`+strconv.Itoa(regain)+`}]}`)
	}
	var p problem
	switch {
	case set.AppUsage >= 100:
		p = graph(4, 0, "(#4) Application request limit reached")
	case set.AccountUsage >= 100:
		p = graph(80002, 0, "(#80002) There have been too many calls to this Instagram account.")
	default:
		return nil
	}
	return &p
}
