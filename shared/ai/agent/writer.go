package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"rostrum/shared/account"
	"rostrum/shared/ai"
	"rostrum/shared/ai/prompt"
	"rostrum/shared/apperr"
	"rostrum/shared/platform"
	"rostrum/shared/post"
)

// CodeDraftTooLong is the error of a writer who was told the count and still
// wrote too much.
const CodeDraftTooLong = "draft_too_long"

// maxThread is how many parts an agent's thread may have; people may write more.
const maxThread = 5

// Draft is what the writer wrote, in canonical form.
type Draft struct {
	Content post.Content
	// Note says to the approver what the post is for.
	Note string
}

// DraftInput is what the writer works from.
type DraftInput struct {
	Account account.Account
	Idea    Idea
	Source  Source
	Recent  []string
}

// Problem is what is wrong with a part, in words for the writer.
type Problem struct {
	Part    int // from 0
	Message string
}

const (
	draftSchema = `{"type":"object","additionalProperties":false,"required":["parts","note"],"properties":{
		"parts":{"type":"array","items":{"type":"string"}},"note":{"type":"string"}}}`
	draftTemperature = 0.7
	draftTokens      = 2500
)

type draftAnswer struct {
	Parts []string `json:"parts"`
	Note  string   `json:"note"`
}

// Draft asks the writer for a post. A draft that is over the network's limit,
// or links elsewhere than its source, is sent back once with what is wrong; a
// link that is still there then is left for the review to show. Errors: those
// of ai.Model; Invalid (CodeDraftTooLong) when it is over the limit still.
func (a Agents) Draft(ctx context.Context, in DraftInput) (Draft, error) {
	return a.write(ctx, in, nil, nil)
}

// Revise asks the writer to mend the problems of an earlier draft. Errors as Draft.
func (a Agents) Revise(ctx context.Context, in DraftInput, earlier []string, problems []Problem) (Draft, error) {
	return a.write(ctx, in, earlier, problems)
}

func (a Agents) write(ctx context.Context, in DraftInput, earlier []string, problems []Problem) (Draft, error) {
	draft, err := a.askWriter(ctx, in, earlier, problems)
	if err != nil {
		return Draft{}, err
	}
	faults, _ := faultsOf(in, draft)
	if len(faults) == 0 {
		return draft, nil
	}
	draft, err = a.askWriter(ctx, in, draft.Content.Texts(), faults)
	if err != nil {
		return Draft{}, err
	}
	if _, tooLong := faultsOf(in, draft); tooLong != "" {
		return Draft{}, apperr.New(apperr.Invalid, CodeDraftTooLong, "The writer kept writing too much: %s", tooLong).
			WithHint("Try again, or write this one yourself.")
	}
	return draft, nil
}

// faults returns what the writer is told, and the first over-long part in words.
func faultsOf(in DraftInput, d Draft) (faults []Problem, tooLong string) {
	allowed := allowedLinks(in.Account, in.Source)
	for part, text := range d.Content.Texts() {
		if length, limit := platform.Measure(in.Account.Network, text); length > limit {
			message := fmt.Sprintf("Part %d is %d of %d.", part+1, length, limit)
			faults = append(faults, Problem{Part: part, Message: message + " Shorten it."})
			if tooLong == "" {
				tooLong = message
			}
		}
		for _, l := range foreignLinks(text, allowed) {
			faults = append(faults, Problem{Part: part, Message: "Remove the link " + cut(l.raw, maxTitle) + ": only source.url may be linked."})
		}
	}
	return faults, tooLong
}

func (a Agents) askWriter(ctx context.Context, in DraftInput, earlier []string, problems []Problem) (Draft, error) {
	limits, name := platform.LimitsOf(in.Account.Network), prompt.Writer
	if limits.MaxParts == 1 {
		name = prompt.Caption
	}
	most := min(maxThread, limits.MaxParts)
	p, system, err := prompt.Render(name, prompt.Values{
		Network: in.Account.Network.Name(), MaxLength: limits.MaxLength, MaxParts: most,
	})
	if err != nil {
		return Draft{}, err
	}
	t := task{
		Account: accountOf(in.Account), Recent: recentOf(in.Recent), Source: sourceOf(in.Source),
		Idea: &ideaData{Title: in.Idea.Title, Angle: in.Idea.Angle, Goal: in.Idea.Goal, Quote: in.Idea.Quote},
	}
	if len(earlier) > 0 {
		t.Draft = &draftData{Parts: earlier}
	}
	for _, problem := range problems {
		t.Problems = append(t.Problems, problemData(problem))
	}
	var draft Draft
	_, err = ask(ctx, a.Model, ai.Request{
		Prompt: p, System: system, SchemaName: "draft", Schema: json.RawMessage(draftSchema),
		MaxOutputTokens: draftTokens, Temperature: draftTemperature,
	}, t, func(answer *draftAnswer) error {
		draft, err = readDraft(*answer, most)
		return err
	})
	if err != nil {
		return Draft{}, err
	}
	return draft, nil
}

func readDraft(answer draftAnswer, most int) (Draft, error) {
	// Models end a thread with an empty part now and then.
	var parts []string
	for _, p := range answer.Parts {
		if strings.TrimSpace(p) != "" {
			parts = append(parts, p)
		}
	}
	if len(parts) > most {
		return Draft{}, ai.BadAnswerError("it has %d parts; the most is %d", len(parts), most)
	}
	content, err := post.Text(parts...).Canonical()
	if err != nil {
		return Draft{}, ai.BadAnswerError("it is not a text that can be posted").WithCause(err)
	}
	return Draft{Content: content, Note: tidy(answer.Note, maxAnswerField)}, nil
}
