package queuetest

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// deviations.json says where a known server does something else than SQS: check,
// then server, then what it does instead. A check that no longer fails there, or
// fails in another way, is an error: the file is then to be corrected.
//
//go:embed deviations.json
var rawDeviations []byte

// deviation is one known difference of one server.
type deviation struct {
	// Instead is what the server does, for people.
	Instead string `json:"instead"`
	// Shows is a part of what the failed check then says, so that a failure of
	// another kind is not taken for this one.
	Shows string `json:"shows"`
}

// readDeviations reads the file and refuses checks that do not exist.
func readDeviations(raw []byte, checks []string) (map[string]map[string]deviation, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	known := map[string]map[string]deviation{}
	if err := decoder.Decode(&known); err != nil {
		return nil, fmt.Errorf("deviations.json: %w", err)
	}
	for check, servers := range known {
		if !slices.Contains(checks, check) {
			return nil, fmt.Errorf("deviations.json: there is no check %s", check)
		}
		for server, d := range servers {
			if d.Instead == "" || d.Shows == "" {
				return nil, fmt.Errorf("deviations.json: %s of %s does not say both instead and shows", check, server)
			}
		}
	}
	return known, nil
}

// recorder stands in for the test of one check, so that what a check finds can
// be weighed before it counts.
type recorder struct {
	context  context.Context //nolint:containedctx // as testing.T has one
	mu       sync.Mutex
	findings []string
	cleanups []func()
}

// observe runs a check to its end, its cleanups included, and returns what it
// found wrong.
func observe(ctx context.Context, check func(*recorder)) []string {
	r := &recorder{context: ctx}
	r.run(func() { check(r) })
	for _, cleanup := range slices.Backward(r.cleanups) {
		r.run(cleanup)
	}
	return r.findings
}

// run lets FailNow end what runs, and nothing else.
func (r *recorder) run(f func()) {
	var wg sync.WaitGroup
	wg.Go(f)
	wg.Wait()
}

// Context, Helper, Cleanup, Errorf, Error and FailNow are those of a testing.T.
func (r *recorder) Context() context.Context { return r.context }

// Helper does nothing: findings carry their own trace.
func (r *recorder) Helper() {}

// Cleanup is called by the check's own goroutine only.
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

// Errorf records a finding.
func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findings = append(r.findings, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// Error records a finding.
func (r *recorder) Error(args ...any) { r.Errorf("%s", fmt.Sprint(args...)) }

// FailNow ends the check.
func (r *recorder) FailNow() { runtime.Goexit() }

// Outcome is how one check went on one server.
type Outcome string

// The outcomes.
const (
	Kept     Outcome = "kept"
	Deviates Outcome = "deviates"
	Broken   Outcome = "BROKEN"
)

// judge weighs what a check found against what is known of the server. why says
// what is wrong, or which known deviation was seen.
func judge(findings []string, known deviation) (o Outcome, why string) {
	found := strings.Join(findings, "\n")
	switch {
	case len(findings) == 0 && known.Instead == "":
		return Kept, ""
	case len(findings) == 0:
		return Broken, "the server no longer deviates here: take it out of deviations.json"
	case known.Instead == "":
		return Broken, found
	case !strings.Contains(found, known.Shows):
		return Broken, "the server deviates in another way than deviations.json says: " + found
	}
	return Deviates, known.Instead
}
