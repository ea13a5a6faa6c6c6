// Package drafting turns what an account's sources say into drafts: it reads
// the feeds, has ideas found and ranked, has each written, and puts the drafts
// into review with a time suggested. A person decides on every one of them.
//
// A generation is one such run. It may die at any instruction and be delivered
// twice: a claim with a lease lets one worker at it, every write proves that the
// claim still stands, ideas are kept before they are drafted, and a draft is
// saved together with its idea's state. Start reading at Run.
package drafting

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/agency"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/clock"
	"rostrum/shared/outbox"
	"rostrum/shared/queue"
	"rostrum/shared/store"
)

const (
	// MaxWanted is the most drafts one generation may be asked for.
	MaxWanted = 10
	// maxUnfinished bounds how many generations wait for one account.
	maxUnfinished = 5
	maxNote       = 20_000
	maxTitle      = 200
	maxAddress    = 2000
)

// Service runs generations. Callers that only ask for them need Relay and
// CheckAddress; the rest is for the worker.
type Service struct {
	Relay *outbox.Relay
	// CheckAddress refuses a feed's address that must not be fetched.
	CheckAddress func(ctx context.Context, address string) error
	// FetchFeed reads a feed; see Fetched.
	FetchFeed func(ctx context.Context, f Feed) (Fetched, error)
	Meter     *agency.Meter
	Clock     clock.Clock
	Logger    *slog.Logger
}

// Feed is a feed as it was last read.
type Feed struct {
	// Workspace is whose source it is.
	Workspace uuid.UUID
	URL       string
	// ETag and LastModified are the validators of the last good answer.
	ETag, LastModified string
}

// Fetched is what reading a feed came to. An error of FetchFeed is what went
// wrong, with a message for people; it never stops a generation.
type Fetched struct {
	// NotModified says that nothing is new; Items is empty then.
	NotModified        bool
	ETag, LastModified string
	Items              []store.Item
}

// Request asks for drafts for an account; note, when there is one, is read
// before all sources. Errors: Forbidden; NotFound for an account of another
// workspace; Invalid (bad_wanted, note_too_long); Conflict (too_many_runs).
func (s *Service) Request(ctx context.Context, actor audit.Actor, id account.ID, wanted int, note string) (store.Generation, error) {
	if wanted < 1 || wanted > MaxWanted {
		return store.Generation{}, apperr.New(apperr.Invalid, "bad_wanted", "ask for 1 to %d drafts", MaxWanted).WithField("wanted")
	}
	note = strings.TrimSpace(note)
	if utf8.RuneCountInString(note) > maxNote {
		return store.Generation{}, apperr.New(apperr.Invalid, "note_too_long", "the note is longer than %d characters", maxNote).WithField("note")
	}
	if !utf8.ValidString(note) || strings.ContainsRune(note, 0) {
		return store.Generation{}, apperr.New(apperr.Invalid, "bad_text", "the note is not valid text").WithField("note")
	}
	return s.request(ctx, actor, store.NewGeneration{AccountID: id, Wanted: wanted, Note: note})
}

// RequestFromIdea asks for a draft of one idea. Errors: Forbidden; NotFound;
// Conflict (wrong_state) when the idea was drafted or dismissed, and
// too_many_runs.
func (s *Service) RequestFromIdea(ctx context.Context, actor audit.Actor, idea uuid.UUID) (store.Generation, error) {
	return s.request(ctx, actor, store.NewGeneration{Wanted: 1, IdeaID: &idea})
}

func (s *Service) request(ctx context.Context, actor audit.Actor, n store.NewGeneration) (store.Generation, error) {
	if err := auth.Require(actor, auth.RunAgents); err != nil {
		return store.Generation{}, err
	}
	n.Actor, n.Progress = actor, "Waiting for its turn."
	var g store.Generation
	err := s.Relay.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		if n.IdeaID != nil {
			idea, err := tx.Idea(ctx, actor.WorkspaceID, *n.IdeaID)
			if err != nil {
				return err
			}
			if idea.State != store.IdeaNew {
				return apperr.New(apperr.Conflict, "wrong_state", "this idea was drafted or dismissed already").WithHint("Reload the ideas.")
			}
			n.AccountID = idea.AccountID
		}
		a, err := tx.LockAccount(ctx, actor.WorkspaceID, n.AccountID)
		if err != nil {
			return err
		}
		unfinished, err := tx.UnfinishedGenerations(ctx, actor.WorkspaceID, a.ID)
		if err != nil {
			return err
		}
		if unfinished >= maxUnfinished {
			return apperr.New(apperr.Conflict, "too_many_runs", "%d runs are waiting for @%s already", unfinished, a.Handle).
				WithHint("Let them finish first.")
		}
		g, err = s.add(ctx, tx, n)
		return err
	})
	if err != nil {
		return store.Generation{}, fmt.Errorf("request drafts: %w", err)
	}
	return g, nil
}

func (s *Service) add(ctx context.Context, tx *store.Tx, n store.NewGeneration) (store.Generation, error) {
	g, err := tx.AddGeneration(ctx, n)
	if err != nil {
		return store.Generation{}, err
	}
	if err := record(ctx, tx, g, n.Actor, "generation.requested", map[string]any{"wanted": n.Wanted}); err != nil {
		return store.Generation{}, err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return store.Generation{}, err
	}
	return g, enqueue(ctx, tx, g.WorkspaceID, g.ID, g.CorrelationID, now)
}

// Dismiss takes an idea off the list. Errors: Forbidden; NotFound; Conflict
// (wrong_state) when it was drafted or dismissed already.
func (s *Service) Dismiss(ctx context.Context, actor audit.Actor, id uuid.UUID) (store.Idea, error) {
	if err := auth.Require(actor, auth.EditPosts); err != nil {
		return store.Idea{}, err
	}
	var idea store.Idea
	err := s.Relay.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		before, err := tx.Idea(ctx, actor.WorkspaceID, id)
		if err != nil {
			return err
		}
		if err := tx.MoveIdea(ctx, actor.WorkspaceID, id, store.IdeaDismissed); err != nil {
			return err
		}
		idea = before
		idea.State = store.IdeaDismissed
		return tx.Record(ctx, audit.Event{
			Actor: actor, Action: "idea.dismissed", SubjectKind: "idea", SubjectID: id, AccountID: uuid.UUID(before.AccountID),
		})
	})
	if err != nil {
		return store.Idea{}, fmt.Errorf("dismiss idea: %w", err)
	}
	return idea, nil
}

// AddSource gives an account something to read. A feed's address is checked,
// not fetched: one that is away today may be back tomorrow. Errors: Forbidden;
// NotFound; Invalid (source_address_refused, bad_source).
func (s *Service) AddSource(ctx context.Context, actor audit.Actor, n store.NewSource) (store.Source, error) {
	if err := auth.Require(actor, auth.ManageAccounts); err != nil {
		return store.Source{}, err
	}
	n.Title, n.URL, n.Note = strings.TrimSpace(n.Title), strings.TrimSpace(n.URL), strings.TrimSpace(n.Note)
	if err := s.checkSource(ctx, &n); err != nil {
		return store.Source{}, err
	}
	var added store.Source
	err := s.Relay.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) (err error) {
		if added, err = tx.AddSource(ctx, actor.WorkspaceID, n); err != nil {
			return err
		}
		return tx.Record(ctx, audit.Event{
			Actor: actor, Action: "source.added", SubjectKind: "source", SubjectID: added.ID, AccountID: uuid.UUID(n.AccountID),
			Detail: map[string]any{"kind": string(n.Kind)},
		})
	})
	if err != nil {
		return store.Source{}, fmt.Errorf("add source: %w", err)
	}
	return added, nil
}

func (s *Service) checkSource(ctx context.Context, n *store.NewSource) error {
	for field, text := range map[string]string{"title": n.Title, "note": n.Note} {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return apperr.New(apperr.Invalid, "bad_source", "the %s is not valid text", field).WithField(field)
		}
	}
	if utf8.RuneCountInString(n.Title) > maxTitle {
		return apperr.New(apperr.Invalid, "bad_source", "the title is longer than %d characters", maxTitle).WithField("title")
	}
	switch n.Kind {
	case store.SourceFeed:
		if n.URL == "" || len(n.URL) > maxAddress {
			return apperr.New(apperr.Invalid, "bad_source", "a feed needs an address of at most %d characters", maxAddress).WithField("url")
		}
		n.Note = ""
		if n.Title == "" {
			n.Title = n.URL[:min(len(n.URL), maxTitle)]
		}
		return s.CheckAddress(ctx, n.URL)
	case store.SourceNote:
		if n.Note == "" || utf8.RuneCountInString(n.Note) > maxNote {
			return apperr.New(apperr.Invalid, "bad_source", "a note needs a text of at most %d characters", maxNote).WithField("note")
		}
		n.URL = ""
		if n.Title == "" {
			n.Title = "Note"
		}
		return nil
	}
	return apperr.New(apperr.Invalid, "bad_source", "a source is a feed or a note").WithField("kind")
}

// RemoveSource takes a source away; what was made of it stays. Errors:
// Forbidden; NotFound.
func (s *Service) RemoveSource(ctx context.Context, actor audit.Actor, id uuid.UUID) error {
	if err := auth.Require(actor, auth.ManageAccounts); err != nil {
		return err
	}
	err := s.Relay.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		source, err := tx.Source(ctx, actor.WorkspaceID, id)
		if err != nil {
			return err
		}
		if err := tx.RemoveSource(ctx, actor.WorkspaceID, id); err != nil {
			return err
		}
		return tx.Record(ctx, audit.Event{
			Actor: actor, Action: "source.removed", SubjectKind: "source", SubjectID: id, AccountID: uuid.UUID(source.AccountID),
		})
	})
	if err != nil {
		return fmt.Errorf("remove source: %w", err)
	}
	return nil
}

func record(ctx context.Context, tx *store.Tx, g store.Generation, actor audit.Actor, action string, detail map[string]any) error {
	return tx.Record(ctx, audit.Event{
		Actor: actor, Action: action, SubjectKind: "generation", SubjectID: g.ID, AccountID: uuid.UUID(g.AccountID),
		CorrelationID: g.CorrelationID, Detail: detail,
	})
}

func enqueue(ctx context.Context, tx *store.Tx, workspace, generation, correlation uuid.UUID, at time.Time) error {
	return outbox.Enqueue(ctx, tx, queue.Generate, queue.Message{
		Kind: queue.GenerateDrafts, WorkspaceID: workspace, SubjectID: generation, CorrelationID: correlation,
	}, at)
}
