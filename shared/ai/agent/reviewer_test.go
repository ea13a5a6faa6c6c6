package agent_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"rostrum/shared/ai"
	"rostrum/shared/ai/agent"
	"rostrum/shared/post"
)

type findingJSON struct {
	Rule        string `json:"rule"`
	Severity    string `json:"severity"`
	Part        int    `json:"part"`
	Quote       string `json:"quote"`
	Message     string `json:"message"`
	Suggestion  string `json:"suggestion"`
	SourceQuote string `json:"source_quote"`
}

func review(t *testing.T, list ...findingJSON) string {
	t.Helper()
	return encode(t, map[string]any{"verdict": "pass", "summary": "Read it.", "findings": append([]findingJSON{}, list...)})
}

func subject(parts ...string) agent.Subject {
	in := draftInput()
	return agent.Subject{Account: in.Account, Source: in.Source, Parts: parts, ByAgent: true}
}

func TestFindingsAreLocatedInTheText(t *testing.T) {
	t.Parallel()
	text := "日本: pauses are\n90% shorter."
	model := &script{answers: []string{review(t,
		findingJSON{Rule: "fact", Severity: "block", Part: 0, Quote: "are 90% shorter", Message: "The source says 40%.", Suggestion: "are 40% shorter", SourceQuote: "40% shorter"},
		findingJSON{Rule: "Brand Voice!", Severity: "warn", Part: 0, Quote: "words that are not there", Message: "Too dry.", SourceQuote: "nor these"},
		findingJSON{Rule: "", Severity: "note", Part: 9, Quote: "pauses", Message: "Hm."},
	)}}
	report, err := agent.Agents{Model: model}.CheckFacts(t.Context(), subject(text))
	require.NoError(t, err)
	want := []post.Finding{
		{
			Rule: "fact", Severity: post.Block, Start: 15, End: 30, Quote: "are\n90% shorter", Message: "The source says 40%.",
			Suggestion: "are 40% shorter", SourceQuote: "40% shorter", SourceURL: "https://go.example/1.26",
		},
		{Rule: "brand_voice", Severity: post.Warn, Message: "Too dry."},
		{Rule: "other", Severity: post.Note, Message: "Hm."},
	}
	require.Empty(t, cmp.Diff(want, report.Findings))
	require.Equal(t, "Read it.", report.Summary)
}

func TestCheckFactsTakesNoFindings(t *testing.T) {
	t.Parallel()
	report, err := agent.Agents{Model: &script{answers: []string{review(t)}}}.CheckFacts(t.Context(), subject("Fine."))
	require.NoError(t, err)
	require.Empty(t, report.Findings)
}

func TestCheckFactsRefusesUselessAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"SilentFinding":   review(t, findingJSON{Rule: "fact", Severity: "warn", Message: " "}),
		"UnknownSeverity": review(t, findingJSON{Rule: "fact", Severity: "fatal", Message: "m"}),
		"UnknownVerdict":  `{"verdict":"approve","summary":"","findings":[]}`,
		"Half":            `{"verdict":"pass","summary":"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := agent.Agents{Model: &script{answers: []string{answer}}}.CheckFacts(t.Context(), subject("Fine."))
			require.True(t, ai.IsBadAnswer(err), "got %v", err)
		})
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(`{"verdict":"pass","summary":"s","findings":[{"rule":"fact","severity":"warn","part":0,"quote":"a","message":"m","suggestion":"","source_quote":""}]}`, "a text")
	f.Add(`{"ideas":[{"title":"t","angle":"a","goal":"","why":"","item_index":0,"quote":"Pauses are 40%"}]}`, "Pauses are 40% shorter.")
	f.Add(`{"parts":["a\u0000"],"note":""}`, "x")
	f.Fuzz(func(t *testing.T, answer, text string) {
		agents := agent.Agents{Model: &script{answers: []string{answer}}}
		s := subject(text)
		s.Source.Text = text
		if report, err := agents.CheckFacts(t.Context(), s); err == nil {
			for _, found := range report.Findings {
				require.Equal(t, text[found.Start:found.End], found.Quote)
				require.NotEmpty(t, found.Rule)
			}
		}
		in := agent.IdeasInput{Account: ada(), Items: []agent.Source{{Text: text}}, Wanted: 3}
		if list, err := agents.Ideas(t.Context(), in); err == nil {
			require.NotEmpty(t, list)
			for _, idea := range list {
				require.Contains(t, text, idea.Quote)
			}
		}
		if d, err := agents.Draft(t.Context(), draftInput()); err == nil {
			again, err := d.Content.Canonical()
			require.NoError(t, err)
			require.Equal(t, d.Content, again)
		}
	})
}
