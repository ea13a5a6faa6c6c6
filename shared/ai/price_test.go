package ai_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/ai"
	"rostrum/shared/apperr"
)

func TestPriceOf(t *testing.T) {
	t.Parallel()
	prices, err := ai.LoadPrices("")
	require.NoError(t, err)
	require.NotEmpty(t, prices.ReadOn)

	for name, tc := range map[string]struct {
		model string
		want  ai.Price
	}{
		"ListedModel":              {"gpt-5-mini", ai.Price{Input: 250_000, CachedInput: 25_000, Output: 2_000_000}},
		"DatedForm":                {"gpt-5-mini-2025-08-07", ai.Price{Input: 250_000, CachedInput: 25_000, Output: 2_000_000}},
		"Simulated":                {"simulated-writer", ai.Price{Input: 250_000, CachedInput: 25_000, Output: 2_000_000}},
		"SiblingIsNotADatedForm":   {"gpt-5-pro", ai.Price{Input: 5_000_000, CachedInput: 500_000, Output: 30_000_000, Assumed: true}},
		"UnknownTakesTheDefault":   {"llama-9", ai.Price{Input: 5_000_000, CachedInput: 500_000, Output: 30_000_000, Assumed: true}},
		"EmptyNameTakesTheDefault": {"", ai.Price{Input: 5_000_000, CachedInput: 500_000, Output: 30_000_000, Assumed: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, prices.Of(tc.model))
		})
	}
}

func TestLoadPricesOverride(t *testing.T) {
	t.Parallel()

	t.Run("PutsEntriesOverTheShippedOnes", func(t *testing.T) {
		t.Parallel()
		prices, err := ai.LoadPrices(`{"models":{"mine":{"input":3,"cached_input":2,"output":5}}}`)
		require.NoError(t, err)
		require.Equal(t, ai.Price{Input: 3, CachedInput: 2, Output: 5}, prices.Of("mine"))
		require.Equal(t, int64(250_000), prices.Of("gpt-5-mini").Input)
	})

	for name, raw := range map[string]string{
		"NotJSON":       `gpt=3`,
		"UnknownField":  `{"modles":{}}`,
		"NegativePrice": `{"models":{"mine":{"input":-1,"cached_input":0,"output":0}}}`,
		"AbsurdPrice":   `{"default":{"input":99999999999999,"cached_input":0,"output":0}}`,
		"TwoValues":     `{} {}`,
	} {
		t.Run("Refuses"+name, func(t *testing.T) {
			t.Parallel()
			_, err := ai.LoadPrices(raw)
			require.True(t, apperr.Is(err, apperr.Invalid), "got %v", err)
		})
	}
}

func TestCostIsRoundedUpOnce(t *testing.T) {
	t.Parallel()
	price := ai.Price{Input: 250_000, CachedInput: 25_000, Output: 2_000_000}
	for name, tc := range map[string]struct {
		usage ai.Usage
		want  int64
	}{
		"Nothing":                  {ai.Usage{}, 0},
		"OneTokenIsNotFree":        {ai.Usage{InputTokens: 1}, 1},
		"WholeRunRoundsOnce":       {ai.Usage{InputTokens: 3, OutputTokens: 1}, 3}, // 0.75 + 2 = 2.75
		"CachedIsPartOfInput":      {ai.Usage{InputTokens: 1_000_000, CachedTokens: 1_000_000}, 25_000},
		"MoreCachedThanInput":      {ai.Usage{InputTokens: 1_000_000, CachedTokens: 9_000_000}, 25_000},
		"NegativeCountsAreNothing": {ai.Usage{InputTokens: -5, OutputTokens: -5}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, price.Cost(tc.usage))
		})
	}
}

func TestCostNeverOverflows(t *testing.T) {
	t.Parallel()
	dear := ai.Price{Input: 10_000_000_000, CachedInput: 10_000_000_000, Output: 10_000_000_000}
	cost := dear.Cost(ai.Usage{InputTokens: 1 << 62, CachedTokens: 5, OutputTokens: 1 << 62})
	require.Positive(t, cost)
}

func TestCeilingIsNeverBelowTheCost(t *testing.T) {
	t.Parallel()
	price := ai.Price{Input: 250_000, CachedInput: 25_000, Output: 2_000_000}
	request := ai.Request{System: "write", User: `{"a":"日本"}`, MaxOutputTokens: 100}
	// A tokenizer of bytes is the worst there is.
	worst := ai.Usage{InputTokens: int64(len(request.System) + len(request.User)), OutputTokens: 100}
	require.GreaterOrEqual(t, price.Ceiling(request), price.Cost(worst))
}

func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	require.Equal(t, ai.OK, ai.OutcomeOf(nil))
	require.Equal(t, ai.BadAnswer, ai.OutcomeOf(ai.BadAnswerError("half")))
	require.Equal(t, ai.Refused, ai.OutcomeOf(apperr.New(apperr.Invalid, ai.CodeRefused, "no")))
	require.Equal(t, ai.Unavailable, ai.OutcomeOf(apperr.New(apperr.Unavailable, ai.CodeAway, "away")))
	require.True(t, ai.IsAway(apperr.New(apperr.RateLimited, ai.CodeBusy, "busy")))
	require.True(t, ai.IsStopped(apperr.New(apperr.Forbidden, ai.CodeBudgetSpent, "spent")))
	require.False(t, ai.IsAway(ai.BadAnswerError("half")))
}
