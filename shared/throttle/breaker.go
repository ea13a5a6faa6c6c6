package throttle

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/google/uuid"
)

// State is where a breaker stands.
type State string

// The states.
const (
	// Closed lets everything through.
	Closed State = "closed"
	// Open lets nothing through until its time to try again.
	Open State = "open"
	// HalfOpen has let one post through and waits for what becomes of it.
	HalfOpen State = "half_open"
)

const (
	// runGap ends a run of failures: what failed before a pause this long says
	// nothing of now.
	runGap = 15 * time.Minute
	// firstWait doubles with each opening in a row.
	firstWait = 30 * time.Second
	// longestWait bounds the wait before its jitter.
	longestWait = 10 * time.Minute
	// jitterShare of the wait is added to it or taken from it at the most.
	jitterShare = 5 // a fifth
)

// Rule says what opens a breaker.
type Rule struct {
	// Failures in a row.
	Failures int
	// Accounts is how many accounts these must come from.
	Accounts int
}

// NetworkRule opens a network's breaker: ten failures in a row of at least
// three accounts, since one account alone speaks only for itself.
func NetworkRule() Rule { return Rule{Failures: 10, Accounts: 3} }

// AccountRule opens an account's breaker.
func AccountRule() Rule { return Rule{Failures: 5, Accounts: 1} }

// Breaker keeps posts back while a network, or one account of it, does not
// answer properly. Its zero value is closed. It is a value: each method returns
// the breaker as it is afterwards, and the caller stores it under a lock.
type Breaker struct {
	State State
	// Failures is the run since the last proper answer.
	Failures int
	// Accounts are those of the run, as many as the rule asks for at the most.
	Accounts []uuid.UUID
	// FailingSince is when the run began; zero when there is none.
	FailingSince time.Time
	LastFailure  time.Time
	// Openings counts how often it opened since the last proper answer.
	Openings int
	// RetryAt is when one post may try, unless it is Closed.
	RetryAt time.Time
	// Probe is that post's attempt while HalfOpen; it counts until ProbeUntil,
	// so that a sender which dies does not leave the breaker standing.
	Probe      uuid.UUID
	ProbeUntil time.Time
	// LastCode is the code of the last failure.
	LastCode string
}

// Failure is one call that speaks for the other side being down: it was not
// answered, or not properly, or did not get there.
type Failure struct {
	Attempt, Account uuid.UUID
	Code             string
	At               time.Time
}

// Fail returns the breaker after a failure. A failure that comes in while it is
// open, or of a call that is not the probe while it is half open, is of a call
// that began before, and says nothing new.
func (b Breaker) Fail(rule Rule, f Failure) Breaker {
	switch b.State {
	case Open:
		return b
	case HalfOpen:
		if f.Attempt != b.Probe {
			return b
		}
		b.LastFailure, b.LastCode = f.At, f.Code
		b.Failures++
		return b.open(f)
	case Closed:
	}
	b.State = Closed
	if b.Failures > 0 && f.At.Sub(b.LastFailure) > runGap {
		b = Breaker{State: Closed}
	}
	if b.Failures == 0 {
		b.FailingSince = f.At
	}
	b.Failures++
	b.LastFailure, b.LastCode = f.At, f.Code
	if len(b.Accounts) < rule.Accounts && !slices.Contains(b.Accounts, f.Account) {
		b.Accounts = append(slices.Clone(b.Accounts), f.Account)
	}
	if b.Failures < rule.Failures || len(b.Accounts) < rule.Accounts {
		return b
	}
	return b.open(f)
}

func (b Breaker) open(f Failure) Breaker {
	b.State, b.Openings = Open, b.Openings+1
	b.Probe, b.ProbeUntil = uuid.Nil, time.Time{}
	b.RetryAt = f.At.Add(Wait(b.Openings, f.Account))
	return b
}

// Succeed returns the breaker after a proper answer, whatever it said: closed.
func (b Breaker) Succeed() Breaker { return Breaker{State: Closed} }

// Admit asks whether the attempt may go now, and returns the breaker as it is
// then. A closed breaker admits everything. An open one whose time has come
// admits the attempt as its probe, which counts until the given time; no other
// goes until that one has ended or its time is over.
func (b Breaker) Admit(attempt uuid.UUID, now, probeUntil time.Time) (Breaker, bool) {
	switch {
	case b.State == Closed || b.State == "":
		return b, true
	case b.State == Open && now.Before(b.RetryAt):
		return b, false
	case b.State == HalfOpen && now.Before(b.ProbeUntil):
		return b, attempt == b.Probe
	}
	b.State, b.Probe, b.ProbeUntil = HalfOpen, attempt, probeUntil
	return b, true
}

// Wait is how long a breaker stays open that opened for the nth time in a row:
// from 30 s doubling up to 10 min, a fifth more or less. The jitter is drawn
// from the seed, an id that was made at random: that of the account whose call
// failed, so that breakers that opened together do not all try together.
func Wait(n int, seed uuid.UUID) time.Duration {
	wait := longestWait
	if n = max(n, 1); n < 6 {
		wait = min(firstWait<<(n-1), longestWait)
	}
	span := uint64(2 * wait / jitterShare)
	return wait - wait/jitterShare + time.Duration(binary.BigEndian.Uint64(seed[8:])%span)
}
