package browsing

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"rostrum/shared/account"
	"rostrum/shared/post"
)

// Remedy is what a person can do about a hold.
type Remedy string

// The remedies.
const (
	// Wait: it goes by itself.
	Wait            Remedy = "wait"
	ResumeWorkspace Remedy = "resume_workspace"
	ResumeNetwork   Remedy = "resume_network"
	ResumeAccount   Remedy = "resume_account"
	Reconnect       Remedy = "reconnect"
	AddCredit       Remedy = "add_credit"
	// TryNow: a manager can let one post try at once.
	TryNow Remedy = "try_now"
	// Decide: send it now, give it a new time, or cancel it.
	Decide Remedy = "decide"
	// ApproveAgain: edit it or approve what is stored.
	ApproveAgain Remedy = "approve_again"
	// LookAtAccount: see on the network what is public, then decide.
	LookAtAccount Remedy = "look_at_account"
)

// Held is a hold as it is told to people.
type Held struct {
	Reason  post.HoldReason
	Facts   post.HoldFacts
	Handle  string // without @
	Network account.Network
	// Detail is what was in the way at the last try, in a sentence; may be empty.
	Detail string
	// Due and Zone are of the post: times are told on its wall clock.
	Due  time.Time
	Zone string
}

// HeldOf is a post's hold; its Reason is empty when nothing holds it.
func HeldOf(reason post.HoldReason, detail string, facts post.HoldFacts, handle string, network account.Network, schedule *post.Schedule) Held {
	h := Held{Reason: reason, Detail: detail, Facts: facts, Handle: handle, Network: network}
	if schedule != nil {
		h.Due, h.Zone = schedule.DueAt, schedule.Zone
	}
	return h
}

// Remedy says what a person can do; Wait for nothing, and for a reason that
// this code does not know.
func (h Held) Remedy() Remedy {
	switch h.Reason {
	case post.HeldPausedWorkspace:
		return ResumeWorkspace
	case post.HeldPausedNetwork:
		return ResumeNetwork
	case post.HeldPausedAccount:
		return ResumeAccount
	case post.HeldReauth:
		return Reconnect
	case post.HeldOutOfCredit:
		return AddCredit
	case post.HeldNetworkTrouble, post.HeldAccountTrouble:
		return TryNow
	case post.HeldLate:
		return Decide
	case post.HeldContentChanged:
		return ApproveAgain
	case post.HeldFoundLate:
		return LookAtAccount
	case post.HeldRateLimit, post.HeldQuota, post.HeldCatchingUp, post.HeldRetry:
	}
	return Wait
}

// Sentence says why the post is not going out, what happens next, and when.
func (h Held) Sentence() string {
	if h.Reason == "" {
		return ""
	}
	network := h.Network.Name()
	what, paused := map[post.HoldReason]string{
		post.HeldPausedWorkspace: "Publishing is paused for the whole workspace",
		post.HeldPausedNetwork:   "Publishing to " + network + " is paused for the whole workspace",
		post.HeldPausedAccount:   "@" + h.Handle + " is paused",
	}[h.Reason]
	if paused {
		return h.paused(what)
	}
	return h.waiting(network)
}

func (h Held) waiting(network string) string {
	switch h.Reason {
	case post.HeldReauth:
		return fmt.Sprintf("@%s must be connected again: %s no longer accepts our sign-in. It goes out after that.", h.Handle, network)
	case post.HeldRateLimit:
		return network + " asked us to wait; it goes out by itself " + h.until("as soon as it may") + "."
	case post.HeldQuota:
		return network + " takes no more posts for now: the number that it allows is used up. It goes out by itself " + h.until("when the network counts anew") + "."
	case post.HeldOutOfCredit:
		return "The developer app has no credit left at " + network + ". Add credit there; the next try is " + h.until("within the hour") + "."
	case post.HeldNetworkTrouble:
		return network + " has not answered properly" + h.since() + "; Rostrum tries again " + h.until("in a moment") + "."
	case post.HeldAccountTrouble:
		return network + " has not answered properly for @" + h.Handle + h.since() + "; Rostrum tries again " + h.until("in a moment") + "."
	case post.HeldCatchingUp:
		return "Several posts waited and go out one after the other, so that they do not all come at once; this one goes " + h.until("in its turn") + "."
	case post.HeldLate:
		return "It is too late for the account's catch-up rule; decide whether it should still go out."
	case post.HeldRetry:
		return cmp.Or(h.Detail, "It did not go out at the last try.") + " The next try is " + h.until("in a moment") + "."
	case post.HeldContentChanged:
		return "What is stored is not what was approved, so it is kept back until somebody approves it anew."
	case post.HeldFoundLate:
		return "Part of it turned up on " + network + " after it counted as absent; look at the account before it goes on."
	case post.HeldPausedWorkspace, post.HeldPausedNetwork, post.HeldPausedAccount:
	}
	return "It is held: " + string(h.Reason) + "."
}

// HoldLabel names a reason in a few words, for a count of the posts that have it.
func HoldLabel(r post.HoldReason) string {
	switch r {
	case post.HeldPausedWorkspace:
		return "Workspace paused"
	case post.HeldPausedNetwork:
		return "Network paused"
	case post.HeldPausedAccount:
		return "Account paused"
	case post.HeldReauth:
		return "Account must be connected again"
	case post.HeldRateLimit:
		return "Network asked to wait"
	case post.HeldQuota:
		return "Quota used up"
	case post.HeldOutOfCredit:
		return "No credit at the network"
	case post.HeldNetworkTrouble:
		return "Network does not answer"
	case post.HeldAccountTrouble:
		return "Network does not answer for the account"
	case post.HeldCatchingUp:
		return "Catching up, one after the other"
	case post.HeldLate:
		return "Late, needs a decision"
	case post.HeldRetry:
		return "Being tried again"
	case post.HeldContentChanged:
		return "Not as approved"
	case post.HeldFoundLate:
		return "Turned up late"
	}
	return string(r)
}

// paused tells of the switch that holds the post: who threw it, when and why. One
// that says nothing of since when was lifted, and the tick lets the post go.
func (h Held) paused(what string) string {
	if h.Facts.Since.IsZero() {
		return strings.Replace(what, " is paused", " was paused", 1) + " and was resumed; it goes out within a minute or two."
	}
	if h.Facts.By != "" {
		what += " by " + h.Facts.By
	}
	what += h.since()
	if reason := strings.TrimSuffix(h.Facts.Reason, "."); reason != "" {
		what += ": " + reason
	}
	return what + ". It goes out once somebody resumes it."
}

func (h Held) since() string {
	if h.Facts.Since.IsZero() {
		return ""
	}
	return " since " + h.clock(h.Facts.Since)
}

// until is "at 14:07", or the given words when no time is known.
func (h Held) until(otherwise string) string {
	if h.Facts.Until.IsZero() {
		return otherwise
	}
	return "at " + h.clock(h.Facts.Until)
}

// clock tells a time on the post's wall clock, with the day where it is not the
// one on which the post is due.
func (h Held) clock(at time.Time) string {
	zone, err := time.LoadLocation(h.Zone)
	if err != nil || h.Zone == "" {
		zone = time.UTC
	}
	local, due := at.In(zone), h.Due.In(zone)
	words := local.Format("15:04")
	if !h.Due.IsZero() && local.Format(time.DateOnly) != due.Format(time.DateOnly) {
		words += local.Format(" on 2 Jan")
	}
	if zone == time.UTC {
		words += " UTC"
	}
	return words
}
