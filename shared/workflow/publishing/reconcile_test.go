package publishing_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/clock"
	"rostrum/shared/platform"
	"rostrum/shared/platform/x"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/simulator/fault"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

// unreachable is X at an address where nobody listens.
func unreachable(t *testing.T) map[account.Network]platform.Publisher {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := "http://" + listener.Addr().String()
	require.NoError(t, listener.Close())
	client, err := x.New(x.Settings{BaseURL: address, AuthorizeURL: address, WebURL: address}, clock.System{})
	require.NoError(t, err)
	return map[account.Network]platform.Publisher{account.X: client}
}

// Each of these is a post that the audience sees although the answer was lost.
func TestAPostWhoseAnswerWasLostIsFoundAndNotSentAgain(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]fault.Rule{
		"Reset":        {Preset: "accepted_reset"},
		"ServerError":  {Preset: "accepted_server_error"},
		"BadGateway":   {Preset: "accepted_bad_gateway"},
		"NoID":         {Preset: "accepted_no_id"},
		"NotJSON":      {Preset: "accepted_not_json"},
		"Truncated":    {Preset: "accepted_truncated"},
		"Timeout":      {Preset: "accepted_hang"},
		"SlowLoris":    {Action: fault.Action{Kind: fault.SlowBody, DelayMS: 1000}},
		"GzipBombBack": {Action: fault.Action{Kind: fault.AcceptThenAnswer, Status: 201, Body: "{}", ContentType: "application/json"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			rule.Times = 1
			b.fault(t, rule)
			p := b.Scheduled(t, 0, "see https://example.com/a?b=1&c=2 <now> & then")
			b.send(t, p)
			require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
			require.Len(t, b.sent.of(t, queue.ReconcilePost), 1, "the first look is asked for")
			b.send(t, p)
			b.look(t, p)
			after := b.Post(t, p.ID)
			require.Equal(t, post.Published, after.State)
			require.Len(t, b.audience(), 1)
			attempt := b.Attempts(t, p.ID)[0]
			require.Equal(t, b.audience()[0].ID, attempt.RemoteID)
			require.Equal(t, "read_back", attempt.SettledBy)
			require.NotNil(t, after.Lateness)
			require.Contains(t, b.actions(t, p), "attempt.found")
		})
	}
}

func TestAPostThatNeverArrivedIsSentAgainOnlyOnceItIsProvedAbsent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "server_error", Times: 1})
	p := b.Scheduled(t, 0, "hello")
	b.send(t, p)
	b.look(t, p)
	b.look(t, p)
	b.look(t, p)
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State, "three clean reads within seconds prove nothing yet")
	// A sender may be held up for 13 s before its call, which the network may take
	// 55 s after it began and show 40 s later.
	b.aged(t, p, 107*time.Second)
	b.look(t, p)
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State, "it may still appear")
	b.aged(t, p, 111*time.Second)
	b.look(t, p)
	after := b.Post(t, p.ID)
	require.Equal(t, post.Scheduled, after.State)
	require.Equal(t, post.AttemptAbsent, b.Attempts(t, p.ID)[0].State)
	require.Empty(t, b.audience())
	b.send(t, after)
	require.Equal(t, []string{"hello"}, b.audienceTexts())
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
}

// A post that vanishes time and again is stopped, and says why and what to do.
func TestAPostThatKeepsVanishingIsGivenToAPerson(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "server_error", Times: 3})
	p := b.Scheduled(t, 0, "hello")
	for range 3 {
		p = b.retryNow(t, p)
		require.Equal(t, post.Scheduled, p.State)
		b.send(t, p)
		b.look(t, p)
		b.age(t, p, 2*time.Minute)
		b.look(t, p)
	}
	after := b.Post(t, p.ID)
	require.Equal(t, post.Failed, after.State)
	require.Equal(t, "kept_vanishing", after.FailureCode)
	require.Contains(t, after.FailureDetail, "Three tries")
	require.Contains(t, after.FailureDetail, "Look at the account, then try again.")
	require.NotNil(t, after.NeedsPersonAt)
	require.Contains(t, b.actions(t, p), "post.failed")
	require.Len(t, b.Attempts(t, p.ID), 3)
	require.Empty(t, b.audience())
}

// The read begins 108 s after the attempt and its answer comes after the window
// of 110 s: what the network accepted meanwhile is not in it.
func TestAReadCountsByWhenItBegan(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "server_error", Times: 1})
	p := b.Scheduled(t, 0, "hello")
	b.send(t, p)
	b.look(t, p)
	b.fault(t, fault.Rule{Match: fault.Match{Method: "GET", Path: "/2/users/*/tweets"}, Times: 1, Action: fault.Action{Kind: fault.DelayAnswer, DelayMS: 2500}})
	b.aged(t, p, 108*time.Second)
	b.look(t, p)
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
	b.look(t, p)
	require.Equal(t, post.Scheduled, b.Post(t, p.ID).State)
}

// The first look comes late enough for the window but is the only one.
func TestOneCleanReadIsNotEnough(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "server_error", Times: 1})
	p := b.Scheduled(t, 0, "hello")
	b.send(t, p)
	b.age(t, p, time.Hour)
	b.look(t, p)
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
	b.look(t, p)
	require.Equal(t, post.Scheduled, b.Post(t, p.ID).State)
}

// The second attempt is in doubt as the first was: what was read for the first
// says nothing of it.
func TestTheReadsOfAnEarlierDoubtDoNotCountForTheNext(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "server_error", Times: 2})
	p := b.Scheduled(t, 0, "hello")
	b.send(t, p)
	b.age(t, p, time.Hour)
	b.look(t, p)
	b.look(t, p)
	b.send(t, b.Post(t, p.ID))
	b.age(t, p, time.Hour)
	b.look(t, p)
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
	b.look(t, p)
	require.Equal(t, post.Scheduled, b.Post(t, p.ID).State)
}

func TestAnAccountThatCannotBeReadLeadsToAPersonAndNeverToAResend(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]fault.Rule{
		"ReadsAreDown":    {Preset: "unavailable"},
		"ReadsAreRefused": {Preset: "not_permitted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fault(t, fault.Rule{Preset: "accepted_server_error", Times: 1})
			rule.Match = fault.Match{Method: "GET", Path: "/2/users/*/tweets"}
			b.fault(t, rule)
			p := b.Scheduled(t, 0, "hello")
			b.send(t, p)
			b.age(t, p, time.Hour)
			for range 7 {
				b.look(t, p)
			}
			after := b.Post(t, p.ID)
			require.Equal(t, post.Unknown, after.State)
			require.NotNil(t, after.NeedsPersonAt)
			require.Len(t, b.audience(), 1)
			b.net.Faults().Clear()
			b.look(t, p)
			require.Equal(t, post.Published, b.Post(t, p.ID).State, "looking goes on")
		})
	}
}

// X answers 200 with errors in place of posts for an account that it does not show.
func TestAnAnswerWithoutATimelineIsNotAnEmptyTimeline(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "accepted_server_error", Times: 1})
	b.fault(t, fault.Rule{Match: fault.Match{Method: "GET", Path: "/2/users/*/tweets"}, Action: fault.Action{
		Kind: fault.Answer, Status: 200,
		ContentType: "application/json", Body: `{"errors":[{"title":"Not Found Error","detail":"Could not find user.","resource_type":"user"}]}`,
	}})
	p := b.Scheduled(t, 0, "hello")
	b.send(t, p)
	b.age(t, p, time.Hour)
	for range 4 {
		b.look(t, p)
	}
	after := b.Post(t, p.ID)
	require.Equal(t, post.Unknown, after.State)
	require.NotNil(t, after.NeedsPersonAt)
	require.Len(t, b.audience(), 1)
}

func TestAnEarlierTwinIsNotTakenForThisPost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	twin := b.Scheduled(t, 0, "same words")
	b.send(t, twin)
	b.exec(t, "UPDATE workspaces SET name = name") // Another statement in between keeps the order plain.
	b.fault(t, fault.Rule{Preset: "server_error", Times: 1})
	p := b.Scheduled(t, 0, "same words")
	b.send(t, p)
	b.exec(t, "UPDATE attempts SET since_id = '' WHERE state = 'unknown'") // The read reaches back to the twin.
	b.look(t, p)
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State, "the twin is owned by the other post")
}

// What shows the post is dated wrongly, or not at all; what is older than a day
// is another post.
func TestAPostThatIsDatedBeforeItsSendingIsNotSentAgainUnasked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dated string
		want  post.State
	}{
		"AnHourBefore":    {`"created_at":"` + time.Now().Add(-2*time.Hour).UTC().Format(time.RFC3339) + `",`, post.Unknown},
		"NotAtAll":        {``, post.Unknown},
		"ThreeDaysBefore": {`"created_at":"` + time.Now().Add(-72*time.Hour).UTC().Format(time.RFC3339) + `",`, post.Scheduled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fault(t, fault.Rule{Preset: "accepted_reset", Times: 1})
			b.fault(t, fault.Rule{Match: fault.Match{Method: "GET", Path: "/2/users/*/tweets"}, Action: fault.Action{
				Kind: fault.Answer, Status: 200, ContentType: "application/json",
				Body: `{"data":[{"id":"2127468670698389695",` + c.dated + `"text":"hello"}],"meta":{"result_count":1}}`,
			}})
			p := b.Scheduled(t, 0, "hello")
			b.send(t, p)
			b.age(t, p, time.Hour)
			b.look(t, p)
			b.look(t, p)
			after := b.Post(t, p.ID)
			require.Equal(t, c.want, after.State)
			require.Equal(t, c.want == post.Unknown, after.NeedsPersonAt != nil)
			if c.want == post.Unknown {
				require.Contains(t, after.FailureDetail, "/status/2127468670698389695")
			}
		})
	}
}

// A full page may end before the attempt: what is not on it may be on the next.
func TestAFullPageProvesAbsenceOnlyByADateThatReachesBack(t *testing.T) {
	t.Parallel()
	page := func(dated string) string {
		var all []string
		for i := range 100 {
			last := ""
			if i == 99 {
				last = dated
			}
			all = append(all, fmt.Sprintf(`{"id":"%d",%s"text":"another %d"}`, 2127468670698389695-i, last, i))
		}
		return `{"data":[` + strings.Join(all, ",") + `],"meta":{"result_count":100}}`
	}
	at := func(ago time.Duration) string {
		return `"created_at":"` + time.Now().Add(-ago).UTC().Format(time.RFC3339) + `",`
	}
	for name, c := range map[string]struct {
		dated string
		posts int
	}{
		"ReachesBack": {at(2 * time.Hour), 2},
		"EndsBefore":  {at(time.Minute), 1},
		"IsNotDated":  {"", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.net.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/_sim/settings",
				strings.NewReader(`{"refuse_duplicates": false}`)))
			b.fault(t, fault.Rule{Preset: "accepted_reset", Times: 1})
			b.fault(t, fault.Rule{Match: fault.Match{Method: "GET", Path: "/2/users/*/tweets"}, Action: fault.Action{
				Kind: fault.Answer, Status: 200, ContentType: "application/json", Body: page(c.dated),
			}})
			p := b.Scheduled(t, 0, "hello")
			b.send(t, p)
			b.age(t, p, time.Hour)
			for range 3 {
				b.look(t, p)
			}
			if b.Post(t, p.ID).State == post.Scheduled {
				b.send(t, b.retryNow(t, p))
			}
			require.Len(t, b.audience(), c.posts, "the network's ledger")
		})
	}
}

// The first attempt became public after it had been taken for absent, and the
// answer to the second was lost.
func TestALateFirstAttemptIsFoundWhenTheSecondIsLookedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "accepted_reset", Times: 1})
	b.fault(t, fault.Rule{Match: fault.Match{Method: "GET", Path: "/2/users/*/tweets"}, Times: 2, Action: fault.Action{
		Kind: fault.Answer, Status: 200, ContentType: "application/json", Body: `{"meta":{"result_count":0}}`,
	}})
	p := b.Scheduled(t, 0, "hello")
	b.send(t, p)
	b.exec(t, "UPDATE attempts SET started_at = started_at - interval '1 hour'")
	b.look(t, p)
	b.look(t, p)
	b.fault(t, fault.Rule{Preset: "server_error", Times: 1})
	b.send(t, b.Post(t, p.ID))
	b.exec(t, "UPDATE attempts SET started_at = clock_timestamp() + interval '1 minute' WHERE state = 'unknown'")
	b.look(t, p)
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
	require.Len(t, b.audience(), 1)
	require.Equal(t, b.audience()[0].ID, b.Attempts(t, p.ID)[1].RemoteID)
}

// An account that keeps late posts back still sends anew what was lost at its
// second; not what was lost hours ago.
func TestWhatWasProvedAbsentIsNotLateForTheTimeThatTook(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		late time.Duration
		rule string
		want post.State
	}{
		"HeldBackIfLate":           {175 * time.Second, "hold", post.Published},
		"PacedIfLate":              {175 * time.Second, "send_within", post.Published},
		"HeldBackIfLateHoursLater": {3 * time.Hour, "hold", post.Scheduled},
		"PacedIfLateHoursLater":    {3 * time.Hour, "send_within", post.Scheduled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fault(t, fault.Rule{Preset: "server_error", Times: 1})
			p := b.Scheduled(t, -c.late, "hello")
			b.exec(t, "UPDATE accounts SET catch_up_within_seconds = 86400")
			b.exec(t, "UPDATE posts SET paced_at = clock_timestamp()")
			b.send(t, p)
			require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
			b.age(t, p, c.late)
			b.look(t, p)
			b.look(t, p)
			b.exec(t, "UPDATE posts SET paced_at = NULL")
			b.exec(t, "UPDATE accounts SET catch_up = $1", c.rule)
			b.send(t, b.Post(t, p.ID))
			after := b.Post(t, p.ID)
			require.Equal(t, c.want, after.State)
		})
	}
}

func TestADuplicateAnswerAfterAProvedAbsenceIsLookedInto(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "server_error", Times: 1})
	p := b.Scheduled(t, 0, "hello")
	b.send(t, p)
	b.age(t, p, time.Hour)
	b.look(t, p)
	b.look(t, p)
	b.fault(t, fault.Rule{Preset: "duplicate", Times: 1})
	b.send(t, b.Post(t, p.ID))
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
	b.age(t, p, time.Hour)
	b.look(t, p)
	b.look(t, p)
	after := b.Post(t, p.ID)
	require.Equal(t, post.Unknown, after.State, "never resent: X would refuse it again")
	require.NotNil(t, after.NeedsPersonAt)
}

// begun leaves a post as a sender does that dies right after its intent.
func (b *bench) begun(t *testing.T, p post.Post, part int, replyTo string) {
	t.Helper()
	require.NoError(t, b.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		j, err := storetest.Begin(ctx, tx, store.Intent{
			WorkspaceID: b.Workspace, PostID: p.ID, AccountID: p.AccountID, Revision: p.Revision, Part: part, ReplyTo: replyTo,
			AttemptID: uuid.Must(uuid.NewV7()), Hash: p.Version.Content.Hash(p.AccountID), Fingerprint: "f", Lease: 25 * time.Second, Grace: time.Minute,
		})
		require.Equal(t, store.Go, j.Verdict)
		return err
	}))
}

func (b *bench) leaseEnds(t *testing.T) {
	t.Helper()
	b.exec(t, "UPDATE posts SET lease_until = clock_timestamp() - interval '1 second' WHERE state = 'sending'")
}

func TestASenderThatDiedBeforeTheCallLeadsToOnePost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Scheduled(t, 0, "hello")
	b.begun(t, p, 0, "")
	b.send(t, p)
	require.Equal(t, post.Sending, b.Post(t, p.ID).State, "the lease is respected")
	b.leaseEnds(t)
	require.NoError(t, b.service.Tick(t.Context()))
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
	b.age(t, p, time.Hour)
	b.look(t, p)
	b.look(t, p)
	b.send(t, b.Post(t, p.ID))
	require.Equal(t, []string{"hello"}, b.audienceTexts())
}

func TestASenderThatDiedAfterTheNetworkAcceptedLeadsToOnePost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Scheduled(t, 0, "one", "two")
	b.begun(t, p, 0, "")
	token, err := b.net.Grant("acme")
	require.NoError(t, err)
	o := b.client.Publish(t.Context(), platform.PublishRequest{Text: "one", Target: platform.Target{
		Network: account.X, RemoteID: b.net.Accounts()[0].ID, Handle: "acme", AccessToken: secret(token.AccessToken),
	}})
	require.Equal(t, platform.Accepted, o.Class)
	b.leaseEnds(t)
	b.send(t, p) // The watchdog's message takes the post back.
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
	b.look(t, p)
	after := b.Post(t, p.ID)
	require.Equal(t, post.Scheduled, after.State, "found; the second part is to go")
	b.send(t, after)
	require.Equal(t, []string{"one", "two"}, b.audienceTexts())
	require.Equal(t, o.RemoteID, b.audience()[1].ReplyTo)
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
}

func TestASenderThatDiedBetweenTwoPartsIsResumedAtTheNext(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Scheduled(t, 0, "one", "two")
	b.fault(t, fault.Rule{Preset: "rate_limited", Times: 1, Match: fault.Match{Method: "POST", Path: "/2/tweets", Contains: "two"}})
	b.send(t, p)
	b.exec(t, "UPDATE accounts SET limited_until = NULL")
	b.exec(t, "UPDATE posts SET state = 'sending', lease_until = clock_timestamp() - interval '1 second', not_before = NULL WHERE id = $1", uuid.UUID(p.ID))
	require.NoError(t, b.service.Tick(t.Context()))
	after := b.Post(t, p.ID)
	require.Equal(t, post.Scheduled, after.State)
	b.send(t, after)
	require.Equal(t, []string{"one", "two"}, b.audienceTexts())
}

// The answer comes after the lease was taken from the sender: what the network
// said is kept, whoever heard it.
func TestASlowSendersAcceptanceIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Action: fault.Action{Kind: fault.DelayAnswer, DelayMS: 1500}, Times: 1})
	p := b.Scheduled(t, 0, "hello")
	var wg sync.WaitGroup
	wg.Go(func() { b.send(t, p) })
	require.Eventually(t, func() bool { return len(b.audience()) == 1 }, 5*time.Second, time.Millisecond)
	b.leaseEnds(t)
	require.NoError(t, b.service.Tick(t.Context()))
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
	wg.Wait()
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
	b.look(t, p)
	require.Len(t, b.audience(), 1)
}

// What is no acceptance says nothing once reading back has taken over.
func TestASlowSendersDoubtChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "server_error", Times: 1})
	b.service.Publishers = map[account.Network]platform.Publisher{account.X: then{b.client, func() {
		b.leaseEnds(t)
		if err := b.service.Tick(t.Context()); err != nil {
			t.Error(err)
		}
	}}}
	p := b.Scheduled(t, 0, "hello")
	b.send(t, p)
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
	require.Equal(t, post.AttemptUnknown, b.Attempts(t, p.ID)[0].State)
}

func TestAnAcceptanceAfterAProvedAbsenceStopsTheResend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Action: fault.Action{Kind: fault.Delay, DelayMS: 2500}, Times: 1})
	p := b.Scheduled(t, 0, "hello")
	var wg sync.WaitGroup
	wg.Go(func() { b.send(t, p) })
	require.Eventually(t, func() bool { return len(b.Attempts(t, p.ID)) == 1 }, 5*time.Second, time.Millisecond)
	b.leaseEnds(t)
	require.NoError(t, b.service.Tick(t.Context()))
	b.age(t, p, time.Hour)
	b.look(t, p)
	b.look(t, p)
	require.Equal(t, post.Scheduled, b.Post(t, p.ID).State)
	wg.Wait()
	require.Len(t, b.audience(), 1)
	require.Equal(t, post.HeldFoundLate, b.Post(t, p.ID).Hold)
	require.NoError(t, b.service.Tick(t.Context()))
	require.Len(t, b.audience(), 1)
}
