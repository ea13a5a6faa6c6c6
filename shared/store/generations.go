package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/post"
	"rostrum/shared/store/internal/dbsqlc"
)

// GenerationState says where a generation stands.
type GenerationState string

// The states of a generation. Done and failed are final.
const (
	GenerationQueued  GenerationState = "queued"
	GenerationRunning GenerationState = "running"
	GenerationDone    GenerationState = "done"
	GenerationFailed  GenerationState = "failed"
)

// Generation is one asked-for run of the agents for an account.
type Generation struct {
	ID          uuid.UUID
	WorkspaceID uuid.UUID
	AccountID   account.ID
	RequestedBy audit.Actor
	Wanted      int
	Note        string
	// IdeaID is the one idea to draft; nil looks for ideas.
	IdeaID *uuid.UUID
	State  GenerationState
	// Progress is one sentence for people.
	Progress      string
	Drafts        int
	Tries         int
	PostIDs       []post.ID
	CorrelationID uuid.UUID
	CreatedAt     time.Time
	FinishedAt    *time.Time
}

// NewGeneration is what is asked for.
type NewGeneration struct {
	AccountID account.ID
	Wanted    int
	Note      string
	IdeaID    *uuid.UUID
	Progress  string
	Actor     audit.Actor
}

// AddGeneration adds a queued generation. A note becomes a source that only it
// reads. Errors: NotFound when there is no such account or idea.
func (tx *Tx) AddGeneration(ctx context.Context, n NewGeneration) (Generation, error) {
	id, workspace := newID(), n.Actor.WorkspaceID
	err := tx.q.InsertGeneration(ctx, dbsqlc.InsertGenerationParams{
		WorkspaceID: workspace, ID: id, AccountID: uuid.UUID(n.AccountID), RequestedByKind: string(n.Actor.Kind), RequestedByID: n.Actor.ID,
		RequestedByName: n.Actor.Name, Wanted: int32(n.Wanted), Note: n.Note, IdeaID: n.IdeaID, Progress: n.Progress, CorrelationID: newID(),
	})
	if err != nil {
		return Generation{}, fmt.Errorf("add generation for account %s: %w", n.AccountID, noAccount(err))
	}
	if n.Note != "" {
		note := NewSource{AccountID: n.AccountID, Kind: SourceNote, Title: "Pasted note", Note: n.Note}
		if err := tx.insertSource(ctx, workspace, id, note, true); err != nil {
			return Generation{}, err
		}
	}
	return tx.Generation(ctx, workspace, id)
}

// Generation returns a generation with the posts it made. Errors: NotFound.
func (tx *Tx) Generation(ctx context.Context, workspace, id uuid.UUID) (Generation, error) {
	row, err := tx.q.GenerationByID(ctx, dbsqlc.GenerationByIDParams{WorkspaceID: workspace, ID: id})
	if err != nil {
		err = classify(err)
		if apperr.Is(err, apperr.NotFound) {
			err = apperr.New(apperr.NotFound, "no_such_generation", "there is no such run here").WithCause(err)
		}
		return Generation{}, fmt.Errorf("load generation %s: %w", id, err)
	}
	return toGeneration(row.Generation, row.PostIds), nil
}

// GenerationFilter narrows a list of generations. The zero value lists all.
type GenerationFilter struct {
	AccountID *account.ID
	// Unfinished lists only what is queued or running.
	Unfinished bool
	// Before lists what is older than this generation.
	Before *uuid.UUID
}

// Generations returns at most limit generations, newest first.
func (tx *Tx) Generations(ctx context.Context, workspace uuid.UUID, f GenerationFilter, limit int) ([]Generation, error) {
	rows, err := tx.q.ListGenerations(ctx, dbsqlc.ListGenerationsParams{
		WorkspaceID: workspace, AccountID: optionalAccount(f.AccountID), Unfinished: f.Unfinished, Before: f.Before, MaxRows: int32(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("list generations: %w", classify(err))
	}
	out := make([]Generation, len(rows))
	for i, r := range rows {
		out[i] = toGeneration(r.Generation, r.PostIds)
	}
	return out, nil
}

// Claim is the right of one try to work on a generation until LeaseUntil.
type Claim struct {
	Workspace, Generation uuid.UUID
	// Try counts claims from 1 and fences out every earlier one.
	Try        int
	LeaseUntil time.Time
}

// ClaimGeneration takes an unfinished generation that nobody works on and whose
// time has come. Errors: Conflict when it cannot be taken now: see
// GenerationWait.
func (tx *Tx) ClaimGeneration(ctx context.Context, workspace, id uuid.UUID, lease time.Duration) (Claim, error) {
	row, err := tx.q.ClaimGeneration(ctx, dbsqlc.ClaimGenerationParams{WorkspaceID: workspace, ID: id, LeaseSeconds: lease.Seconds()})
	if err != nil {
		err = classify(err)
		if apperr.Is(err, apperr.NotFound) {
			err = apperr.New(apperr.Conflict, "not_claimable", "the run is finished, not due or under way elsewhere").WithCause(err)
		}
		return Claim{}, fmt.Errorf("claim generation %s: %w", id, err)
	}
	return Claim{Workspace: workspace, Generation: id, Try: int(row.Tries), LeaseUntil: row.LeaseUntil.UTC()}, nil
}

// GenerationWait returns when a generation that could not be claimed is worth
// another look, and false when it is finished. Errors: NotFound.
func (tx *Tx) GenerationWait(ctx context.Context, workspace, id uuid.UUID) (time.Time, bool, error) {
	row, err := tx.q.GenerationWait(ctx, dbsqlc.GenerationWaitParams{WorkspaceID: workspace, ID: id})
	if err != nil {
		return time.Time{}, false, fmt.Errorf("look at generation %s: %w", id, classify(err))
	}
	return row.WaitUntil.UTC(), row.Unfinished, nil
}

// HoldGeneration locks the row and proves that the claim still stands; every
// write of a try goes through it. Errors: Conflict (code lost_claim).
func (tx *Tx) HoldGeneration(ctx context.Context, c Claim) (drafts int, err error) {
	n, err := tx.q.HoldGeneration(ctx, dbsqlc.HoldGenerationParams{WorkspaceID: c.Workspace, ID: c.Generation, Tries: int32(c.Try)})
	if err != nil {
		err = classify(err)
		if apperr.Is(err, apperr.NotFound) {
			err = apperr.New(apperr.Conflict, "lost_claim", "another worker has taken this run over").WithCause(err)
		}
		return 0, fmt.Errorf("hold generation %s: %w", c.Generation, err)
	}
	return int(n), nil
}

// SaveProgress says where a generation stands and counts new drafts.
func (tx *Tx) SaveProgress(ctx context.Context, c Claim, progress string, drafts int) error {
	err := tx.q.SaveProgress(ctx, dbsqlc.SaveProgressParams{WorkspaceID: c.Workspace, ID: c.Generation, Progress: progress, Drafts: int32(drafts)})
	if err != nil {
		return fmt.Errorf("save progress of generation %s: %w", c.Generation, classify(err))
	}
	return nil
}

// FinishGeneration ends a generation as done or failed.
func (tx *Tx) FinishGeneration(ctx context.Context, c Claim, state GenerationState, progress string) error {
	err := tx.q.FinishGeneration(ctx, dbsqlc.FinishGenerationParams{WorkspaceID: c.Workspace, ID: c.Generation, State: string(state), Progress: progress})
	if err != nil {
		return fmt.Errorf("finish generation %s: %w", c.Generation, classify(err))
	}
	return nil
}

// YieldGeneration gives the claim up, to go on after wait, and returns when
// that is.
func (tx *Tx) YieldGeneration(ctx context.Context, c Claim, wait time.Duration, progress string) (time.Time, error) {
	at, err := tx.q.YieldGeneration(ctx, dbsqlc.YieldGenerationParams{
		WorkspaceID: c.Workspace, ID: c.Generation, WaitSeconds: wait.Seconds(), Progress: progress,
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("yield generation %s: %w", c.Generation, classify(err))
	}
	return at.UTC(), nil
}

// Stuck is work whose message was lost or never came.
type Stuck struct {
	WorkspaceID, SubjectID, CorrelationID uuid.UUID
	Revision                              int64 // of a post
	// Since is when it was made, of a post when it was last touched: its place in
	// the list.
	Since time.Time
}

// StuckGenerations returns at most limit unfinished generations, of all
// workspaces, that nobody has worked on since overdue, the oldest first: those
// behind after, the last of the page before or the zero value.
func (tx *Tx) StuckGenerations(ctx context.Context, overdue time.Duration, after Stuck, limit int) ([]Stuck, error) {
	rows, err := tx.q.StuckGenerations(ctx, dbsqlc.StuckGenerationsParams{
		OverdueSeconds: overdue.Seconds(), AfterAt: after.Since, AfterID: after.SubjectID, MaxRows: int32(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("list stuck generations: %w", classify(err))
	}
	out := make([]Stuck, len(rows))
	for i, r := range rows {
		out[i] = Stuck{WorkspaceID: r.WorkspaceID, SubjectID: r.ID, CorrelationID: r.CorrelationID, Since: r.CreatedAt}
	}
	return out, nil
}

// Gap is an account whose calendar is emptier than it wants.
type Gap struct {
	WorkspaceID uuid.UUID
	AccountID   account.ID
	Missing     int
}

// AccountsToFill returns at most limit accounts, of all workspaces, with fewer
// posts on their way than they want a week and no generation under way; one
// that just failed is left alone for rest.
func (tx *Tx) AccountsToFill(ctx context.Context, rest time.Duration, limit int) ([]Gap, error) {
	rows, err := tx.q.AccountsToFill(ctx, dbsqlc.AccountsToFillParams{RestSeconds: rest.Seconds(), MaxRows: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list accounts to fill: %w", classify(err))
	}
	out := make([]Gap, len(rows))
	for i, r := range rows {
		out[i] = Gap{WorkspaceID: r.WorkspaceID, AccountID: account.ID(r.ID), Missing: int(r.Missing)}
	}
	return out, nil
}

// UnfinishedGenerations counts an account's queued and running generations.
func (tx *Tx) UnfinishedGenerations(ctx context.Context, workspace uuid.UUID, id account.ID) (int, error) {
	n, err := tx.q.UnfinishedGenerations(ctx, dbsqlc.UnfinishedGenerationsParams{WorkspaceID: workspace, AccountID: uuid.UUID(id)})
	if err != nil {
		return 0, fmt.Errorf("count generations of account %s: %w", id, classify(err))
	}
	return int(n), nil
}

func toGeneration(g dbsqlc.Generation, posts []uuid.UUID) Generation {
	out := Generation{
		ID: g.ID, WorkspaceID: g.WorkspaceID, AccountID: account.ID(g.AccountID),
		RequestedBy: audit.Actor{
			Kind: audit.ActorKind(g.RequestedByKind), ID: g.RequestedByID, Name: g.RequestedByName, WorkspaceID: g.WorkspaceID,
		},
		Wanted: int(g.Wanted), Note: g.Note, IdeaID: g.IdeaID, State: GenerationState(g.State), Progress: g.Progress,
		Drafts: int(g.DraftsMade), Tries: int(g.Tries), CorrelationID: g.CorrelationID, CreatedAt: g.CreatedAt.UTC(),
		FinishedAt: utcOrNil(g.FinishedAt), PostIDs: make([]post.ID, len(posts)),
	}
	for i, id := range posts {
		out.PostIDs[i] = post.ID(id)
	}
	return out
}
