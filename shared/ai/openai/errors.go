package openai

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"rostrum/shared/ai"
	"rostrum/shared/apperr"
)

// failure is what one try came to.
type failure struct {
	err    *apperr.Error
	repeat bool
	// after is what the server asked to wait; 0 when it did not say.
	after time.Duration
}

// classify turns go-openai's errors into ours. The status and code tables are
// OpenAI's as of 2026-11; compatible servers send the same or less.
func classify(err error, header http.Header) failure {
	if e, ok := errors.AsType[*openai.APIError](err); ok {
		code, _ := e.Code.(string)
		// The server's message may quote the key or the prompt: only its codes
		// are kept.
		cause := fmt.Errorf("status %d, code %q, type %q", e.HTTPStatusCode, code, e.Type)
		return classifyStatus(e.HTTPStatusCode, code, e.Type, header, cause)
	}
	if e, ok := errors.AsType[*openai.RequestError](err); ok {
		// Not the API's own error form: a proxy's page. Its text stays out of
		// the log, since it may be anything.
		return classifyStatus(e.HTTPStatusCode, "", "", header, fmt.Errorf("status %d without an API error", e.HTTPStatusCode))
	}
	for _, ours := range []error{
		openai.ErrReasoningModelMaxTokensDeprecated, openai.ErrReasoningModelLimitationsOther,
		openai.ErrReasoningSamplingUnsupported, openai.ErrReasoningEffortUnsupported,
	} {
		if errors.Is(err, ours) {
			return failure{err: notConfigured("The model does not take this kind of question.", err)}
		}
	}
	if apperr.Is(err, apperr.TooLarge) {
		return failure{err: ai.BadAnswerError("it is too large").WithCause(err)}
	}
	if isDecoding(err) {
		// A 200 whose body is broken or cut: its tokens are spent. The agent asks
		// again, on a record and a budget of its own.
		return failure{err: ai.BadAnswerError("the server's reply is broken").WithCause(err)}
	}
	return failure{err: away(err), repeat: true}
}

func classifyStatus(status int, code, kind string, header http.Header, cause error) failure {
	switch {
	case status == http.StatusTooManyRequests && (code == "insufficient_quota" || kind == "insufficient_quota"):
		return failure{err: apperr.New(apperr.Forbidden, ai.CodeOutOfCredit, "The model's account has no credit left.").
			WithHint("Top up the provider's account or set another key.").WithCause(cause)}
	case status == http.StatusTooManyRequests:
		after := retryAfter(header)
		return failure{err: apperr.New(apperr.RateLimited, ai.CodeBusy, "The model is busy.").WithRetryAfter(after).
			WithHint("It is tried again by itself.").WithCause(cause), repeat: true, after: after}
	case status == http.StatusUnauthorized:
		return failure{err: notConfigured("The model's key is not accepted.", cause)}
	case status == http.StatusForbidden:
		return failure{err: notConfigured("The model's key may not be used here.", cause)}
	case status == http.StatusNotFound:
		return failure{err: notConfigured("The model or its address is not known.", cause)}
	case status == http.StatusRequestTimeout || status == http.StatusConflict || status >= http.StatusInternalServerError:
		return failure{err: away(cause), repeat: true, after: retryAfter(header)}
	default:
		return failure{err: ai.BadAnswerError("the server refused the question (%d)", status).WithCause(cause)}
	}
}

func away(cause error) *apperr.Error {
	return apperr.New(apperr.Unavailable, ai.CodeAway, "The model cannot be reached.").
		WithHint("It is tried again by itself.").WithCause(cause)
}

func notConfigured(message string, cause error) *apperr.Error {
	return apperr.New(apperr.Forbidden, ai.CodeNotConfigured, "%s", message).
		WithHint("Check OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL.").WithCause(cause)
}

func refusedError() *apperr.Error {
	return apperr.New(apperr.Invalid, ai.CodeRefused, "The model declined to answer.").
		WithHint("Look at what the account and its sources ask for.")
}

// isDecoding recognises what encoding/json says of a body that is no JSON or
// stops in the middle.
func isDecoding(err error) bool {
	text := err.Error()
	return strings.Contains(text, "unexpected EOF") || strings.Contains(text, "invalid character") ||
		strings.Contains(text, "cannot unmarshal") || strings.Contains(text, "unexpected end of JSON")
}

// retryAfter reads Retry-After in seconds, or OpenAI's own headers with values
// like "12ms" and "6m0s"; 0 when neither says anything.
func retryAfter(header http.Header) time.Duration {
	const longest = 24 * time.Hour
	if s := header.Get("Retry-After"); s != "" {
		if seconds, err := strconv.ParseFloat(s, 64); err == nil && seconds > 0 {
			return min(time.Duration(min(seconds, longest.Seconds())*float64(time.Second)), longest)
		}
	}
	var wait time.Duration
	for _, what := range []string{"requests", "tokens"} {
		if header.Get("X-Ratelimit-Remaining-"+what) != "0" {
			continue
		}
		if d, err := time.ParseDuration(header.Get("X-Ratelimit-Reset-" + what)); err == nil && d > 0 {
			wait = max(wait, min(d, longest))
		}
	}
	return wait
}
