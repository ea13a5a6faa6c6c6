// Package agent holds the agents' steps: each turns domain values into one
// question to a model, and the answer, checked, back into domain values. An
// agent only ever returns text and findings; nothing here can send, schedule
// or approve.
//
// Text from outside (sources, drafts, even an account's own words) travels as
// data in one JSON object in the user message; the system message is ours alone
// and says so. What comes back is believed only as far as it can be checked: a
// quote must stand in its source, a link must come from it, a text must fit.
//
// Start reading at Ideas, Draft and CheckFacts; rules.go has what needs no model.
package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"rostrum/shared/account"
	"rostrum/shared/ai"
)

// Agents ask a model. It is safe for concurrent use.
type Agents struct {
	Model ai.Model
}

// Source is a text from outside that a post rests on. The zero Source is none.
type Source struct {
	Title, URL, Text string
}

// Most of what goes into a question, so that its cost is known beforehand.
// Lengths are in characters.
const (
	maxItems       = 8
	maxItemText    = 1200
	maxSourceText  = 4000
	maxRecent      = 10
	maxRecentText  = 280
	maxTitle       = 200
	maxGuidelines  = 4000
	maxAnswerField = 600
)

// task is the user message: data, and nothing but data.
type task struct {
	Account  accountData   `json:"account"`
	Wanted   int           `json:"wanted,omitempty"`
	Items    []itemData    `json:"items,omitempty"`
	Idea     *ideaData     `json:"idea,omitempty"`
	Source   *sourceData   `json:"source,omitempty"`
	Draft    *draftData    `json:"draft,omitempty"`
	Problems []problemData `json:"problems,omitempty"`
	Recent   []string      `json:"recent"`
}

type accountData struct {
	Network    string        `json:"network"`
	Handle     string        `json:"handle"`
	Goals      []string      `json:"goals"`
	Interests  []string      `json:"interests"`
	Projects   []projectData `json:"projects"`
	Audience   string        `json:"audience"`
	Voice      string        `json:"voice"`
	Guidelines string        `json:"guidelines"`
}

type projectData struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

type itemData struct {
	Index int    `json:"index"`
	Title string `json:"title"`
	URL   string `json:"url"`
	Text  string `json:"text"`
}

type ideaData struct {
	Title string `json:"title"`
	Angle string `json:"angle"`
	Goal  string `json:"goal"`
	Quote string `json:"quote"`
}

type sourceData struct {
	Title string `json:"title"`
	URL   string `json:"url"`
	Text  string `json:"text"`
}

type draftData struct {
	Parts []string `json:"parts"`
}

type problemData struct {
	Part    int    `json:"part"`
	Message string `json:"message"`
}

func accountOf(a account.Account) accountData {
	d := accountData{
		Network: a.Network.Name(), Handle: a.Handle,
		Goals: orEmpty(a.Profile.Goals), Interests: orEmpty(a.Profile.Interests), Projects: make([]projectData, len(a.Profile.Projects)),
		Audience: cut(a.Profile.Audience, maxGuidelines), Voice: cut(a.Profile.Voice, maxGuidelines),
		Guidelines: cut(a.Profile.Guidelines, maxGuidelines),
	}
	for i, p := range a.Profile.Projects {
		d.Projects[i] = projectData{Name: p.Name, About: cut(p.About, maxItemText)}
	}
	return d
}

func sourceOf(s Source) *sourceData {
	if s == (Source{}) {
		return nil
	}
	return &sourceData{Title: cut(s.Title, maxTitle), URL: s.URL, Text: cut(s.Text, maxSourceText)}
}

func recentOf(texts []string) []string {
	out := make([]string, 0, maxRecent)
	for _, text := range texts[:min(len(texts), maxRecent)] {
		out = append(out, cut(text, maxRecentText))
	}
	return out
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// ask puts a question and decodes its answer; an answer that check refuses is
// asked for once more, since a model may do better on a second try and no third
// has been seen to help. Errors: those of ai.Model.
func ask[T any](ctx context.Context, model ai.Model, r ai.Request, t task, check func(*T) error) (T, error) {
	var answer T
	user, err := json.Marshal(t)
	if err != nil {
		return answer, fmt.Errorf("encode question for %s: %w", r.SchemaName, err)
	}
	r.User = string(user)
	r.Check = func(raw json.RawMessage) error {
		var got T
		if err := json.Unmarshal(raw, &got); err != nil {
			return ai.BadAnswerError("it could not be read").WithCause(err)
		}
		if err := check(&got); err != nil {
			return err
		}
		answer = got
		return nil
	}
	const tries = 2
	for range tries {
		if _, err = model.Complete(ctx, r); !ai.IsBadAnswer(err) {
			break
		}
	}
	if err != nil {
		var none T
		return none, err
	}
	return answer, nil
}

// cut returns at most n characters of s, from its beginning.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	count := 0
	for i := range s {
		if count == n {
			return s[:i]
		}
		count++
	}
	return s
}

// tidy makes one line of a model's words for people: no control character, no
// run of spaces, at most n characters.
func tidy(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || isHidden(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return cut(strings.Join(strings.Fields(s), " "), n)
}
