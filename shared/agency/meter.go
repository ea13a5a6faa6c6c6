// Package agency is how workflows employ agents: every question under a budget
// and on the record, every draft beside the source it rests on. It stands
// between the workflows and the model, as package outbox stands between them
// and the queues.
package agency

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/ai"
	"rostrum/shared/ai/agent"
	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/telemetry"
)

// recordTimeout bounds the write of a run after its caller's time is up: what
// was spent must stand in the books even then.
const recordTimeout = 5 * time.Second

// Meter asks a model on behalf of workspaces. All fields are needed.
type Meter struct {
	Store  *store.Store
	Model  ai.Model
	Prices ai.Prices
	Clock  clock.Clock
	Logger *slog.Logger
}

// Job is what a question is asked for; it is recorded with each run.
type Job struct {
	Workspace  uuid.UUID
	Account    account.ID
	Generation *uuid.UUID
	Post       *post.ID
}

// For returns agents whose questions are paid for and recorded by the job. No
// transaction is open while the model thinks. Beside those of ai.Model their
// errors are CodeBudgetSpent, when a question could cost more than is left, and
// the store's.
func (m *Meter) For(j Job) agent.Agents {
	return agent.Agents{Model: &metered{meter: m, job: j}}
}

type metered struct {
	meter *Meter
	job   Job
}

// Name is the configured model.
func (m *metered) Name() string { return m.meter.Model.Name() }

// Complete holds the most that the question can cost back, asks, and puts what
// it did cost on the record, whatever came of it.
func (m *metered) Complete(ctx context.Context, r ai.Request) (ai.Answer, error) {
	var reservation uuid.UUID
	ceiling := m.meter.Prices.Of(m.Name()).Ceiling(r)
	err := m.meter.Store.InWorkspace(ctx, m.job.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		reservation, err = tx.Reserve(ctx, m.job.Workspace, m.job.Account, ceiling)
		return err
	})
	if err != nil {
		return ai.Answer{}, fmt.Errorf("hold back money for %s: %w", r.Prompt.Name, err)
	}
	started := m.meter.Clock.Now()
	answer, err := m.meter.Model.Complete(ctx, r)
	run := m.run(r, answer, err, started)
	telemetry.Measure(ctx, telemetry.InputTokens, run.Agent, float64(run.InputTokens))
	telemetry.Measure(ctx, telemetry.OutputTokens, run.Agent, float64(run.OutputTokens))
	telemetry.Measure(ctx, telemetry.AgentCost, run.Agent, float64(run.CostMicroUSD))
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	recording := m.meter.Store.InWorkspace(keep, m.job.Workspace, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddRun(ctx, m.job.Workspace, run, reservation)
	})
	if recording != nil {
		m.meter.Logger.LogAttrs(ctx, slog.LevelError, "run not recorded", slog.String("agent", run.Agent),
			slog.String("workspace_id", m.job.Workspace.String()), slog.Int64("cost_micro_usd", run.CostMicroUSD),
			slog.String("error", recording.Error()))
		return answer, errors.Join(recording, err)
	}
	return answer, err
}

func (m *metered) run(r ai.Request, answer ai.Answer, err error, started time.Time) store.Run {
	price := m.meter.Prices.Of(m.Name())
	if price.Assumed && answer.Model != "" {
		price = m.meter.Prices.Of(answer.Model)
	}
	run := store.Run{
		AccountID: &m.job.Account, GenerationID: m.job.Generation, PostID: m.job.Post,
		Agent: r.Prompt.Name, Model: answer.Model, Simulated: answer.Simulated, PromptName: r.Prompt.Name, PromptVersion: r.Prompt.Version,
		InputTokens: answer.Usage.InputTokens, CachedTokens: answer.Usage.CachedTokens, OutputTokens: answer.Usage.OutputTokens,
		CostMicroUSD: price.Cost(answer.Usage), Outcome: string(ai.OutcomeOf(err)), StartedAt: started, FinishedAt: m.meter.Clock.Now(),
	}
	if run.Model == "" {
		run.Model = m.Name()
	}
	if price.Assumed {
		run.Problem = "No price is listed for this model; it is charged at the default price."
	}
	if err != nil {
		run.Problem = Sentence(err)
	}
	return run
}

// Sentence is what people may read of an error: its message and its hint, never
// its cause.
func Sentence(err error) string {
	e := apperr.As(err)
	if e == nil {
		return "Something went wrong on our side."
	}
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " " + e.Hint
}
