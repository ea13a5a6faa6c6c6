package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/post"
	"rostrum/shared/store/internal/dbsqlc"
)

// IdeaState says what became of an idea.
type IdeaState string

// The states of an idea. The other two are reached from IdeaNew; a drafted one
// stays drafted.
const (
	IdeaNew       IdeaState = "new"
	IdeaDrafted   IdeaState = "drafted"
	IdeaDismissed IdeaState = "dismissed"
)

// Idea is something an account could post about, and what it rests on.
type Idea struct {
	ID        uuid.UUID
	AccountID account.ID
	// GenerationID is the run that found it, ItemID the text it rests on; nil when none.
	GenerationID, ItemID    *uuid.UUID
	Title, Angle, Goal, Why string
	// Quote are the words of the source, which was titled and lay so.
	Quote, SourceTitle, SourceURL string
	State                         IdeaState
	// PostID is the newest post made of it; nil when there is none.
	PostID    *post.ID
	CreatedAt time.Time
}

// AddIdea adds an idea in state IdeaNew and returns its id. Ids rise in the
// order of adding, which keeps the researcher's ranking.
func (tx *Tx) AddIdea(ctx context.Context, workspace uuid.UUID, i Idea) (uuid.UUID, error) {
	id := newID()
	err := tx.q.InsertIdea(ctx, dbsqlc.InsertIdeaParams{
		WorkspaceID: workspace, ID: id, AccountID: uuid.UUID(i.AccountID), GenerationID: i.GenerationID, SourceItemID: i.ItemID,
		Title: i.Title, Angle: i.Angle, Goal: i.Goal, Why: i.Why, Quote: i.Quote, SourceTitle: i.SourceTitle, SourceUrl: i.SourceURL,
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("add idea to account %s: %w", i.AccountID, classify(err))
	}
	return id, nil
}

// Idea returns an idea. Errors: NotFound.
func (tx *Tx) Idea(ctx context.Context, workspace, id uuid.UUID) (Idea, error) {
	row, err := tx.q.IdeaByID(ctx, dbsqlc.IdeaByIDParams{WorkspaceID: workspace, ID: id})
	if err != nil {
		err = classify(err)
		if apperr.Is(err, apperr.NotFound) {
			err = apperr.New(apperr.NotFound, "no_such_idea", "there is no such idea here").WithCause(err)
		}
		return Idea{}, fmt.Errorf("load idea %s: %w", id, err)
	}
	return toIdea(row.Idea, row.PostIds), nil
}

// IdeasOf returns the ideas of a generation, best first.
func (tx *Tx) IdeasOf(ctx context.Context, workspace, generation uuid.UUID) ([]Idea, error) {
	rows, err := tx.q.IdeasOfGeneration(ctx, dbsqlc.IdeasOfGenerationParams{WorkspaceID: workspace, GenerationID: &generation})
	if err != nil {
		return nil, fmt.Errorf("list ideas of generation %s: %w", generation, classify(err))
	}
	out := make([]Idea, len(rows))
	for i, r := range rows {
		out[i] = toIdea(r, nil)
	}
	return out, nil
}

// IdeaFilter narrows a list of ideas. The zero value lists all.
type IdeaFilter struct {
	AccountID *account.ID
	State     IdeaState
	// Before lists what is older than this idea.
	Before *uuid.UUID
}

// Ideas returns at most limit ideas, newest first.
func (tx *Tx) Ideas(ctx context.Context, workspace uuid.UUID, f IdeaFilter, limit int) ([]Idea, error) {
	rows, err := tx.q.ListIdeas(ctx, dbsqlc.ListIdeasParams{
		WorkspaceID: workspace, AccountID: optionalAccount(f.AccountID), State: string(f.State), Before: f.Before, MaxRows: int32(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("list ideas: %w", classify(err))
	}
	out := make([]Idea, len(rows))
	for i, r := range rows {
		out[i] = toIdea(r.Idea, r.PostIds)
	}
	return out, nil
}

// MoveIdea takes an idea out of IdeaNew. Errors: Conflict (code wrong_state)
// when it is not new any more.
func (tx *Tx) MoveIdea(ctx context.Context, workspace, id uuid.UUID, to IdeaState) error {
	n, err := tx.q.MoveIdea(ctx, dbsqlc.MoveIdeaParams{WorkspaceID: workspace, ID: id, ToState: string(to), FromState: string(IdeaNew)})
	if err != nil {
		return fmt.Errorf("move idea %s to %s: %w", id, to, classify(err))
	}
	if n == 0 {
		return fmt.Errorf("move idea %s to %s: %w", id, to, apperr.New(apperr.Conflict, "wrong_state", "this idea was drafted or dismissed already").
			WithHint("Reload the ideas."))
	}
	return nil
}

func toIdea(i dbsqlc.Idea, posts []uuid.UUID) Idea {
	out := Idea{
		ID: i.ID, AccountID: account.ID(i.AccountID), GenerationID: i.GenerationID, ItemID: i.SourceItemID, Title: i.Title,
		Angle: i.Angle, Goal: i.Goal, Why: i.Why, Quote: i.Quote, SourceTitle: i.SourceTitle, SourceURL: i.SourceUrl,
		State: IdeaState(i.State), CreatedAt: i.CreatedAt.UTC(),
	}
	if len(posts) > 0 {
		out.PostID = new(post.ID(posts[0]))
	}
	return out
}

func optionalAccount(id *account.ID) *uuid.UUID {
	if id == nil {
		return nil
	}
	return new(uuid.UUID(*id))
}
