package x

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// refreshLife is about six months (trypostit/trypost#126, read 2026-11).
const refreshLife = 180 * 24 * time.Hour

// family is one consent and all tokens that descend from it.
type family struct {
	accountID string
	clientID  string
	revoked   bool
}

type accessToken struct {
	family  string
	scopes  []string
	expires time.Time
}

type refreshToken struct {
	family  string
	scopes  []string
	expires time.Time
	rotated bool
}

// issued is a pair of tokens as the journal keeps it.
type issued struct {
	Family         string    `json:"family"`
	AccountID      string    `json:"account_id"`
	ClientID       string    `json:"client_id"`
	Scopes         []string  `json:"scopes"`
	Access         string    `json:"access"`
	AccessExpires  time.Time `json:"access_expires"`
	Refresh        string    `json:"refresh,omitempty"`
	RefreshExpires time.Time `json:"refresh_expires,omitzero"`
	// Replaces is the refresh token that this pair was given for.
	Replaces string `json:"replaces,omitempty"`
}

// Tokens is a pair as the token endpoint answers it.
type Tokens struct {
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	AccessToken  string `json:"access_token"`
	Scope        string `json:"scope"`
	RefreshToken string `json:"refresh_token,omitempty"`
}

// DefaultScopes are those of an app that posts and stays connected.
func DefaultScopes() []string {
	return []string{"tweet.read", "tweet.write", "users.read", "offline.access", "media.write"}
}

// covers reports whether the token carries every scope.
func (t accessToken) covers(scopes []string) bool {
	return !slices.ContainsFunc(scopes, func(s string) bool { return !slices.Contains(t.scopes, s) })
}

// Grant gives out tokens for an account without the consent page, for tests and
// seeding. No scopes means DefaultScopes. It returns ErrNoAccount.
func (s *Server) Grant(handle string, scopes ...string) (Tokens, error) {
	a, ok := s.accountByHandle(handle)
	if !ok {
		return Tokens{}, fmt.Errorf("grant tokens for %s: %w", handle, ErrNoAccount)
	}
	if len(scopes) == 0 {
		scopes = DefaultScopes()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issue(issued{Family: secret("family"), AccountID: a.ID, ClientID: s.cfg.ClientID, Scopes: scopes})
}

// issue fills in fresh tokens, makes them durable and returns them. The caller
// holds the lock.
func (s *Server) issue(i issued) (Tokens, error) {
	now := s.cfg.Now().UTC()
	i.Access, i.AccessExpires = secret("access"), now.Add(s.cfg.TokenLife)
	if slices.Contains(i.Scopes, "offline.access") {
		i.Refresh, i.RefreshExpires = secret("refresh"), now.Add(refreshLife)
	}
	if err := s.commit(record{Kind: recordTokens, Tokens: &i, At: now}); err != nil {
		return Tokens{}, err
	}
	return Tokens{
		TokenType: "bearer", ExpiresIn: int(s.cfg.TokenLife / time.Second), AccessToken: i.Access,
		Scope: strings.Join(i.Scopes, " "), RefreshToken: i.Refresh,
	}, nil
}

func (s *Server) applyTokens(i issued) {
	if _, ok := s.families[i.Family]; !ok {
		s.families[i.Family] = &family{accountID: i.AccountID, clientID: i.ClientID}
	}
	s.access[i.Access] = accessToken{family: i.Family, scopes: i.Scopes, expires: i.AccessExpires}
	if i.Refresh != "" {
		s.refresh[i.Refresh] = refreshToken{family: i.Family, scopes: i.Scopes, expires: i.RefreshExpires}
	}
	if old, ok := s.refresh[i.Replaces]; ok {
		old.rotated = true
		s.refresh[i.Replaces] = old
	}
}

func (s *Server) applyRevoke(familyID string) {
	if f, ok := s.families[familyID]; ok {
		f.revoked = true
	}
}

func (s *Server) applyExpire(accountID string, at time.Time) {
	for key, t := range s.access {
		if s.families[t.family].accountID == accountID && t.expires.After(at) {
			t.expires = at
			s.access[key] = t
		}
	}
}

// ExpireTokens ends every access token of an account now, as two hours would.
func (s *Server) ExpireTokens(handle string) error {
	a, ok := s.accountByHandle(handle)
	if !ok {
		return fmt.Errorf("expire tokens of %s: %w", handle, ErrNoAccount)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commit(record{Kind: recordExpire, ID: a.ID, At: s.cfg.Now().UTC()})
}

// RevokeTokens ends every consent of an account, as its owner can in X's
// settings.
func (s *Server) RevokeTokens(handle string) error {
	a, ok := s.accountByHandle(handle)
	if !ok {
		return fmt.Errorf("revoke tokens of %s: %w", handle, ErrNoAccount)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var records []record
	for id, f := range s.families {
		if f.accountID == a.ID && !f.revoked {
			records = append(records, record{Kind: recordRevoke, ID: id, At: s.cfg.Now().UTC()})
		}
	}
	return s.commit(records...)
}

// bearer returns the valid access token that the request bears, and whose it is.
func (s *Server) bearer(r *http.Request) (accessToken, Account, bool) {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return accessToken{}, Account{}, false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, ok := s.access[strings.TrimSpace(value)]
	if !ok || !s.cfg.Now().Before(t.expires) {
		return accessToken{}, Account{}, false
	}
	f := s.families[t.family]
	if f.revoked {
		return accessToken{}, Account{}, false
	}
	return t, s.byID[f.accountID], true
}
