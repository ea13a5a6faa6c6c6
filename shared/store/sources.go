package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/store/internal/dbsqlc"
)

// SourceKind says where a source's text comes from.
type SourceKind string

// The kinds of source.
const (
	// SourceFeed is an RSS or Atom feed that is read again and again.
	SourceFeed SourceKind = "feed"
	// SourceNote is a text that a person pasted.
	SourceNote SourceKind = "note"
)

// Source is where an account's agents read.
type Source struct {
	ID        uuid.UUID
	AccountID account.ID
	Kind      SourceKind
	Title     string
	URL       string // of a feed
	Note      string // of a note
	// HTTPETag and HTTPLastModified are the validators of the last good answer.
	HTTPETag, HTTPLastModified string
	LastFetchedAt              *time.Time
	// LastProblem says to people what went wrong at the last fetch; empty when nothing did.
	LastProblem string
	Items       int
	CreatedAt   time.Time
}

// Item is one text of a source.
type Item struct {
	ID       uuid.UUID
	SourceID uuid.UUID
	Kind     SourceKind
	// Key tells the items of a source apart: a feed's GUID or address.
	Key         string
	Title       string
	URL         string
	Body        string
	PublishedAt *time.Time
	// Used says that an idea rests on it already.
	Used bool
}

// NewSource is a source as it is added.
type NewSource struct {
	AccountID account.ID
	Kind      SourceKind
	Title     string
	URL       string
	Note      string
}

// AddSource adds a source. Errors: NotFound when there is no such account.
func (tx *Tx) AddSource(ctx context.Context, workspace uuid.UUID, n NewSource) (Source, error) {
	id := newID()
	if err := tx.insertSource(ctx, workspace, id, n, false); err != nil {
		return Source{}, err
	}
	return tx.Source(ctx, workspace, id)
}

func (tx *Tx) insertSource(ctx context.Context, workspace, id uuid.UUID, n NewSource, hidden bool) error {
	err := tx.q.InsertSource(ctx, dbsqlc.InsertSourceParams{
		WorkspaceID: workspace, ID: id, AccountID: uuid.UUID(n.AccountID), Kind: string(n.Kind), Title: n.Title, Url: n.URL, Note: n.Note, Hidden: hidden,
	})
	if err != nil {
		return fmt.Errorf("add source to account %s: %w", n.AccountID, noAccount(err))
	}
	return nil
}

// Source returns a source that was not removed. Errors: NotFound.
func (tx *Tx) Source(ctx context.Context, workspace, id uuid.UUID) (Source, error) {
	row, err := tx.q.SourceByID(ctx, dbsqlc.SourceByIDParams{WorkspaceID: workspace, ID: id})
	if err != nil {
		return Source{}, fmt.Errorf("load source %s: %w", id, noSource(err))
	}
	return toSource(row.Source, row.Items), nil
}

// Sources returns an account's sources, oldest first, at most 200.
func (tx *Tx) Sources(ctx context.Context, workspace uuid.UUID, id account.ID) ([]Source, error) {
	rows, err := tx.q.SourcesOfAccount(ctx, dbsqlc.SourcesOfAccountParams{WorkspaceID: workspace, AccountID: uuid.UUID(id)})
	if err != nil {
		return nil, fmt.Errorf("list sources of account %s: %w", id, classify(err))
	}
	out := make([]Source, len(rows))
	for i, r := range rows {
		out[i] = toSource(r.Source, r.Items)
	}
	return out, nil
}

// RemoveSource takes a source away; what was made of it stays. Errors: NotFound.
func (tx *Tx) RemoveSource(ctx context.Context, workspace, id uuid.UUID) error {
	n, err := tx.q.RemoveSource(ctx, dbsqlc.RemoveSourceParams{WorkspaceID: workspace, ID: id})
	if err != nil {
		return fmt.Errorf("remove source %s: %w", id, classify(err))
	}
	if n == 0 {
		return fmt.Errorf("remove source %s: %w", id, apperr.New(apperr.NotFound, "no_such_source", "there is no such source here"))
	}
	return nil
}

// FeedsToFetch returns at most limit feeds of an account that were not read
// within maxAge, longest ago first.
func (tx *Tx) FeedsToFetch(ctx context.Context, workspace uuid.UUID, id account.ID, maxAge time.Duration, limit int) ([]Source, error) {
	rows, err := tx.q.FeedsToFetch(ctx, dbsqlc.FeedsToFetchParams{
		WorkspaceID: workspace, AccountID: uuid.UUID(id), MaxAgeSeconds: maxAge.Seconds(), MaxRows: int32(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("list feeds to fetch of account %s: %w", id, classify(err))
	}
	out := make([]Source, len(rows))
	for i, r := range rows {
		out[i] = toSource(r, 0)
	}
	return out, nil
}

// SaveFetch records that a feed was read, with its new validators, or what
// problem there was, in words for people.
func (tx *Tx) SaveFetch(ctx context.Context, workspace, id uuid.UUID, etag, lastModified, problem string) error {
	err := tx.q.SaveFetch(ctx, dbsqlc.SaveFetchParams{
		WorkspaceID: workspace, ID: id, HttpEtag: etag, HttpLastModified: lastModified, Problem: problem,
	})
	if err != nil {
		return fmt.Errorf("save fetch of source %s: %w", id, classify(err))
	}
	return nil
}

// SaveItem adds an item to a source, or brings the one with its key up to date.
func (tx *Tx) SaveItem(ctx context.Context, workspace uuid.UUID, s Source, i Item) error {
	err := tx.q.UpsertItem(ctx, dbsqlc.UpsertItemParams{
		WorkspaceID: workspace, ID: newID(), SourceID: s.ID, AccountID: uuid.UUID(s.AccountID), ItemKey: i.Key,
		Title: i.Title, Url: i.URL, Body: i.Body, PublishedAt: utcOrNil(i.PublishedAt),
	})
	if err != nil {
		return fmt.Errorf("save item of source %s: %w", s.ID, classify(err))
	}
	return nil
}

// ItemsToResearch returns at most limit items of an account: the note pasted
// with the generation first, then what no idea rests on, the newest first.
func (tx *Tx) ItemsToResearch(ctx context.Context, workspace uuid.UUID, id account.ID, generation uuid.UUID, limit int) ([]Item, error) {
	err := tx.q.UpsertNoteItems(ctx, dbsqlc.UpsertNoteItemsParams{WorkspaceID: workspace, AccountID: uuid.UUID(id), PastedSource: generation})
	if err != nil {
		return nil, fmt.Errorf("keep notes of account %s: %w", id, classify(err))
	}
	rows, err := tx.q.ItemsToResearch(ctx, dbsqlc.ItemsToResearchParams{
		WorkspaceID: workspace, AccountID: uuid.UUID(id), PastedSource: generation, MaxRows: int32(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("list items of account %s: %w", id, classify(err))
	}
	out := make([]Item, len(rows))
	for i, r := range rows {
		out[i] = toItem(r.SourceItem, r.Kind)
		out[i].Used = r.Used
	}
	return out, nil
}

// Item returns one item, of a removed source too. Errors: NotFound.
func (tx *Tx) Item(ctx context.Context, workspace, id uuid.UUID) (Item, error) {
	row, err := tx.q.ItemByID(ctx, dbsqlc.ItemByIDParams{WorkspaceID: workspace, ID: id})
	if err != nil {
		return Item{}, fmt.Errorf("load source item %s: %w", id, classify(err))
	}
	return toItem(row.SourceItem, row.Kind), nil
}

func toSource(s dbsqlc.Source, items int64) Source {
	return Source{
		ID: s.ID, AccountID: account.ID(s.AccountID), Kind: SourceKind(s.Kind), Title: s.Title, URL: s.Url, Note: s.Note,
		HTTPETag: s.HttpEtag, HTTPLastModified: s.HttpLastModified, LastFetchedAt: utcOrNil(s.LastFetchedAt),
		LastProblem: s.LastProblem, Items: int(items), CreatedAt: s.CreatedAt.UTC(),
	}
}

func toItem(i dbsqlc.SourceItem, kind string) Item {
	return Item{
		ID: i.ID, SourceID: i.SourceID, Kind: SourceKind(kind), Key: i.ItemKey, Title: i.Title, URL: i.Url, Body: i.Body,
		PublishedAt: utcOrNil(i.PublishedAt),
	}
}

func noSource(err error) error {
	err = classify(err)
	if apperr.Is(err, apperr.NotFound) {
		return apperr.New(apperr.NotFound, "no_such_source", "there is no such source here").WithCause(err)
	}
	return err
}
