package agent_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/ai"
	"rostrum/shared/ai/agent"
	"rostrum/shared/apperr"
)

func draft(t *testing.T, parts ...string) string {
	t.Helper()
	return encode(t, map[string]any{"parts": parts, "note": "For the goal of teaching."})
}

func draftInput() agent.DraftInput {
	return agent.DraftInput{
		Account: ada(), Source: agent.Source{Title: "Go 1.26", URL: "https://go.example/1.26", Text: "Pauses are 40% shorter."},
		Idea: agent.Idea{Title: "Shorter pauses", Angle: "Upgrade"},
	}
}

func TestDraftIsCanonical(t *testing.T) {
	t.Parallel()
	model := &script{answers: []string{draft(t, "  Pauses got shorter.\r\nhttps://go.example/1.26/ ", "", "Cafe\u0301.")}}
	got, err := agent.Agents{Model: model}.Draft(t.Context(), draftInput())
	require.NoError(t, err)
	require.Equal(t, []string{"Pauses got shorter.\nhttps://go.example/1.26/", "Café."}, got.Content.Texts())
	require.Equal(t, "For the goal of teaching.", got.Note)
	require.Len(t, model.asked, 1)
}

func TestDraftOverTheLimitIsSentBackOnceWithItsCount(t *testing.T) {
	t.Parallel()
	model := &script{answers: []string{draft(t, "Short.", strings.Repeat("日", 150)), draft(t, "Short.", "Shorter.")}}
	got, err := agent.Agents{Model: model}.Draft(t.Context(), draftInput())
	require.NoError(t, err)
	require.Equal(t, []string{"Short.", "Shorter."}, got.Content.Texts())
	q := model.question(t, 1)
	require.Len(t, q.Problems, 1)
	require.Equal(t, 1, q.Problems[0].Part)
	require.Contains(t, q.Problems[0].Message, "300 of 280")
	require.Equal(t, "Short.", q.Draft.Parts[0])
}

func TestDraftStillOverTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	model := &script{answers: []string{draft(t, strings.Repeat("a", 281))}}
	_, err := agent.Agents{Model: model}.Draft(t.Context(), draftInput())
	require.Equal(t, apperr.Invalid, apperr.KindOf(err))
	require.Equal(t, agent.CodeDraftTooLong, apperr.As(err).Code)
	require.Contains(t, apperr.As(err).Message, "281 of 280")
	require.Len(t, model.asked, 2)
}

func TestDraftWithAForeignLinkIsSentBackAndThenLeftToTheReview(t *testing.T) {
	t.Parallel()
	model := &script{answers: []string{draft(t, "Look at evil.com/x now"), draft(t, "Look at evil.com/x now")}}
	got, err := agent.Agents{Model: model}.Draft(t.Context(), draftInput())
	require.NoError(t, err)
	require.Contains(t, model.question(t, 1).Problems[0].Message, "evil.com/x")

	in := draftInput()
	findings := agent.CheckRules(agent.Subject{Account: in.Account, Parts: got.Content.Texts(), Source: in.Source, ByAgent: true})
	require.Len(t, findings, 1)
	require.Equal(t, agent.RuleForeignLink, findings[0].Rule)
	require.Equal(t, "evil.com/x", findings[0].Quote)
}

func TestReviseTellsTheWriterWhatIsWrong(t *testing.T) {
	t.Parallel()
	model := &script{answers: []string{draft(t, "Better.")}}
	got, err := agent.Agents{Model: model}.Revise(t.Context(), draftInput(), []string{"Worse."}, []agent.Problem{{Part: 0, Message: "Not in the source."}})
	require.NoError(t, err)
	require.Equal(t, []string{"Better."}, got.Content.Texts())
	q := model.question(t, 0)
	require.Equal(t, []string{"Worse."}, q.Draft.Parts)
	require.Equal(t, "Not in the source.", q.Problems[0].Message)
}

func TestDraftRefusesWhatCannotBePosted(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"NoParts":          draft(t),
		"OnlyEmptyParts":   draft(t, " ", "\n"),
		"ControlCharacter": draft(t, "bell\a"),
		"TooManyParts":     draft(t, "a", "b", "c", "d", "e", "f"),
		"Null":             `{"parts":null,"note":""}`,
		"Half":             `{"parts":["a"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := agent.Agents{Model: &script{answers: []string{answer}}}.Draft(t.Context(), draftInput())
			require.True(t, ai.IsBadAnswer(err), "got %v", err)
		})
	}
}

func TestACaptionIsOneTextWithItsOwnPromptAndRoom(t *testing.T) {
	t.Parallel()
	in := draftInput()
	in.Account.Network = account.Instagram
	long := strings.Repeat("a ", 1000)
	model := &script{answers: []string{draft(t, "One.", "Two."), draft(t, long, "")}}
	got, err := agent.Agents{Model: model}.Draft(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, []string{strings.TrimSpace(long)}, got.Content.Texts())
	require.Len(t, model.asked, 2, "two parts are no caption")
	require.Equal(t, "caption", model.asked[0].Prompt.Name)
	require.Contains(t, model.asked[0].System, "at most 2200 characters")
}
