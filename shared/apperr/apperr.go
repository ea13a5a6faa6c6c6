// Package apperr gives every error that crosses a package border exactly one
// kind. The kind, not the text, decides what an edge does with it: the HTTP
// edge maps it to a status, the queue edge to retry or drop. The message is
// what a user may read; the cause is for the log only.
package apperr

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure an error is.
type Kind int

// The kinds. Internal is the kind of any error that carries none.
const (
	Internal Kind = iota
	NotFound
	Invalid
	Conflict
	Unauthenticated
	Forbidden
	RateLimited
	Unavailable
	Uncertain
	// PreconditionFailed is a write against a version that has moved on
	// (If-Match); the caller reads again and repeats.
	PreconditionFailed
	TooLarge
)

// String returns the kind in lower-case words.
func (k Kind) String() string {
	names := [...]string{
		Internal: "internal", NotFound: "not found", Invalid: "invalid", Conflict: "conflict",
		Unauthenticated: "unauthenticated", Forbidden: "forbidden", RateLimited: "rate limited",
		Unavailable: "unavailable", Uncertain: "uncertain", PreconditionFailed: "precondition failed",
		TooLarge: "too large",
	}
	if k < 0 || int(k) >= len(names) {
		return names[Internal]
	}
	return names[k]
}

// Error is an error with a kind, a stable machine code, a message and a hint
// for people, and the cause for the log.
type Error struct {
	Kind Kind
	// Code is stable and snake_case, for example "text_too_long".
	Code string
	// Message says what happened; Hint says what to do next. Both are shown
	// to users and never hold a secret or an internal detail.
	Message string
	Hint    string
	// Field names the input at fault, as the API spells it; empty when none is.
	Field string
	// RetryAfter is how long to wait before a repeat can succeed; 0 is unknown.
	RetryAfter time.Duration
	Cause      error
}

// Error returns the message, and the cause behind a colon when there is one.
func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// WithHint sets what the user can do next and returns the same error.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// WithField names the input at fault and returns the same error.
func (e *Error) WithField(field string) *Error {
	e.Field = field
	return e
}

// WithCause attaches the underlying error, for the log, and returns the same error.
func (e *Error) WithCause(err error) *Error {
	e.Cause = err
	return e
}

// WithRetryAfter says how long to wait and returns the same error.
func (e *Error) WithRetryAfter(d time.Duration) *Error {
	e.RetryAfter = d
	return e
}

// New makes an error of the kind with a code and a message for the user.
func New(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of the nearest Error in err's chain, Internal when
// there is none. It must not be called with nil.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is not nil and of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// As returns the nearest Error in err's chain, or nil.
func As(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return nil
}
