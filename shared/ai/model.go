// Package ai is the seam to language models: what an agent asks, what comes
// back, what it cost, and in which ways it can go wrong. A model gets text and
// gives text; it holds no tool, no secret and no way to act.
//
// Start reading at Model. Package openai speaks the wire; package agent asks.
package ai

import (
	"context"
	"encoding/json"

	"rostrum/shared/apperr"
)

// Prompt names the versioned text that a request was made from, so that every
// recorded run says which words produced it.
type Prompt struct {
	Name    string
	Version string
}

// Request is one question whose answer is one JSON object.
type Request struct {
	Prompt Prompt
	// System holds our own words only. User is one JSON object with the data,
	// text from outside included; System says that it is data.
	System, User string
	// SchemaName has at most 64 characters of [A-Za-z0-9_-].
	SchemaName string
	// Schema is the JSON schema the answer must follow, in the strict subset:
	// every property required, no additional ones.
	Schema json.RawMessage
	// MaxOutputTokens bounds the answer, reasoning included; it is also what a
	// budget reserves before the call. At least 1.
	MaxOutputTokens int
	// Temperature is 0 to 2. Models that refuse one are asked without.
	Temperature float64
	// Check decides whether an answer that follows the schema is usable; its
	// error, made by BadAnswerError, becomes the run's. Nil takes any.
	Check func(answer json.RawMessage) error
}

// Usage is what one question cost in tokens. CachedTokens are part of InputTokens.
type Usage struct {
	InputTokens, CachedTokens, OutputTokens int64
}

// Answer is what came back. After an error, Usage and Model still say what the
// model counted, as far as it answered at all.
type Answer struct {
	JSON  json.RawMessage
	Model string
	// Simulated says that no real model wrote this.
	Simulated bool
	Usage     Usage
}

// Model answers requests. An implementation owns the retries of one question
// and bounds its time; callers do not retry what it gave up. Every answer has
// passed CheckAnswer.
//
// Errors, by code: CodeAway (Unavailable), CodeBusy (RateLimited, RetryAfter
// set when known), CodeOutOfCredit and CodeNotConfigured (Forbidden; a person
// must act), CodeRefused and CodeBadAnswer (Invalid; the answer is useless).
type Model interface {
	// Name is the configured model; it decides the price before a call.
	Name() string
	Complete(ctx context.Context, r Request) (Answer, error)
}

// The codes of what goes wrong with a model.
const (
	CodeAway          = "model_away"
	CodeBusy          = "model_busy"
	CodeOutOfCredit   = "model_out_of_credit" //nolint:gosec // an error code, no credential
	CodeNotConfigured = "model_not_configured"
	CodeRefused       = "model_refused"
	CodeBadAnswer     = "model_bad_answer"
	// CodeBudgetSpent is of our own making: the question was not asked, because
	// it could have cost more than the budget has left.
	CodeBudgetSpent = "budget_spent"
)

// Outcome is how a run ended, as it is recorded.
type Outcome string

// The outcomes.
const (
	OK          Outcome = "ok"
	BadAnswer   Outcome = "bad_answer"
	Refused     Outcome = "refused"
	Unavailable Outcome = "unavailable"
)

// OutcomeOf says how a run that ended with err is recorded.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return OK
	}
	switch codeOf(err) {
	case CodeBadAnswer:
		return BadAnswer
	case CodeRefused:
		return Refused
	default:
		return Unavailable
	}
}

// BadAnswerError is an answer that breaks what was asked for. The reason is
// shown to people and recorded with the run; it never quotes the answer.
func BadAnswerError(format string, args ...any) *apperr.Error {
	return apperr.New(apperr.Invalid, CodeBadAnswer, "The model's answer could not be used: "+format+".", args...).
		WithHint("Try again; if it stays so, choose another model.")
}

// IsBadAnswer reports whether asking once more may give a better answer.
func IsBadAnswer(err error) bool { return codeOf(err) == CodeBadAnswer }

// IsAway reports whether the model could not be asked now, by no fault of the
// question: a later try may succeed.
func IsAway(err error) bool {
	switch codeOf(err) {
	case CodeAway, CodeBusy:
		return true
	default:
		return false
	}
}

// IsStopped reports whether no question will be answered until a person acts
// or the budget's month ends.
func IsStopped(err error) bool {
	switch codeOf(err) {
	case CodeBudgetSpent, CodeOutOfCredit, CodeNotConfigured:
		return true
	default:
		return false
	}
}

func codeOf(err error) string {
	if e := apperr.As(err); e != nil {
		return e.Code
	}
	return ""
}
