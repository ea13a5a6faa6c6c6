// Package fault scripts what goes wrong between a client and a simulated
// service: refusals, lost answers after the work was done, work that is done
// long after the client gave up, answers that cannot be read. A [Script] wraps
// any http.Handler and is set over HTTP while the simulator runs.
package fault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// ErrBadRule says that a rule cannot be played.
var ErrBadRule = errors.New("bad fault rule")

// Kind names what a rule does to a request.
type Kind string

// The kinds. Those whose name begins with accept_then let the service do its
// work before they spoil the answer; delay, delay_answer and lag let the
// request through and may be combined with one other.
const (
	// Answer sends a scripted answer; the service never sees the request.
	Answer Kind = "answer"
	// Reset resets the connection before the request is read.
	Reset Kind = "reset"
	// Hang sends nothing for delay_ms (0: until the client leaves), then closes.
	// The service never sees the request.
	Hang Kind = "hang"
	// AcceptThenReset does the work, then resets the connection.
	AcceptThenReset Kind = "accept_then_reset"
	// AcceptThenHang does the work, then sends nothing, as Hang.
	AcceptThenHang Kind = "accept_then_hang"
	// AcceptThenAnswer does the work, then sends the scripted answer instead.
	AcceptThenAnswer Kind = "accept_then_answer"
	// AcceptThenTruncate does the work, then sends half of the body and resets.
	AcceptThenTruncate Kind = "accept_then_truncate"
	// LateEffect lets the client wait until it leaves, then lets delay_ms pass,
	// then does the work.
	LateEffect Kind = "late_effect"
	// SlowBody does the work, then sends a byte of the body every delay_ms.
	SlowBody Kind = "slow_body"
	// Redirect answers 307 (or status) to the address in location.
	Redirect Kind = "redirect"
	// GzipBomb answers with a small gzip body that unpacks to size_mb.
	GzipBomb Kind = "gzip_bomb"
	// BigBody answers with size_mb of spaces.
	BigBody Kind = "big_body"
	// Delay waits delay_ms before the service sees the request.
	Delay Kind = "delay"
	// DelayAnswer does the work, then waits delay_ms before it answers.
	DelayAnswer Kind = "delay_answer"
	// Lag hides from a read what was written in the last delay_ms.
	Lag Kind = "lag"
)

func kinds() []Kind {
	return []Kind{
		Answer, Reset, Hang, AcceptThenReset, AcceptThenHang, AcceptThenAnswer, AcceptThenTruncate,
		LateEffect, SlowBody, Redirect, GzipBomb, BigBody, Delay, DelayAnswer, Lag,
	}
}

func (k Kind) passes() bool { return k == Delay || k == DelayAnswer || k == Lag }

// afterAccept reports whether the service works before its answer is spoilt.
func (k Kind) afterAccept() bool {
	return k == SlowBody || strings.HasPrefix(string(k), "accept_then_")
}

// Rule is one scripted fault. The zero values of its limits mean "always".
type Rule struct {
	ID    string `json:"id"`
	Match Match  `json:"match"`
	// Preset names an action that the simulator knows; what Action sets beside
	// it wins.
	Preset string `json:"preset,omitempty"`
	Action Action `json:"action"`
	// Times is how often the rule strikes before it is spent; 0 has no end.
	Times int `json:"times,omitempty"`
	// Probability is the chance that a matching request is struck, above 0 and
	// up to 1; 0 is taken as 1. The dice start at Seed, so that a run repeats.
	Probability float64 `json:"probability,omitempty"`
	Seed        uint64  `json:"seed,omitempty"`
}

// Match says which requests a rule looks at. Empty fields match everything.
type Match struct {
	Method string `json:"method,omitempty"`
	// Path is a path.Match pattern (* stands for one segment); a trailing /**
	// takes in everything below.
	Path string `json:"path,omitempty"`
	// Account is the handle on whose behalf the request is made.
	Account string `json:"account,omitempty"`
	// Contains is a text that the request's body must hold.
	Contains string `json:"contains,omitempty"`
	// Nth is the first matching request to be struck, counted from 1; 0 is 1.
	Nth int `json:"nth,omitempty"`
}

// Action says what is done to a request that was struck.
type Action struct {
	Kind   Kind `json:"kind,omitempty"`
	Status int  `json:"status,omitempty"`
	// Headers are sent as given. The words {now} and {now+N}, N in seconds,
	// become Unix seconds.
	Headers     map[string]string `json:"headers,omitempty"`
	Body        string            `json:"body,omitempty"`
	ContentType string            `json:"content_type,omitempty"`
	DelayMS     int64             `json:"delay_ms,omitempty"`
	Location    string            `json:"location,omitempty"`
	SizeMB      int               `json:"size_mb,omitempty"`
}

func (a Action) delay() time.Duration { return time.Duration(a.DelayMS) * time.Millisecond }

// over returns preset with what a sets laid over it.
func (a Action) over(preset Action) Action {
	out := preset
	if a.Kind != "" {
		out.Kind = a.Kind
	}
	if a.Status != 0 {
		out.Status = a.Status
	}
	if a.Headers != nil {
		out.Headers = a.Headers
	}
	if a.Body != "" {
		out.Body = a.Body
	}
	if a.ContentType != "" {
		out.ContentType = a.ContentType
	}
	if a.DelayMS != 0 {
		out.DelayMS = a.DelayMS
	}
	if a.Location != "" {
		out.Location = a.Location
	}
	if a.SizeMB != 0 {
		out.SizeMB = a.SizeMB
	}
	return out
}

// resolve lays the preset under the action and checks the whole.
func (r Rule) resolve(presets map[string]Action) (Rule, error) {
	if r.Preset != "" {
		preset, ok := presets[r.Preset]
		if !ok {
			return Rule{}, fmt.Errorf("%w: there is no preset %q", ErrBadRule, r.Preset)
		}
		r.Action = r.Action.over(preset)
	}
	if r.Action.Kind == "" && r.Action.Status != 0 {
		r.Action.Kind = Answer
	}
	return r, r.check()
}

func (r Rule) check() error {
	switch {
	case r.Probability < 0 || r.Probability > 1:
		return fmt.Errorf("%w: probability lies between 0 and 1", ErrBadRule)
	case r.Times < 0 || r.Match.Nth < 0:
		return fmt.Errorf("%w: times and nth are not negative", ErrBadRule)
	}
	if _, err := path.Match(strings.TrimSuffix(r.Match.Path, "/**"), "/"); err != nil {
		return fmt.Errorf("%w: path: %w", ErrBadRule, err)
	}
	return r.Action.check()
}

func (a Action) check() error {
	needsStatus := a.Kind == Answer || a.Kind == AcceptThenAnswer
	needsSize := a.Kind == GzipBomb || a.Kind == BigBody
	needsDelay := a.Kind.passes()
	outOfRange := min(a.DelayMS, int64(a.SizeMB)) < 0 || a.SizeMB > 4096
	switch {
	case !slices.Contains(kinds(), a.Kind):
		return fmt.Errorf("%w: there is no kind %q; the kinds are %v", ErrBadRule, a.Kind, kinds())
	case needsStatus && (a.Status < 200 || a.Status > 599):
		return fmt.Errorf("%w: %s needs a status between 200 and 599", ErrBadRule, a.Kind)
	case a.Kind == Redirect && a.Location == "":
		return fmt.Errorf("%w: redirect needs a location", ErrBadRule)
	case outOfRange:
		return fmt.Errorf("%w: delay_ms is not negative and size_mb is at most 4096", ErrBadRule)
	case needsDelay && a.DelayMS == 0:
		return fmt.Errorf("%w: %s needs delay_ms", ErrBadRule, a.Kind)
	case needsSize && a.SizeMB == 0:
		return fmt.Errorf("%w: %s needs size_mb", ErrBadRule, a.Kind)
	}
	return nil
}

// fits reports whether the request is one that the rule looks at.
func (m Match) fits(r *http.Request, account, body string) bool {
	if m.Method != "" && !strings.EqualFold(m.Method, r.Method) {
		return false
	}
	if m.Account != "" && !strings.EqualFold(strings.TrimPrefix(m.Account, "@"), account) {
		return false
	}
	if m.Contains != "" && !strings.Contains(body, m.Contains) {
		return false
	}
	if below, ok := strings.CutSuffix(m.Path, "/**"); ok {
		return r.URL.Path == below || strings.HasPrefix(r.URL.Path, below+"/")
	}
	if m.Path == "" {
		return true
	}
	ok, err := path.Match(m.Path, r.URL.Path)
	return ok && err == nil
}

// peek reads the request's body and puts it back.
func peek(r *http.Request) (string, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return "", err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return string(body), nil
}
