package agent

import (
	"context"
	"encoding/json"
	"strings"

	"rostrum/shared/ai"
	"rostrum/shared/ai/prompt"
	"rostrum/shared/post"
)

// Report is what the reviewer's model said.
type Report struct {
	// Summary is one sentence for the person who decides.
	Summary  string
	Findings []post.Finding
}

const (
	reviewSchema = `{"type":"object","additionalProperties":false,"required":["verdict","summary","findings"],"properties":{
		"verdict":{"type":"string","enum":["pass","changes"]},"summary":{"type":"string"},"findings":{"type":"array","items":{
			"type":"object","additionalProperties":false,"required":["rule","severity","part","quote","message","suggestion","source_quote"],"properties":{
				"rule":{"type":"string"},"severity":{"type":"string","enum":["note","warn","block"]},"part":{"type":"integer"},
				"quote":{"type":"string"},"message":{"type":"string"},"suggestion":{"type":"string"},"source_quote":{"type":"string"}}}}}}`
	reviewTokens = 2500
	maxFindings  = 20
	maxRule      = 40
)

type reviewAnswer struct {
	Verdict  string          `json:"verdict"`
	Summary  string          `json:"summary"`
	Findings []findingAnswer `json:"findings"`
}

type findingAnswer struct {
	Rule        string `json:"rule"`
	Severity    string `json:"severity"`
	Part        int    `json:"part"`
	Quote       string `json:"quote"`
	Message     string `json:"message"`
	Suggestion  string `json:"suggestion"`
	SourceQuote string `json:"source_quote"`
}

// CheckFacts asks the reviewer's model about a draft. A finding whose quote
// does not stand in its part is about the whole part; evidence that does not
// stand in the source is left out. The model's own verdict is not believed: a
// draft passes when nothing blocks. Errors: those of ai.Model.
func (a Agents) CheckFacts(ctx context.Context, s Subject) (Report, error) {
	p, system, err := prompt.Render(prompt.Reviewer, prompt.Values{Network: s.Account.Network.Name()})
	if err != nil {
		return Report{}, err
	}
	t := task{
		Account: accountOf(s.Account), Draft: &draftData{Parts: s.Parts}, Source: sourceOf(s.Source), Recent: recentOf(s.Recent),
	}
	answer, err := ask(ctx, a.Model, ai.Request{
		Prompt: p, System: system, SchemaName: "review", Schema: json.RawMessage(reviewSchema), MaxOutputTokens: reviewTokens,
	}, t, func(answer *reviewAnswer) error {
		for _, f := range answer.Findings {
			if strings.TrimSpace(f.Message) == "" {
				return ai.BadAnswerError("a finding says nothing")
			}
		}
		return nil
	})
	if err != nil {
		return Report{}, err
	}
	report := Report{Summary: tidy(answer.Summary, maxAnswerField)}
	for _, f := range answer.Findings[:min(len(answer.Findings), maxFindings)] {
		report.Findings = append(report.Findings, readFinding(f, s))
	}
	return report, nil
}

func readFinding(f findingAnswer, s Subject) post.Finding {
	out := post.Finding{
		Rule: slug(f.Rule), Severity: post.Severity(f.Severity),
		Message: tidy(f.Message, maxAnswerField), Suggestion: tidy(f.Suggestion, maxAnswerField),
	}
	if f.Part >= 0 && f.Part < len(s.Parts) {
		out.Part = f.Part
		if start, end, ok := locate(s.Parts[f.Part], f.Quote); ok {
			out.Start, out.End, out.Quote = start, end, s.Parts[f.Part][start:end]
		}
	}
	if start, end, ok := locate(s.Source.Text, f.SourceQuote); ok {
		out.SourceQuote, out.SourceURL = tidy(s.Source.Text[start:end], maxAnswerField), s.Source.URL
	}
	return out
}

// slug makes a rule's name of a model's word: lower case, digits and underscores.
func slug(s string) string {
	out := strings.Trim(strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') {
			return r
		}
		return '_'
	}, strings.ToLower(cut(s, maxRule))), "_")
	if out == "" {
		return "other"
	}
	return out
}
