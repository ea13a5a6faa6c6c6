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

// Run is one question that an agent put to a model, whatever came of it.
type Run struct {
	ID           uuid.UUID
	AccountID    *account.ID
	GenerationID *uuid.UUID
	PostID       *post.ID
	Agent        string
	Model        string
	Simulated    bool
	PromptName   string
	// PromptVersion names the file the question was made from.
	PromptVersion string
	// CachedTokens are part of InputTokens.
	InputTokens, CachedTokens, OutputTokens int64
	CostMicroUSD                            int64
	// Outcome is ok, bad_answer, refused or unavailable; Problem says more, for people.
	Outcome    string
	Problem    string
	StartedAt  time.Time
	FinishedAt time.Time
}

// AddRun records a run and gives up the money that was held back for it; a zero
// reservation held nothing.
func (tx *Tx) AddRun(ctx context.Context, workspace uuid.UUID, r Run, reservation uuid.UUID) error {
	var postID *uuid.UUID
	if r.PostID != nil {
		postID = new(uuid.UUID(*r.PostID))
	}
	err := tx.q.InsertRun(ctx, dbsqlc.InsertRunParams{
		WorkspaceID: workspace, ID: newID(), AccountID: optionalAccount(r.AccountID), GenerationID: r.GenerationID, PostID: postID,
		Agent: r.Agent, Model: r.Model, Simulated: r.Simulated, PromptName: r.PromptName, PromptVersion: r.PromptVersion,
		InputTokens: r.InputTokens, CachedTokens: r.CachedTokens, OutputTokens: r.OutputTokens, CostMicroUsd: r.CostMicroUSD,
		Outcome: r.Outcome, Problem: r.Problem, StartedAt: r.StartedAt.UTC(), FinishedAt: r.FinishedAt.UTC(),
	})
	if err != nil {
		return fmt.Errorf("record run of %s: %w", r.Agent, classify(err))
	}
	if reservation == uuid.Nil {
		return nil
	}
	if err := tx.q.DeleteReservation(ctx, dbsqlc.DeleteReservationParams{WorkspaceID: workspace, ID: reservation}); err != nil {
		return fmt.Errorf("settle reservation %s: %w", reservation, classify(err))
	}
	return nil
}

// RunFilter narrows a list of runs. The zero value lists all.
type RunFilter struct {
	AccountID *account.ID
	// PostID lists the post's own runs and those of the generation it came from.
	PostID *post.ID
	// Before lists what is older than this run.
	Before *uuid.UUID
}

// Runs returns at most limit runs, newest first.
func (tx *Tx) Runs(ctx context.Context, workspace uuid.UUID, f RunFilter, limit int) ([]Run, error) {
	var postID *uuid.UUID
	if f.PostID != nil {
		postID = new(uuid.UUID(*f.PostID))
	}
	rows, err := tx.q.ListRuns(ctx, dbsqlc.ListRunsParams{
		WorkspaceID: workspace, AccountID: optionalAccount(f.AccountID), PostID: postID, Before: f.Before, MaxRows: int32(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", classify(err))
	}
	out := make([]Run, len(rows))
	for i, r := range rows {
		out[i] = toRun(r)
	}
	return out, nil
}

// Reserve holds money back for one call before it is made, so that calls at
// once cannot overspend together, and returns the reservation that AddRun gives
// up. A workspace without a budget holds nothing: the zero id. Errors:
// Forbidden (code budget_spent) when the month's budget has not that much left;
// NotFound when there is no such workspace.
func (tx *Tx) Reserve(ctx context.Context, workspace uuid.UUID, id account.ID, microUSD int64) (uuid.UUID, error) {
	budget, err := tx.q.BudgetOf(ctx, workspace)
	if err != nil {
		return uuid.Nil, fmt.Errorf("read budget of workspace %s: %w", workspace, classify(err))
	}
	if budget == nil {
		return uuid.Nil, nil
	}
	if err := tx.q.LockBudget(ctx, workspace); err != nil {
		return uuid.Nil, fmt.Errorf("lock budget of workspace %s: %w", workspace, classify(err))
	}
	spent, err := tx.q.MonthSpend(ctx, workspace)
	if err != nil {
		return uuid.Nil, fmt.Errorf("sum spend of workspace %s: %w", workspace, classify(err))
	}
	if spent+microUSD > *budget {
		return uuid.Nil, apperr.New(apperr.Forbidden, "budget_spent", "This month's budget has not enough left for another call of an agent.").
			WithHint("Raise the workspace's budget, or wait for the next month (UTC).")
	}
	reservation := newID()
	err = tx.q.InsertReservation(ctx, dbsqlc.InsertReservationParams{
		WorkspaceID: workspace, ID: reservation, AccountID: new(uuid.UUID(id)), MicroUsd: microUSD,
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("reserve %d micro-USD: %w", microUSD, classify(err))
	}
	return reservation, nil
}

// MonthSpend returns what the agents cost the workspace this calendar month in
// UTC, in micro-USD, with what calls under way may still cost.
func (tx *Tx) MonthSpend(ctx context.Context, workspace uuid.UUID) (int64, error) {
	n, err := tx.q.MonthSpend(ctx, workspace)
	if err != nil {
		return 0, fmt.Errorf("sum spend of workspace %s: %w", workspace, classify(err))
	}
	return n, nil
}

func toRun(r dbsqlc.Run) Run {
	out := Run{
		ID: r.ID, GenerationID: r.GenerationID, Agent: r.Agent, Model: r.Model, Simulated: r.Simulated, PromptName: r.PromptName,
		PromptVersion: r.PromptVersion, InputTokens: r.InputTokens, CachedTokens: r.CachedTokens, OutputTokens: r.OutputTokens,
		CostMicroUSD: r.CostMicroUsd, Outcome: r.Outcome, Problem: r.Problem, StartedAt: r.StartedAt.UTC(), FinishedAt: r.FinishedAt.UTC(),
	}
	if r.AccountID != nil {
		out.AccountID = new(account.ID(*r.AccountID))
	}
	if r.PostID != nil {
		out.PostID = new(post.ID(*r.PostID))
	}
	return out
}
