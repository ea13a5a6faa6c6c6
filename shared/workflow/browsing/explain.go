package browsing

import (
	"fmt"
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

// HoldSentence says for people why a scheduled post is not going out; empty
// when nothing holds it.
func HoldSentence(h post.HoldReason, handle string) string {
	switch h {
	case "":
		return ""
	case post.HeldPausedWorkspace:
		return "Publishing is paused for the whole workspace."
	case post.HeldPausedAccount:
		return fmt.Sprintf("@%s is paused.", handle)
	case post.HeldReauth:
		return fmt.Sprintf("@%s must be connected again: the network no longer accepts our sign-in.", handle)
	case post.HeldRateLimit:
		return "The network asked us to wait; it goes out as soon as it may."
	case post.HeldOutOfCredit:
		return "The developer app has no credit left at the network."
	case post.HeldLate:
		return "It is too late for the account's catch-up rule; decide whether it should still go out."
	case post.HeldRetry:
		return "The network could not be reached; it is tried again in a moment."
	case post.HeldContentChanged:
		return "What is stored is not what was approved, so it is kept back."
	case post.HeldFoundLate:
		return "Part of it turned up on the network after it counted as absent; look at the account before it goes on."
	}
	return "It is held: " + string(h) + "."
}

// WhyNotOut answers, in one sentence, why the post has not gone out; empty when
// it has, or will in its own time.
func WhyNotOut(p post.Post, a account.Account, now time.Time) string {
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
		return "Nobody knows yet whether it is public: the network's answer was lost. The account is being read back."
	case post.Sending:
		return "It is being sent at this moment."
	case post.Scheduled:
		return whyScheduled(p, a, now)
	}
	return ""
}

func whyScheduled(p post.Post, a account.Account, now time.Time) string {
	if s := HoldSentence(p.Hold, a.Handle); s != "" {
		return s
	}
	switch {
	case a.PausedAt != nil:
		return HoldSentence(post.HeldPausedAccount, a.Handle)
	case a.Status != account.Connected:
		return HoldSentence(post.HeldReauth, a.Handle)
	case a.LimitedUntil != nil && a.LimitedUntil.After(now):
		return HoldSentence(post.HeldRateLimit, a.Handle)
	case p.Schedule != nil && p.Schedule.DueAt.After(now):
		return ""
	}
	return "It is due and on its way."
}
