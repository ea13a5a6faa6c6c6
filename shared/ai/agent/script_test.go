package agent_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/ai"
)

// script is a model that gives prepared answers, one a question, and remembers
// what it was asked. It judges them as every model must.
type script struct {
	mu      sync.Mutex
	answers []string
	asked   []ai.Request
}

func (s *script) Name() string { return "scripted" }

func (s *script) Complete(_ context.Context, r ai.Request) (ai.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := ai.Answer{Model: "scripted"}
	next := s.answers[min(len(s.asked), len(s.answers)-1)]
	s.asked = append(s.asked, r)
	if err := ai.CheckAnswer(r, json.RawMessage(next)); err != nil {
		return answer, err
	}
	answer.JSON = json.RawMessage(next)
	return answer, nil
}

// question is a user message as a model reads it.
type question struct {
	Account struct {
		Handle string   `json:"handle"`
		Goals  []string `json:"goals"`
	} `json:"account"`
	Items []struct {
		Index int    `json:"index"`
		Text  string `json:"text"`
	} `json:"items"`
	Source *struct {
		URL  string `json:"url"`
		Text string `json:"text"`
	} `json:"source"`
	Draft *struct {
		Parts []string `json:"parts"`
	} `json:"draft"`
	Problems []struct {
		Part    int    `json:"part"`
		Message string `json:"message"`
	} `json:"problems"`
	Recent []string `json:"recent"`
}

func (s *script) question(t *testing.T, n int) question {
	t.Helper()
	require.Greater(t, len(s.asked), n)
	var q question
	require.NoError(t, json.Unmarshal([]byte(s.asked[n].User), &q))
	return q
}

func ada() account.Account {
	return account.Account{
		Network: account.X, Handle: "ada_builds",
		Profile: account.Profile{
			Goals: []string{"Teach Go", "Find contributors"}, Interests: []string{"compilers"},
			Projects: []account.Project{{Name: "Loom", About: "a build tool, see https://loom.example/docs"}},
			Voice:    "plain", Audience: "Go developers", BannedWords: []string{"synergy", "Gurú", "game changer"},
		},
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
