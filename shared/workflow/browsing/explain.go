package browsing

import (
	"slices"
	"time"

	"rostrum/shared/account"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/post"
)

// Action is something a person can do with a post.
type Action string

// The actions, named as the API's routes are.
const (
	Edit           Action = "edit"
	Submit         Action = "submit"
	Approve        Action = "approve"
	RequestChanges Action = "request_changes"
	Reject         Action = "reject"
	Schedule       Action = "schedule"
	Unschedule     Action = "unschedule"
	Cancel         Action = "cancel"
	PublishNow     Action = "publish_now"
	Retry          Action = "retry"
	Resolve        Action = "resolve"
)

// Actions lists what the actor may do with the post now, in the order in which
// a page shows them. approved says that a live approval is for its content.
func Actions(p post.Post, approved bool, actor audit.Actor) []Action {
	planned := slices.Contains([]post.State{post.Draft, post.InReview, post.ChangesRequested, post.AwaitingApproval}, p.State)
	sendable := approved && slices.Contains([]post.State{post.Approved, post.Scheduled, post.Failed, post.Missed}, p.State)
	stuck := sendable && (p.State == post.Failed || p.State == post.Missed || p.Hold != "")
	waiting := p.State == post.AwaitingApproval
	var out []Action
	for _, a := range []struct {
		action Action
		right  auth.Permission
		when   bool
	}{
		{Submit, auth.EditPosts, post.CanMove(p.State, post.InReview)},
		{Approve, auth.ApprovePosts, waiting},
		{RequestChanges, auth.ApprovePosts, waiting},
		{Reject, auth.ApprovePosts, waiting},
		{Resolve, auth.ResolveUnknown, p.State == post.Unknown},
		{Retry, auth.SchedulePosts, stuck},
		{PublishNow, auth.SchedulePosts, sendable},
		{Schedule, auth.SchedulePosts, planned || sendable},
		{Unschedule, auth.SchedulePosts, p.Schedule != nil && (planned || p.State == post.Scheduled)},
		{Edit, auth.EditPosts, p.State.Editable()},
		{Cancel, auth.SchedulePosts, post.CanMove(p.State, post.Canceled)},
	} {
		if a.when && auth.Allowed(actor, a.right) {
			out = append(out, a.action)
		}
	}
	return out
}

// WhyNotOut answers, in one sentence, why the post has not gone out; empty when
// it has, or will in its own time.
func WhyNotOut(p post.Post, a account.Account, facts post.HoldFacts, now time.Time) string {
	switch p.State {
	case post.Published, post.Canceled:
		return ""
	case post.Draft:
		return "It is a draft; submit it for review."
	case post.InReview:
		return "It is being reviewed."
	case post.AwaitingApproval:
		return "It waits for a person to approve it."
	case post.ChangesRequested:
		return "Changes were asked for; edit it and submit it again."
	case post.Rejected:
		return "It was rejected; an edit reopens it."
	case post.Approved:
		return "It is approved and has no time yet."
	case post.Missed:
		return "Its time passed before it could go out; give it a new time."
	case post.Failed:
		return "Sending it failed. " + p.FailureDetail
	case post.Unknown:
		if p.NeedsPersonAt != nil {
			return "Nobody knows whether it is public. " + p.FailureDetail
		}
		return "Nobody knows yet whether it is public: " + a.Network.Name() + " gave no clear answer. Rostrum reads the account back to find out."
	case post.Sending:
		return "It is being sent at this moment."
	case post.Scheduled:
		return whyScheduled(p, a, facts, now)
	}
	return ""
}

func whyScheduled(p post.Post, a account.Account, facts post.HoldFacts, now time.Time) string {
	held := HeldOf(p.Hold, p.FailureDetail, facts, a.Handle, a.Network, p.Schedule)
	if held.Reason != "" {
		return held.Sentence()
	}
	switch {
	case a.PausedAt != nil:
		held.Reason, held.Facts = post.HeldPausedAccount, post.HoldFacts{Since: *a.PausedAt, Reason: a.PauseReason}
	case a.Status != account.Connected:
		held.Reason = post.HeldReauth
	case a.LimitedUntil != nil && a.LimitedUntil.After(now):
		held.Reason, held.Facts = post.HeldRateLimit, post.HoldFacts{Until: *a.LimitedUntil}
	case p.Schedule != nil && p.Schedule.DueAt.After(now):
		return ""
	default:
		return "It is due and on its way."
	}
	return held.Sentence()
}
