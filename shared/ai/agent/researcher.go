package agent

import (
	"context"
	"encoding/json"
	"strings"

	"rostrum/shared/account"
	"rostrum/shared/ai"
	"rostrum/shared/ai/prompt"
)

// Idea is something to post about, and the words of a source it rests on.
type Idea struct {
	Title, Angle, Goal, Why string
	// Item is the index of the source it rests on, in IdeasInput.Items.
	Item int
	// Quote is a stretch of that source's text, exactly as it stands there.
	Quote string
}

// IdeasInput is what the researcher works from.
type IdeasInput struct {
	Account account.Account
	// Items are what the sources hold, best first; only the first eight are read.
	Items  []Source
	Recent []string
	// Wanted is how many ideas are asked for, at least 1.
	Wanted int
}

const (
	ideasSchema = `{"type":"object","additionalProperties":false,"required":["ideas"],"properties":{"ideas":{"type":"array","items":{
		"type":"object","additionalProperties":false,"required":["title","angle","goal","why","item_index","quote"],"properties":{
			"title":{"type":"string"},"angle":{"type":"string"},"goal":{"type":"string"},"why":{"type":"string"},
			"item_index":{"type":"integer"},"quote":{"type":"string"}}}}}}`
	ideasTemperature = 0.7
	// tokensPerIdea and thinkingTokens leave a reasoning model room to think.
	tokensPerIdea  = 300
	thinkingTokens = 1500
	// minQuote keeps a quote from being a word that stands in any text.
	minQuote = 12
)

type ideasAnswer struct {
	Ideas []ideaAnswer `json:"ideas"`
}

type ideaAnswer struct {
	Title     string `json:"title"`
	Angle     string `json:"angle"`
	Goal      string `json:"goal"`
	Why       string `json:"why"`
	ItemIndex int    `json:"item_index"`
	Quote     string `json:"quote"`
}

// Ideas asks the researcher. Every idea it returns rests on a quote that was
// found in its item, and none says what another says; an idea without such a
// quote is dropped. At most in.Wanted come back, best first, at least one.
// Errors: those of ai.Model; CodeBadAnswer also when no idea stands.
func (a Agents) Ideas(ctx context.Context, in IdeasInput) ([]Idea, error) {
	items := in.Items[:min(len(in.Items), maxItems)]
	p, system, err := prompt.Render(prompt.Researcher, prompt.Values{Network: in.Account.Network.Name(), Wanted: in.Wanted})
	if err != nil {
		return nil, err
	}
	t := task{Account: accountOf(in.Account), Wanted: in.Wanted, Items: make([]itemData, len(items)), Recent: recentOf(in.Recent)}
	for i, item := range items {
		t.Items[i] = itemData{Index: i, Title: cut(item.Title, maxTitle), URL: item.URL, Text: cut(item.Text, maxItemText)}
	}
	var ideas []Idea
	_, err = ask(ctx, a.Model, ai.Request{
		Prompt: p, System: system, SchemaName: "ideas", Schema: json.RawMessage(ideasSchema),
		MaxOutputTokens: tokensPerIdea*in.Wanted + thinkingTokens, Temperature: ideasTemperature,
	}, t, func(answer *ideasAnswer) error {
		ideas = standing(*answer, t.Items, in)
		if len(ideas) == 0 {
			return ai.BadAnswerError("none of its %d ideas rests on words of its source", len(answer.Ideas))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ideas, nil
}

// standing keeps the ideas that can be checked, each title once.
func standing(answer ideasAnswer, items []itemData, in IdeasInput) []Idea {
	var out []Idea
	seen := map[string]bool{}
	for _, got := range answer.Ideas {
		if len(out) == in.Wanted {
			break
		}
		if got.ItemIndex < 0 || got.ItemIndex >= len(items) {
			continue
		}
		// The model read the cut text, so a quote must stand in that.
		text := items[got.ItemIndex].Text
		start, end, ok := locate(text, got.Quote)
		quote := strings.TrimSpace(text[start:end])
		if !ok || len([]rune(quote)) < min(minQuote, len([]rune(strings.TrimSpace(text)))) {
			continue
		}
		idea := Idea{
			Title: tidy(got.Title, maxTitle), Angle: tidy(got.Angle, maxAnswerField), Why: tidy(got.Why, maxAnswerField),
			Goal: goalOf(got.Goal, in.Account.Profile.Goals), Item: got.ItemIndex, Quote: cut(quote, maxAnswerField),
		}
		key := string(folded(idea.Title).runes)
		if idea.Title == "" || idea.Angle == "" || seen[key] {
			continue
		}
		seen[key] = true
		out = append(out, idea)
	}
	return out
}

// goalOf returns the account's goal that was named, or nothing: goals are the
// account's, not the model's.
func goalOf(named string, goals []string) string {
	for _, g := range goals {
		if strings.EqualFold(strings.TrimSpace(named), strings.TrimSpace(g)) {
			return g
		}
	}
	return ""
}
