package fault

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// keptStrikes bounds the list of strikes that is shown.
const keptStrikes = 200

// Script is the set of rules in force. It is safe for concurrent use.
type Script struct {
	now     func() time.Time
	presets map[string]Action

	mu       sync.Mutex
	rules    []*armed
	strikes  []Strike
	requests map[string]int
	nextID   int

	closed chan struct{}
	once   sync.Once
}

// armed is a rule with its counters.
type armed struct {
	Rule
	seen   int
	struck int
	dice   *rand.Rand
}

// Strike is one request that a rule struck.
type Strike struct {
	Rule    string    `json:"rule"`
	Kind    Kind      `json:"kind"`
	Method  string    `json:"method"`
	Path    string    `json:"path"`
	Account string    `json:"account,omitempty"`
	At      time.Time `json:"at"`
}

// Status is a rule and what became of it so far.
type Status struct {
	Rule
	// Seen counts the requests that matched, Struck those that were hit.
	Seen   int  `json:"seen"`
	Struck int  `json:"struck"`
	Spent  bool `json:"spent"`
}

// NewScript returns an empty script. Presets are the actions that a rule may
// name instead of spelling them out.
func NewScript(now func() time.Time, presets map[string]Action) *Script {
	return &Script{now: now, presets: presets, requests: map[string]int{}, closed: make(chan struct{})}
}

// Add puts a rule in force and returns it with its id and its preset filled in.
// It returns ErrBadRule when the rule cannot be played or its id is taken.
func (s *Script) Add(r Rule) (Rule, error) {
	r, err := r.resolve(s.presets)
	if err != nil {
		return Rule{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.ID == "" {
		s.nextID++
		r.ID = "fault-" + strconv.Itoa(s.nextID)
	}
	if slices.ContainsFunc(s.rules, func(a *armed) bool { return a.ID == r.ID }) {
		return Rule{}, fmt.Errorf("%w: the id %q is taken", ErrBadRule, r.ID)
	}
	// Not for secrets: the dice must fall alike in every run.
	dice := rand.New(rand.NewPCG(r.Seed, uint64(len(r.ID)))) //nolint:gosec // repeatable on purpose
	s.rules = append(s.rules, &armed{Rule: r, dice: dice})
	return r, nil
}

// Remove takes a rule out of force and reports whether it was there.
func (s *Script) Remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.rules)
	s.rules = slices.DeleteFunc(s.rules, func(a *armed) bool { return a.ID == id })
	return len(s.rules) < before
}

// Clear takes every rule out of force and forgets strikes and counts.
func (s *Script) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules, s.strikes = nil, nil
	clear(s.requests)
}

// Rules returns the rules in the order in which they were added.
func (s *Script) Rules() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Status, 0, len(s.rules))
	for _, a := range s.rules {
		out = append(out, Status{Rule: a.Rule, Seen: a.seen, Struck: a.struck, Spent: a.Times > 0 && a.struck >= a.Times})
	}
	return out
}

// Strikes returns the last strikes, oldest first.
func (s *Script) Strikes() []Strike {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.strikes)
}

// Requests returns how many requests came in per method and path, with numbers
// in the path written as {id}.
func (s *Script) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.requests)
}

// Close ends every wait that a rule holds a request in. An effect that was
// still to come does not come: the network went down with it.
func (s *Script) Close() { s.once.Do(func() { close(s.closed) }) }

// plan is what was decided for one request.
type plan struct {
	end    *Action
	before time.Duration
	after  time.Duration
	lag    time.Duration
}

// decide counts the request against every rule and returns what strikes it: the
// first rule that ends it and all that let it through.
func (s *Script) decide(r *http.Request, account string) (plan, error) {
	var body string
	if s.count(r) {
		var err error
		if body, err = peek(r); err != nil {
			return plan{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var p plan
	for _, a := range s.rules {
		if !a.Match.fits(r, account, body) || (p.end != nil && !a.Action.Kind.passes()) {
			continue
		}
		if !a.strikes() {
			continue
		}
		s.note(a, r, account)
		switch a.Action.Kind {
		case Delay:
			p.before += a.Action.delay()
		case DelayAnswer:
			p.after += a.Action.delay()
		case Lag:
			p.lag = max(p.lag, a.Action.delay())
		default:
			action := a.Action
			p.end = &action
		}
	}
	return p, nil
}

// count counts the request and reports whether a rule asks for its body, which
// is read without the lock: a slow client must not hold up the others.
func (s *Script) count(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[r.Method+" "+shape(r.URL.Path)]++
	return slices.ContainsFunc(s.rules, func(a *armed) bool { return a.Match.Contains != "" })
}

// strikes counts one matching request and says whether it is hit.
func (a *armed) strikes() bool {
	a.seen++
	if a.seen < max(a.Match.Nth, 1) || (a.Times > 0 && a.struck >= a.Times) {
		return false
	}
	if chance := cmp.Or(a.Probability, 1); chance < 1 && a.dice.Float64() >= chance {
		return false
	}
	a.struck++
	return true
}

func (s *Script) note(a *armed, r *http.Request, account string) {
	if len(s.strikes) == keptStrikes {
		s.strikes = s.strikes[1:]
	}
	s.strikes = append(s.strikes, Strike{
		Rule: a.ID, Kind: a.Action.Kind, Method: r.Method, Path: r.URL.Path, Account: account, At: s.now(),
	})
}

// wait lets d pass and reports whether it did; it ends early when the context
// does or the script closes.
func (s *Script) wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-s.closed:
		return false
	}
}

// waitGone waits until the client leaves, at most limit when that is not 0, and
// reports false when the script closed first.
func (s *Script) waitGone(ctx context.Context, limit time.Duration) bool {
	var expired <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-ctx.Done():
		return true
	case <-expired:
		return true
	case <-s.closed:
		return false
	}
}

// shape writes the numbers in a path as {id}, so that counts gather.
func shape(path string) string {
	out := []byte{}
	for i := 0; i < len(path); {
		end := i + 1
		for end < len(path) && path[end] != '/' {
			end++
		}
		segment := path[i:end]
		if _, err := strconv.ParseUint(segment[1:], 10, 64); err == nil && len(segment) > 3 {
			segment = "/{id}"
		}
		out = append(out, segment...)
		i = end
	}
	return string(out)
}
