// Package throttle decides what keeps posts back although nobody paused them:
// a network's quota that is used up, a network or an account that does not
// answer properly (a breaker), and a backlog that must not fall on the audience
// at once (the drain). It only computes: the store keeps what it decides, so
// that all processes share it, and the intent reads it.
//
// None of it is needed for a post to go out at most once. A wrong answer here
// makes a post late, never double. Start reading at Breaker.
package throttle

import "time"

// Scope says whose calls a quota counts.
type Scope string

// The scopes.
const (
	// AppScope counts the calls of the developer app, all accounts together.
	AppScope Scope = "app"
	// AccountScope counts the calls of one account.
	AccountScope Scope = "account"
)

// Use says which calls a quota counts.
type Use string

// The uses. Networks count each kind of call by itself.
const (
	// Posting is what a post takes one of for each part.
	Posting Use = "post"
	// Reading is reading an account's posts back.
	Reading Use = "read"
	// Measuring is reading the numbers of posts.
	Measuring Use = "measure"
)

// resetSlack is how far a network's clock may be ahead of ours.
const resetSlack = 5 * time.Minute

// maxCalls is above every limit that a network has published.
const maxCalls = 10_000_000

// Quota is what a network's answer said of one of its windows.
type Quota struct {
	Scope  Scope
	Use    Use
	Window time.Duration // 15 min, 24 h
	// Limit is how many calls the window takes, Remaining how many are left of
	// them after the call that was answered.
	Limit     int
	Remaining int
	ResetsAt  time.Time
}

// Sane returns the quota with what is bounded put into its bounds, and false
// when it says nothing that can be true: no limit, fewer than no calls left, a
// reset in the past or later than a whole window from now. A quota that is not
// sane is as good as none, and without one nothing is kept back.
func (q Quota) Sane(now time.Time) (Quota, bool) {
	if q.Limit <= 0 || q.Limit > maxCalls || q.Remaining < 0 || q.Window <= 0 {
		return Quota{}, false
	}
	if !q.ResetsAt.After(now) || q.ResetsAt.After(now.Add(q.Window+resetSlack)) {
		return Quota{}, false
	}
	q.Remaining = min(q.Remaining, q.Limit)
	return q, true
}
