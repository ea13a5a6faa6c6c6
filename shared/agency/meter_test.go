package agency_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/agency"
	"rostrum/shared/ai"
	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told is a model that does what it is told.
type told struct {
	answer ai.Answer
	err    error
	asked  int
	during func()
}

func (m *told) Name() string { return "gpt-5-mini" }

func (m *told) Complete(context.Context, ai.Request) (ai.Answer, error) {
	m.asked++
	if m.during != nil {
		m.during()
	}
	return m.answer, m.err
}

type bundle struct {
	world *storetest.World
	model *told
	meter *agency.Meter
	ask   func(context.Context) (ai.Answer, error)
}

func setup(t *testing.T) *bundle {
	t.Helper()
	w := storetest.NewWorld(t)
	prices, err := ai.LoadPrices("")
	require.NoError(t, err)
	b := &bundle{world: w, model: &told{answer: ai.Answer{
		JSON: json.RawMessage(`{}`), Model: "gpt-5-mini-2025-08-07", Usage: ai.Usage{InputTokens: 1000, CachedTokens: 200, OutputTokens: 100},
	}}}
	b.meter = &agency.Meter{
		Store: w.Worker, Model: b.model, Prices: prices, Clock: clock.NewFake(time.Now()), Logger: slog.New(slog.DiscardHandler),
	}
	b.ask = func(ctx context.Context) (ai.Answer, error) {
		agents := b.meter.For(agency.Job{Workspace: w.Workspace, Account: w.Account.ID})
		return agents.Model.Complete(ctx, ai.Request{Prompt: ai.Prompt{Name: "writer", Version: "1"}, System: "s", User: "{}", MaxOutputTokens: 100})
	}
	return b
}

func (b *bundle) runs(t *testing.T) []store.Run {
	t.Helper()
	var runs []store.Run
	require.NoError(t, b.world.Worker.InWorkspace(context.WithoutCancel(t.Context()), b.world.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		runs, err = tx.Runs(ctx, b.world.Workspace, store.RunFilter{}, 10)
		return err
	}))
	return runs
}

func (b *bundle) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.world.URL.Reveal())
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	_, err = conn.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func TestEveryQuestionIsOnTheRecord(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err     error
		outcome string
		problem string
	}{
		"Answered":  {nil, "ok", ""},
		"BadAnswer": {ai.BadAnswerError("it is half").WithHint(""), "bad_answer", "The model's answer could not be used: it is half."},
		"Refused":   {apperr.New(apperr.Invalid, ai.CodeRefused, "No."), "refused", "No."},
		"Away":      {apperr.New(apperr.Unavailable, ai.CodeAway, "Away.").WithCause(context.Canceled), "unavailable", "Away."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.model.err = tc.err
			_, err := b.ask(t.Context())
			require.ErrorIs(t, err, tc.err)
			runs := b.runs(t)
			require.Len(t, runs, 1)
			require.Equal(t, tc.outcome, runs[0].Outcome)
			require.Equal(t, tc.problem, runs[0].Problem)
			require.Equal(t, "gpt-5-mini-2025-08-07", runs[0].Model)
			require.Equal(t, "1", runs[0].PromptVersion)
			// 800 fresh at 0.25, 200 cached at 0.025, 100 out at 2 micro-USD: 405.
			require.Equal(t, int64(405), runs[0].CostMicroUSD)
			require.Equal(t, int64(1000), runs[0].InputTokens)
		})
	}
}

func TestABudgetStopsBeforeItIsOverspent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// One question may cost up to 200 for its answer and some for itself.
	b.exec(t, "UPDATE workspaces SET budget_micro_usd = 600 WHERE id = $1", b.world.Workspace)
	_, err := b.ask(t.Context())
	require.NoError(t, err)
	_, err = b.ask(t.Context())
	require.Equal(t, ai.CodeBudgetSpent, apperr.As(err).Code, "405 are spent and up to 217 would come on top")
	require.True(t, ai.IsStopped(err))
	require.Equal(t, 1, b.model.asked, "the second question was never asked")
	require.Len(t, b.runs(t), 1)
}

func TestMoneyIsHeldBackWhileTheModelThinks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, "UPDATE workspaces SET budget_micro_usd = 300 WHERE id = $1", b.world.Workspace)
	var second error
	b.model.during = func() {
		b.model.during = nil
		_, second = b.ask(t.Context())
	}
	_, err := b.ask(t.Context())
	require.NoError(t, err)
	require.Equal(t, ai.CodeBudgetSpent, apperr.As(second).Code)
}

func TestARunIsRecordedWhenTheCallersTimeIsUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.model.during = cancel
	_, err := b.ask(ctx)
	require.NoError(t, err)
	require.Len(t, b.runs(t), 1)
}

func TestAnUnlistedModelIsChargedAtTheDefaultAndSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var err error
	b.meter.Prices, err = ai.LoadPrices(`{"default":{"input":1000000,"cached_input":1000000,"output":1000000}}`)
	require.NoError(t, err)
	b.meter.Model = &renamed{told: b.model}
	b.model.answer.Model = "their-model"
	_, err = b.ask(t.Context())
	require.NoError(t, err)
	runs := b.runs(t)
	require.Equal(t, int64(1100), runs[0].CostMicroUSD)
	require.Contains(t, runs[0].Problem, "No price is listed")
}

type renamed struct{ *told }

func (renamed) Name() string { return "my-model" }

func TestWhatAnAgentSpentIsMeasured(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, measured := telemetrytest.Measured(t, nil)
	_, err := b.ask(ctx)
	require.NoError(t, err)
	got := measured()
	require.Equal(t, []float64{1000}, got["agent_input_tokens writer"])
	require.Equal(t, []float64{100}, got["agent_output_tokens writer"])
	require.Len(t, got["agent_micro_usd writer"], 1)
	require.Positive(t, got["agent_micro_usd writer"][0])
	require.Len(t, got["db_ms"], 2, "one transaction holds the money back, one records the run")
}
