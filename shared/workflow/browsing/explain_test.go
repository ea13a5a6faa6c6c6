package browsing_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/audit"
	"rostrum/shared/post"
	"rostrum/shared/workflow/browsing"
)

func owner() audit.Actor { return audit.Actor{Kind: audit.Person, Role: audit.Owner} }

func TestActionsFollowTheState(t *testing.T) {
	t.Parallel()
	timed := &post.Schedule{Local: "2026-11-25T09:30:00"}
	for _, c := range []struct {
		name     string
		post     post.Post
		approved bool
		want     []browsing.Action
	}{
		{"Draft", post.Post{State: post.Draft}, false, []browsing.Action{"submit", "schedule", "edit", "cancel"}},
		{"DraftWithATime", post.Post{State: post.Draft, Schedule: timed}, false, []browsing.Action{"submit", "schedule", "unschedule", "edit", "cancel"}},
		{"Awaiting", post.Post{State: post.AwaitingApproval}, false, []browsing.Action{"approve", "request_changes", "reject", "schedule", "edit", "cancel"}},
		{"Approved", post.Post{State: post.Approved}, true, []browsing.Action{"publish_now", "schedule", "edit", "cancel"}},
		{"Scheduled", post.Post{State: post.Scheduled, Schedule: timed}, true, []browsing.Action{"publish_now", "schedule", "unschedule", "edit", "cancel"}},
		{"Held", post.Post{State: post.Scheduled, Schedule: timed, Hold: post.HeldLate}, true, []browsing.Action{"retry", "publish_now", "schedule", "unschedule", "edit", "cancel"}},
		{"Failed", post.Post{State: post.Failed, Schedule: timed}, true, []browsing.Action{"retry", "publish_now", "schedule", "edit", "cancel"}},
		{"FailedAndVoid", post.Post{State: post.Failed, Schedule: timed}, false, []browsing.Action{"edit", "cancel"}},
		{"Unknown", post.Post{State: post.Unknown}, true, []browsing.Action{"resolve"}},
		{"Sending", post.Post{State: post.Sending}, true, nil},
		{"Published", post.Post{State: post.Published}, true, nil},
		{"Rejected", post.Post{State: post.Rejected}, false, []browsing.Action{"edit"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, cmp.Diff(c.want, browsing.Actions(c.post, c.approved, owner())))
			require.Empty(t, browsing.Actions(c.post, c.approved, audit.Actor{Kind: audit.Person, Role: audit.Analyst}))
		})
	}
}

func TestEveryStateThatIsNotOutSaysWhy(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	connected := account.Account{Handle: "acme", Status: account.Connected}
	for _, s := range post.States() {
		t.Run(string(s), func(t *testing.T) {
			t.Parallel()
			got := browsing.WhyNotOut(post.Post{State: s, Schedule: &post.Schedule{DueAt: now.Add(-time.Second)}}, connected, post.HoldFacts{}, now)
			require.Equal(t, s == post.Published || s == post.Canceled, got == "", got)
		})
	}
	asked := post.Post{State: post.Unknown, NeedsPersonAt: &now, FailureDetail: "Look at the account and decide."}
	require.Equal(t, "Nobody knows whether it is public. Look at the account and decide.", browsing.WhyNotOut(asked, connected, post.HoldFacts{}, now))
	paused, limited := connected, connected
	paused.PausedAt = &now
	later := now.Add(time.Minute)
	limited.LimitedUntil = &later
	due := post.Post{State: post.Scheduled, Schedule: &post.Schedule{DueAt: later}}
	require.Empty(t, browsing.WhyNotOut(due, connected, post.HoldFacts{}, now), "it goes out in its own time")
	require.Contains(t, browsing.WhyNotOut(due, paused, post.HoldFacts{}, now), "@acme is paused since 09:00")
	require.Contains(t, browsing.WhyNotOut(due, limited, post.HoldFacts{}, now), "asked us to wait")
	require.Contains(t, browsing.WhyNotOut(due, account.Account{Handle: "acme", Status: account.ReauthNeeded}, post.HoldFacts{}, now), "connected again")
}
