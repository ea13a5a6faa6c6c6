package ledger

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrKnown says that an entry with this id is in the book already.
var ErrKnown = errors.New("the ledger holds this id already")

// Entry is one post as the network accepted it.
type Entry struct {
	// ID is the network's own id of the post.
	ID string `json:"id"`
	// AccountID and Handle say who posted, by the network's id and by name.
	AccountID string `json:"account_id"`
	Handle    string `json:"handle"`
	// Text is what the client sent; StoredText is what the network keeps and
	// answers, with links shortened and marks escaped as that network does.
	Text       string `json:"text"`
	StoredText string `json:"stored_text"`
	Links      []Link `json:"links,omitempty"`
	// Media are the images that the audience saw under the text.
	Media []Media `json:"media,omitempty"`
	// ReplyTo is the id of the post this one answers, empty for none.
	ReplyTo string `json:"reply_to,omitempty"`
	// ConversationID is the id of the first post of the thread.
	ConversationID string `json:"conversation_id"`
	// AcceptedAt is the instant from which the audience could see it.
	AcceptedAt time.Time `json:"accepted_at"`
	// DeletedAt is zero while the post stands.
	DeletedAt time.Time `json:"deleted_at,omitzero"`
	// ClientSaw is "answered", or the kind of the fault that kept the answer
	// from the client although the post was accepted.
	ClientSaw string `json:"client_saw"`
}

// Link is a web address in a post and what the network made of it.
type Link struct {
	Short    string `json:"short"`
	Expanded string `json:"expanded"`
	Display  string `json:"display"`
}

// Media is an image as the audience saw it, or heard it read out.
type Media struct {
	// ID is the network's own id of the file.
	ID   string `json:"id"`
	Type string `json:"type"`
	// Digest is the SHA-256 of the bytes that the client sent, hexadecimal
	// behind "sha256:".
	Digest string `json:"digest"`
	Alt    string `json:"alt"`
}

// Deleted reports whether the post was taken down.
func (e Entry) Deleted() bool { return !e.DeletedAt.IsZero() }

// Book holds the entries in the order in which they were accepted. It is safe
// for concurrent use; what it returns are copies.
type Book struct {
	mu       sync.RWMutex
	entries  []Entry
	byID     map[string]int
	accounts map[string][]int
	threads  map[string][]int
}

// NewBook returns an empty book.
func NewBook() *Book {
	return &Book{byID: map[string]int{}, accounts: map[string][]int{}, threads: map[string][]int{}}
}

// Add writes an entry down. It returns ErrKnown when the id is taken: a network
// never accepts two posts under one id.
func (b *Book) Add(e Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.byID[e.ID]; ok {
		return ErrKnown
	}
	i := len(b.entries)
	b.byID[e.ID] = i
	b.accounts[e.AccountID] = append(b.accounts[e.AccountID], i)
	b.threads[e.ConversationID] = append(b.threads[e.ConversationID], i)
	b.entries = append(b.entries, e)
	return nil
}

// Delete marks the entry as taken down at the given instant and reports whether
// it stood until then.
func (b *Book) Delete(id string, at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, ok := b.byID[id]
	if !ok || b.entries[i].Deleted() {
		return false
	}
	b.entries[i].DeletedAt = at
	return true
}

// Get returns the entry with this id, deleted or not.
func (b *Book) Get(id string) (Entry, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	i, ok := b.byID[id]
	if !ok {
		return Entry{}, false
	}
	return b.entries[i], true
}

// Len returns how many entries were ever accepted, deleted ones included.
func (b *Book) Len() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.entries)
}

// Find returns, oldest first, every entry for which keep says yes.
func (b *Book) Find(keep func(Entry) bool) []Entry {
	b.mu.RLock()
	defer b.mu.RUnlock()
	found := []Entry{}
	for _, e := range b.entries {
		if keep(e) {
			found = append(found, e)
		}
	}
	return found
}

// Latest returns, newest first, up to limit entries of one account for which
// keep says yes. It stops looking once stop says that an entry, and so every
// older one, is out of interest; a nil stop never does.
func (b *Book) Latest(accountID string, limit int, keep, stop func(Entry) bool) []Entry {
	b.mu.RLock()
	defer b.mu.RUnlock()
	found := []Entry{}
	for _, i := range slices.Backward(b.accounts[accountID]) {
		e := b.entries[i]
		if len(found) == limit || (stop != nil && stop(e)) {
			break
		}
		if keep(e) {
			found = append(found, e)
		}
	}
	return found
}

// Page returns, newest first, up to limit entries of all accounts for which
// keep says yes.
func (b *Book) Page(limit int, keep func(Entry) bool) []Entry {
	b.mu.RLock()
	defer b.mu.RUnlock()
	found := []Entry{}
	for _, e := range slices.Backward(b.entries) {
		if len(found) == limit {
			break
		}
		if keep(e) {
			found = append(found, e)
		}
	}
	return found
}

// Thread returns the entries of one conversation in the order in which they
// were accepted, deleted ones included.
func (b *Book) Thread(conversationID string) []Entry {
	b.mu.RLock()
	defer b.mu.RUnlock()
	found := make([]Entry, 0, len(b.threads[conversationID]))
	for _, i := range b.threads[conversationID] {
		found = append(found, b.entries[i])
	}
	return found
}

// Clear empties the book.
func (b *Book) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = nil
	clear(b.byID)
	clear(b.accounts)
	clear(b.threads)
}
