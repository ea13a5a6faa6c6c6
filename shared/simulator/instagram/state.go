package instagram

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
	// ErrBadHandle says that a handle is not 1 to 30 letters, digits, dots and _.
	ErrBadHandle = errors.New("a handle is 1 to 30 letters, digits, dots and underscores")
	// ErrNoAccount says that there is no account with this handle.
	ErrNoAccount = errors.New("there is no such account")
)

// record is a line of the journal: one thing that the network accepted. Applying
// the records in order gives the state; nothing else changes it.
type record struct {
	Kind      string        `json:"kind"`
	Account   *Account      `json:"account,omitempty"`
	Post      *ledger.Entry `json:"post,omitempty"`
	Container *container    `json:"container,omitempty"`
	Token     *token        `json:"token,omitempty"`
	ID        string        `json:"id,omitempty"`
	At        time.Time     `json:"at,omitzero"`
}

// The kinds of record.
const (
	recordAccount   = "account"
	recordPost      = "post"      // A post, and the container that it was.
	recordContainer = "container" // One that was made or ran out.
	recordDelete    = "delete"
	recordToken     = "token"  // One that was given or changed.
	recordRevoke    = "revoke" // ID is the account; all of its tokens end.
	recordReset     = "reset"
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
		s.lastID++
		s.accounts = append(s.accounts, *r.Account)
		s.byHandle[strings.ToLower(r.Account.Handle)] = *r.Account
		s.byID[r.Account.ID] = *r.Account
	case r.Kind == recordPost && r.Post != nil && r.Container != nil:
		s.lastID++
		s.containers[r.Container.ID] = *r.Container
		return s.book.Add(*r.Post)
	case r.Kind == recordContainer && r.Container != nil:
		s.applyContainer(*r.Container)
	case r.Kind == recordDelete:
		s.book.Delete(r.ID, r.At)
	case r.Kind == recordToken && r.Token != nil:
		s.tokens[r.Token.Value] = *r.Token
	case r.Kind == recordRevoke:
		s.applyRevoke(r.ID)
	case r.Kind == recordReset:
		s.book.Clear()
		clear(s.containers)
		s.order = nil
	default:
		return fmt.Errorf("unknown record kind %q", r.Kind)
	}
	return nil
}

func (s *Server) applyRevoke(accountID string) {
	for value, t := range s.tokens {
		if t.AccountID == accountID {
			t.Revoked = true
			s.tokens[value] = t
		}
	}
}

func (s *Server) applyContainer(c container) {
	if _, ok := s.containers[c.ID]; !ok {
		s.lastID++
		s.order = append(s.order, c.ID)
	}
	s.containers[c.ID] = c
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
	a.ID, a.CreatedAt = s.nextID("account"), s.cfg.Now().UTC()
	return a, s.commit(record{Kind: recordAccount, Account: &a})
}

// Accounts returns the accounts in the order in which they were made.
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

// nextID returns an id of seventeen digits, as Instagram's are. They do not
// rise with time: nothing may be read out of their order. The caller holds the
// lock and commits a record that counts.
func (s *Server) nextID(kind string) string {
	prefix := map[string]uint64{"account": 17841, "container": 17889}[kind]
	if prefix == 0 {
		prefix = 18000 + ledger.Spread(kind, strconv.FormatUint(s.lastID, 10))%100
	}
	// A number of twelve digits without a common factor with 10^12 goes through
	// all of them before it meets one again.
	return strconv.FormatUint(prefix*1e12+(s.lastID+1)*617_283_945_011%1e12, 10)
}

func validHandle(handle string) bool {
	if handle == "" || len(handle) > 30 {
		return false
	}
	return !strings.ContainsFunc(handle, func(r rune) bool {
		return r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// secret returns an unguessable value of the given kind.
func secret(kind string) string { return "IGSIM-" + kind + "-" + rand.Text() }

// handleOf names the account whose token the request bears or renews, for the
// fault script.
func (s *Server) handleOf(r *http.Request) string {
	value := r.URL.Query().Get("access_token")
	if bearer := bearerOf(r); bearer != "" {
		value = bearer
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byID[s.tokens[value].AccountID].Handle
}
