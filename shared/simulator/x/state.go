package x

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rostrum/shared/simulator/ledger"
)

var (
	// ErrHandleTaken says that an account with this handle exists.
	ErrHandleTaken = errors.New("the handle is taken")
	// ErrBadHandle says that a handle is not 1 to 15 letters, digits and _.
	ErrBadHandle = errors.New("a handle is 1 to 15 letters, digits and underscores")
	// ErrNoAccount says that there is no account with this handle.
	ErrNoAccount = errors.New("there is no such account")
)

// record is a line of the journal: one thing that the network accepted. Applying
// the records in order gives the state; nothing else changes it.
type record struct {
	Kind    string        `json:"kind"`
	Account *Account      `json:"account,omitempty"`
	Post    *ledger.Entry `json:"post,omitempty"`
	Tokens  *issued       `json:"tokens,omitempty"`
	Media   *media        `json:"media,omitempty"`
	ID      string        `json:"id,omitempty"`
	At      time.Time     `json:"at,omitzero"`
}

// The kinds of record.
const (
	recordAccount = "account"
	recordPost    = "post"
	recordDelete  = "delete"
	recordTokens  = "tokens"
	recordMedia   = "media"  // An upload, or one that was described or ran out.
	recordRevoke  = "revoke" // ID is the family.
	recordExpire  = "expire" // ID is the account; its access tokens end at At.
	recordReset   = "reset"
)

// commit makes records durable and then true. The caller holds the lock.
func (s *Server) commit(records ...record) error {
	lines := make([]any, len(records))
	for i, r := range records {
		lines[i] = r
	}
	if err := s.journal.Append(lines...); err != nil {
		return err
	}
	for _, r := range records {
		if err := s.apply(r); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) replay(line []byte) error {
	var r record
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	return s.apply(r)
}

func (s *Server) apply(r record) error {
	switch {
	case r.Kind == recordAccount && r.Account != nil:
		s.applyAccount(*r.Account)
	case r.Kind == recordPost && r.Post != nil:
		s.seenID(r.Post.ID)
		return s.book.Add(*r.Post)
	case r.Kind == recordDelete:
		s.book.Delete(r.ID, r.At)
	case r.Kind == recordTokens && r.Tokens != nil:
		s.applyTokens(*r.Tokens)
	case r.Kind == recordMedia && r.Media != nil:
		s.seenID(r.Media.ID)
		s.uploads[r.Media.ID] = *r.Media
	case r.Kind == recordRevoke:
		s.applyRevoke(r.ID)
	case r.Kind == recordExpire:
		s.applyExpire(r.ID, r.At)
	case r.Kind == recordReset:
		s.book.Clear()
	default:
		return fmt.Errorf("unknown record kind %q", r.Kind)
	}
	return nil
}

func (s *Server) applyAccount(a Account) {
	s.seenID(a.ID)
	s.accounts = append(s.accounts, a)
	s.byHandle[strings.ToLower(a.Handle)] = a
	s.byID[a.ID] = a
}

// AddAccount makes an account and returns it with its id. It returns
// ErrHandleTaken or ErrBadHandle.
func (s *Server) AddAccount(a Account) (Account, error) {
	a.Handle = strings.TrimPrefix(a.Handle, "@")
	if !validHandle(a.Handle) {
		return Account{}, fmt.Errorf("add account %q: %w", a.Handle, ErrBadHandle)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.byHandle[strings.ToLower(a.Handle)]; ok {
		return Account{}, fmt.Errorf("add account %s: %w", a.Handle, ErrHandleTaken)
	}
	if a.Name == "" {
		a.Name = a.Handle
	}
	if a.Followers == 0 {
		a.Followers = 200 + int(ledger.Spread(a.Handle)%4800)
	}
	now := s.cfg.Now().UTC()
	a.ID, a.CreatedAt = s.nextID(now), now
	return a, s.commit(record{Kind: recordAccount, Account: &a})
}

// Accounts returns the users in the order in which they were made.
func (s *Server) Accounts() []Account {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.accounts)
}

func (s *Server) accountByHandle(handle string) (Account, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.byHandle[strings.ToLower(strings.TrimPrefix(handle, "@"))]
	return a, ok
}

func (s *Server) accountByID(id string) (Account, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.byID[id]
	return a, ok
}

func (s *Server) currentSettings() Settings {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.settings
}

// agedNow is the time by which posts age for their figures: the clock and what
// /_sim/time added to it.
func (s *Server) agedNow() time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.cfg.Now().Add(s.shift)
}

// nextID returns an id as X's snowflakes are: milliseconds since 2010-11-04 and
// 22 bits below, always above every id before. The caller holds the lock.
func (s *Server) nextID(now time.Time) string {
	const epochMS = 1288834974657
	id := (now.UnixMilli() - epochMS) << 22
	if id <= s.lastID {
		id = s.lastID + 1
	}
	s.lastID = id
	return strconv.FormatInt(id, 10)
}

func (s *Server) seenID(id string) {
	if n, err := strconv.ParseInt(id, 10, 64); err == nil && n > s.lastID {
		s.lastID = n
	}
}

func validHandle(handle string) bool {
	if handle == "" || len(handle) > 15 {
		return false
	}
	return !strings.ContainsFunc(handle, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// secret returns an unguessable value of the given kind.
func secret(kind string) string { return "sim-" + kind + "-" + rand.Text() }

// handleOf names the account whose token the request bears or renews, for the
// fault script.
func (s *Server) handleOf(r *http.Request) string {
	if _, a, ok := s.bearer(r); ok {
		return a.Handle
	}
	if r.Method != http.MethodPost || r.URL.Path != "/2/oauth2/token" || r.ParseForm() != nil {
		return ""
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if f, ok := s.families[s.refresh[r.PostForm.Get("refresh_token")].family]; ok {
		return s.byID[f.accountID].Handle
	}
	return ""
}
