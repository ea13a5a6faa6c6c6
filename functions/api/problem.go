package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rostrum/shared/apperr"
)

// Problem is an error as clients see it: RFC 9457 with a stable code and a hint.
type Problem struct { //nolint:errname // the schema is named after it.
	Type   string `json:"type" doc:"Always about:blank; the code says more."`
	Title  string `json:"title" example:"Conflict"`
	Status int    `json:"status" example:"409"`
	Detail string `json:"detail" doc:"What happened, for people."`
	Code   string `json:"code" example:"content_moved" doc:"Stable, for programs."`
	Hint   string `json:"hint,omitempty" doc:"What to do next, for people."`
	// RequestID finds the request in the log.
	RequestID string         `json:"request_id,omitempty"`
	Errors    []ProblemField `json:"errors,omitempty" nullable:"false" doc:"Which parts of the request are at fault."`

	retryAfter time.Duration
}

// ProblemField is one part of the request that is at fault.
type ProblemField struct {
	Location string `json:"location" example:"body.parts"`
	Message  string `json:"message"`
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns Retry-After where it is known.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		seconds := int((p.retryAfter + time.Second - 1) / time.Second)
		h.Set("Retry-After", strconv.Itoa(seconds))
	}
	return h
}

// ContentType names the media type of problems.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// statusOf maps an error's kind to a status; a few codes have a status of
// their own.
func statusOf(e *apperr.Error) int {
	switch e.Code {
	case codeBadKey, codeIllegible:
		return http.StatusBadRequest
	case codePrecondition:
		return http.StatusPreconditionRequired
	}
	switch e.Kind {
	case apperr.NotFound:
		return http.StatusNotFound
	case apperr.Invalid:
		return http.StatusUnprocessableEntity
	case apperr.Conflict:
		return http.StatusConflict
	case apperr.Unauthenticated:
		return http.StatusUnauthorized
	case apperr.Forbidden:
		return http.StatusForbidden
	case apperr.RateLimited:
		return http.StatusTooManyRequests
	case apperr.Unavailable, apperr.Uncertain:
		return http.StatusServiceUnavailable
	case apperr.PreconditionFailed:
		return http.StatusPreconditionFailed
	case apperr.TooLarge:
		return http.StatusRequestEntityTooLarge
	case apperr.Internal:
	}
	return http.StatusInternalServerError
}

// problemOf turns an error into what the client sees, and logs the ones that
// are ours. It is the only place where an error becomes an answer: of an error
// without a kind, or of kind Internal, the client learns nothing but the
// request's id.
func (s *Server) problemOf(ctx context.Context, err error) *Problem {
	e := apperr.As(err)
	kind := apperr.KindOf(err)
	state := stateOf(ctx)
	if kind == apperr.Uncertain {
		state.uncertain = true
	}
	if kind == apperr.Internal || kind == apperr.Unavailable || kind == apperr.Uncertain {
		s.Logger.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("request_id", state.id),
			slog.String("error_kind", kind.String()), slog.String("error", err.Error()))
	}
	if e == nil || kind == apperr.Internal {
		p := newProblem(http.StatusInternalServerError, "internal", "Something went wrong on our side.",
			"Try again. If it stays, give the request id to whoever runs this Rostrum.")
		p.RequestID = state.id
		return p
	}
	p := newProblem(statusOf(e), e.Code, sentence(e.Message), e.Hint)
	p.RequestID, p.retryAfter = state.id, e.RetryAfter
	if e.Field != "" {
		where := "body."
		if state.query[e.Field] {
			where = "query."
		}
		p.Errors = []ProblemField{{Location: where + e.Field, Message: p.Detail}}
	}
	return p
}

func newProblem(status int, code, detail, hint string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code, Hint: hint}
}

// sentence makes a message that is written to stand in a chain of errors stand
// by itself.
func sentence(s string) string {
	if s == "" {
		return s
	}
	r := []rune(s)
	if r[0] >= 'a' && r[0] <= 'z' {
		r[0] -= 'a' - 'A'
	}
	if last := r[len(r)-1]; last != '.' && last != '!' && last != '?' {
		r = append(r, '.')
	}
	return string(r)
}

// reshape brings the errors that huma makes by itself (a request that does not
// fit its schema) into our form. What the client sent is not repeated: it may
// be a password.
func reshape(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := newProblem(m.Status, "invalid_request", "The request is not as it must be.", "Look at the fields named in errors, or at /docs.")
	switch m.Status {
	case http.StatusRequestEntityTooLarge:
		p = tooLarge()
	case http.StatusBadRequest:
		p.Code, p.Detail = "bad_json", "The body is not valid JSON."
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		p.Code, p.Detail, p.Hint = "unsupported_media_type", "Only application/json is understood here.", ""
	case http.StatusRequestTimeout:
		p.Code, p.Detail, p.Hint = "body_timeout", "The body did not arrive in time.", "Try again."
	case http.StatusInternalServerError:
		p.Code, p.Detail, p.Hint = "internal", "The request could not be read.", "Try again."
	}
	for _, e := range m.Errors {
		if e != nil {
			p.Errors = append(p.Errors, ProblemField{Location: e.Location, Message: e.Message})
		}
	}
	p.RequestID = stateOf(ctx.Context()).id
	return p, nil
}

func tooLarge() *Problem {
	return newProblem(http.StatusRequestEntityTooLarge, "body_too_large", "The body is larger than 1 MiB.", "Send less at once.")
}

// writeProblem answers outside of huma.
func (s *Server) writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	write(w, s.problemOf(r.Context(), err))
}

func write(w http.ResponseWriter, p *Problem) {
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	// The client may be gone; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(p) //nolint:errchkjson // Problem holds nothing that cannot be encoded.
}
