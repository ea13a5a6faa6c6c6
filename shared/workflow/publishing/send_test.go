package publishing_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/simulator/fault"
	"rostrum/shared/store"
	"rostrum/shared/telemetry/telemetrytest"
	"rostrum/shared/workflow/publishing"
)

func TestAPostGoesOutOnItsSecondAndNotBefore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Scheduled(t, 2*time.Second, "hello, world")
	b.send(t, p)
	seen := b.audience()
	require.Len(t, seen, 1)
	require.False(t, seen[0].AcceptedAt.Before(p.Schedule.DueAt), "accepted %s before it was due", p.Schedule.DueAt.Sub(seen[0].AcceptedAt))
	require.Less(t, seen[0].AcceptedAt.Sub(p.Schedule.DueAt), time.Second)

	after := b.Post(t, p.ID)
	require.Equal(t, post.Published, after.State)
	require.Equal(t, seen[0].ID, b.Attempts(t, p.ID)[0].RemoteID)
	require.Contains(t, after.RemoteURL, "/acme/status/"+seen[0].ID)
	require.Positive(t, *after.Lateness)
	require.Equal(t, p.Revision, after.Revision, "sending is no revision")
	require.Equal(t, []string{"attempt.started", "attempt.accepted", "post.published"}, b.actions(t, p))
	readings := b.sent.of(t, queue.ReadMetrics)
	require.Len(t, readings, 1, "the one within reach of a queue's delay; the other is the schedule's")
	require.InDelta(t, 11, readings[0].Delay.Seconds(), 1)
}

func TestAThreadGoesOutInItsOrderEachPartUnderTheOneBefore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Scheduled(t, 0, "one", "two", "three")
	b.send(t, p)
	require.Equal(t, []string{"one", "two", "three"}, b.audienceTexts())
	seen := b.audience()
	require.Empty(t, seen[0].ReplyTo)
	require.Equal(t, seen[0].ID, seen[1].ReplyTo)
	require.Equal(t, seen[1].ID, seen[2].ReplyTo)
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
}

func TestManyDeliveriesOfOneMessageAtOnceMakeOnePost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Scheduled(t, time.Second, "only once")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { b.send(t, p) })
	}
	wg.Wait()
	b.send(t, p)
	require.Equal(t, []string{"only once"}, b.audienceTexts())
	require.Len(t, b.Attempts(t, p.ID), 1)
}

func TestPostsInFlightTogetherAreCommittedTogetherAndEachOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var posts []post.Post
	for i := range 40 {
		posts = append(posts, b.Scheduled(t, 2*time.Second, "post number "+string(rune('A'+i))))
	}
	var wg sync.WaitGroup
	for _, p := range posts {
		wg.Go(func() { b.send(t, p) })
	}
	wg.Wait()
	require.Len(t, b.audience(), len(posts))
	for _, p := range posts {
		require.Equal(t, post.Published, b.Post(t, p.ID).State)
	}
}

// What is in flight together shares its reads, intents and results; each post
// still meets its own fate, and a message about nothing fails alone.
func TestEachOfABurstMeetsItsOwnFate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	has := func(text string) fault.Match {
		return fault.Match{Method: "POST", Path: "/2/tweets", Contains: text}
	}
	b.fault(t, fault.Rule{Preset: "not_permitted", Match: has("refused")})
	b.fault(t, fault.Rule{Preset: "server_error", Match: has("unclear")})
	fates := map[string]post.State{"plain": post.Published, "refused": post.Failed, "unclear": post.Unknown, "thread": post.Published}
	made := map[string][]post.Post{}
	for i := range 12 {
		n := string(rune('A' + i))
		for fate := range fates {
			texts := []string{fate + " " + n}
			if fate == "thread" {
				texts = append(texts, "second "+n)
			}
			made[fate] = append(made[fate], b.Scheduled(t, time.Second, texts...))
		}
	}
	var wg sync.WaitGroup
	var nobody error
	for _, posts := range made {
		for _, p := range posts {
			wg.Go(func() { b.send(t, p) })
			wg.Go(func() { b.send(t, p) }) // delivered twice
		}
	}
	wg.Go(func() {
		nobody = b.service.Send(t.Context(), queue.Message{Version: 1, Kind: queue.PublishPost, WorkspaceID: b.Workspace, SubjectID: uuid.New()}, nil)
	})
	wg.Wait()
	require.Equal(t, apperr.NotFound, apperr.KindOf(nobody))
	for fate, state := range fates {
		for _, p := range made[fate] {
			require.Equal(t, state, b.Post(t, p.ID).State, fate)
			parts := len(p.Version.Content.Parts)
			require.Len(t, b.Attempts(t, p.ID), parts, "each part was begun once")
			want := []string{"attempt.started", "attempt.accepted"}
			switch {
			case state == post.Failed:
				want = []string{"attempt.started", "post.failed"}
			case state == post.Unknown:
				want = []string{"attempt.started", "attempt.unclear"}
			case parts == 2:
				want = append(want, "attempt.started", "attempt.accepted")
			}
			if state == post.Published {
				want = append(want, "post.published")
			}
			require.Equal(t, want, b.actions(t, p))
		}
	}
	require.Len(t, b.audience(), 12+2*12)
}

// Many that a workspace has due in one moment leave room for another's one.
func TestManyOfOneWorkspaceAreSpreadBesideAnothersPost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	world := *b.World
	world.Workspace, world.Person = b.AddWorkspace(t, "Beside", "bea@example.com")
	world.Account = b.AddAccount(t, world.Workspace, "beside")
	other := &bench{World: &world, net: b.net, service: b.service}
	other.connect(t, b.tokens)
	due := time.Now().Add(5 * time.Second).Truncate(time.Second)
	in := func() time.Duration { return time.Until(due) + 500*time.Millisecond }
	const many = 90
	var wg sync.WaitGroup
	for i := range many {
		p := b.Scheduled(t, in(), "post number "+strconv.Itoa(i))
		wg.Go(func() { b.send(t, p) })
	}
	one := other.Scheduled(t, in(), "the one beside them")
	wg.Go(func() { other.send(t, one) })
	wg.Wait()
	seen := map[string]time.Time{}
	for _, item := range b.audience() {
		seen[item.Text] = item.AcceptedAt
	}
	require.Len(t, seen, many+1)
	last := due
	for _, at := range seen {
		if at.After(last) {
			last = at
		}
	}
	// Ten at once and 250 in a second.
	require.Greater(t, last.Sub(due), 310*time.Millisecond)
}

func TestAMessageThatIsOutOfDateSendsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Scheduled(t, 0, "hello")
	old := p
	old.Revision--
	b.send(t, old)
	require.NoError(t, b.Owner.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.MovePost(ctx, p, post.Canceled, post.Scheduled)
		return err
	}))
	b.send(t, p)
	require.Empty(t, b.audience())
}

func TestAPostThatIsFarOffGoesBackOnTheQueue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Scheduled(t, time.Minute, "later")
	b.send(t, p)
	require.Empty(t, b.audience())
	again := b.sent.of(t, queue.PublishPost)
	require.Len(t, again, 1)
	require.InDelta(t, 58, again[0].Delay.Seconds(), 2)
}

// The stored text is changed behind the application's back, with triggers off.
func TestWhatIsNotAsApprovedIsNotSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Scheduled(t, 0, "approved words")
	b.exec(t, "ALTER TABLE versions DISABLE TRIGGER ALL")
	b.exec(t, `UPDATE versions SET content = '{"parts":[{"text":"other words"}]}' WHERE post_id = $1`, uuid.UUID(p.ID))
	b.send(t, p)
	require.Empty(t, b.audience())
	require.Equal(t, post.HeldContentChanged, b.Post(t, p.ID).Hold)
	require.NotNil(t, b.Post(t, p.ID).NeedsPersonAt)
}

func TestWhatTheNetworkSaysDecidesWhatHappensNext(t *testing.T) {
	t.Parallel()
	for preset, want := range map[string]struct {
		state   post.State
		hold    post.HoldReason
		attempt post.AttemptState
		person  bool
	}{
		"rate_limited":        {post.Scheduled, post.HeldRateLimit, post.AttemptRefused, false},
		"rate_limited_day":    {post.Scheduled, post.HeldRateLimit, post.AttemptRefused, false},
		"rate_limited_app":    {post.Scheduled, post.HeldRateLimit, post.AttemptRefused, false},
		"rate_limited_past":   {post.Scheduled, post.HeldRateLimit, post.AttemptRefused, false},
		"rate_limited_absurd": {post.Scheduled, post.HeldRateLimit, post.AttemptRefused, false},
		"rate_limited_silent": {post.Scheduled, post.HeldRateLimit, post.AttemptRefused, false},
		"credits_depleted":    {post.Scheduled, post.HeldOutOfCredit, post.AttemptRefused, true},
		"unauthorized":        {post.Scheduled, post.HeldRetry, post.AttemptRefused, false},
		"duplicate":           {post.Failed, "", post.AttemptRefused, true},
		"not_permitted":       {post.Failed, "", post.AttemptRefused, true},
		"server_error":        {post.Unknown, "", post.AttemptUnknown, false},
		"server_error_empty":  {post.Unknown, "", post.AttemptUnknown, false},
		"bad_gateway":         {post.Unknown, "", post.AttemptUnknown, false},
		"unavailable":         {post.Unknown, "", post.AttemptUnknown, false},
		"reset":               {post.Unknown, "", post.AttemptUnknown, false},
	} {
		t.Run(preset, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fault(t, fault.Rule{Preset: preset, Times: 1})
			p := b.Scheduled(t, 0, "hello")
			b.send(t, p)
			require.Empty(t, b.audience())
			after := b.Post(t, p.ID)
			require.Equal(t, want.state, after.State)
			require.Equal(t, want.hold, after.Hold)
			require.Equal(t, want.attempt, b.Attempts(t, p.ID)[0].State)
			require.Equal(t, want.person, after.NeedsPersonAt != nil)
			require.NotEmpty(t, after.FailureDetail, "a user reads what happened")
			if want.state != post.Scheduled {
				return
			}
			// Nothing went out, so the message for the next try is on its way, and
			// when its time has come the post goes out, once.
			require.Len(t, b.sent.of(t, queue.PublishPost), 1)
			b.send(t, b.retryNow(t, p))
			require.Equal(t, post.Published, b.Post(t, p.ID).State)
			require.Equal(t, []string{"hello"}, b.audienceTexts())
		})
	}
}

func TestARateLimitKeepsTheWholeAccountBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "rate_limited", Times: 1})
	first, second := b.Scheduled(t, 0, "first"), b.Scheduled(t, 0, "second")
	b.send(t, first)
	b.send(t, second)
	require.Empty(t, b.audience())
	require.Equal(t, post.HeldRateLimit, b.Post(t, second.ID).Hold)
	require.Empty(t, b.Attempts(t, second.ID), "the network was not asked again")
	wait := time.Until(*b.Post(t, first.ID).NotBefore)
	require.Greater(t, wait, 50*time.Second)
	require.Less(t, wait, 90*time.Second)
}

func TestASignInThatStaysRefusedHoldsThePostAndAsksAPerson(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "unauthorized"})
	p := b.Scheduled(t, 0, "hello")
	b.send(t, p)
	require.Equal(t, post.HeldRetry, b.Post(t, p.ID).Hold)
	b.send(t, b.retryNow(t, p))
	after := b.Post(t, p.ID)
	require.Equal(t, post.Scheduled, after.State, "held, not failed")
	require.Equal(t, post.HeldReauth, after.Hold)
	require.NoError(t, b.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		a, err := tx.Account(ctx, b.Workspace, b.Account.ID)
		require.Equal(t, account.ReauthNeeded, a.Status)
		return err
	}))
}

func TestAnUnreachableNetworkIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := b.service.Publishers
	b.service.Publishers = unreachable(t)
	p := b.Scheduled(t, 0, "hello")
	b.send(t, p)
	after := b.Post(t, p.ID)
	require.Equal(t, post.Scheduled, after.State)
	require.Equal(t, post.HeldRetry, after.Hold)
	require.Equal(t, post.AttemptNotSent, b.Attempts(t, p.ID)[0].State)
	b.service.Publishers = good
	b.send(t, b.retryNow(t, p))
	require.Equal(t, []string{"hello"}, b.audienceTexts())
}

func TestARefusedThreadPartEndsInWordsThatAUserUnderstands(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "not_permitted", Times: 1, Match: fault.Match{Method: "POST", Path: "/2/tweets", Contains: "in_reply_to"}})
	p := b.Scheduled(t, 0, "one", "two", "three")
	b.send(t, p)
	after := b.Post(t, p.ID)
	require.Equal(t, post.Failed, after.State)
	require.Contains(t, after.FailureDetail, "Part 2 of 3 did not go out, parts 1 to 1 are public.")
	b.send(t, p)
	require.Equal(t, []string{"one"}, b.audienceTexts(), "no loop")
}

func TestAThreadResumesAtTheFirstPartThatIsNotOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "rate_limited", Times: 1, Match: fault.Match{Method: "POST", Path: "/2/tweets", Contains: "three"}})
	p := b.Scheduled(t, 0, "one", "two", "three", "four")
	b.send(t, p)
	require.Equal(t, []string{"one", "two"}, b.audienceTexts())
	b.send(t, b.retryNow(t, p))
	require.Equal(t, []string{"one", "two", "three", "four"}, b.audienceTexts())
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
	require.Equal(t, b.audience()[1].ID, b.audience()[2].ReplyTo)
}

func TestAPauseInTheMiddleOfAThreadStopsTheNextPart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Action: fault.Action{Kind: fault.DelayAnswer, DelayMS: 700}, Times: 1})
	p := b.Scheduled(t, 0, "one", "two")
	var wg sync.WaitGroup
	wg.Go(func() { b.send(t, p) })
	require.Eventually(t, func() bool { return len(b.audience()) == 1 }, 5*time.Second, time.Millisecond)
	require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		return tx.PauseWorkspace(ctx, b.Workspace, "stop everything")
	}))
	wg.Wait()
	require.Equal(t, []string{"one"}, b.audienceTexts())
	require.Equal(t, post.HeldPausedWorkspace, b.Post(t, p.ID).Hold)
	require.Equal(t, []string{"attempt.started", "attempt.accepted", "post.held"}, b.actions(t, p))
	require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		return tx.ResumeWorkspace(ctx, b.Workspace)
	}))
	b.send(t, b.retryNow(t, p))
	require.Equal(t, []string{"one", "two"}, b.audienceTexts())
}

func TestTheInvocationsLastSecondsAreNotSpentOnANewPart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Action: fault.Action{Kind: fault.DelayAnswer, DelayMS: 900}, Times: 1})
	p := b.Scheduled(t, 0, "one", "two")
	ctx, cancel := context.WithTimeout(t.Context(), 13*time.Second+600*time.Millisecond)
	defer cancel()
	require.NoError(t, b.service.Send(ctx, b.message(p, queue.PublishPost), nil))
	require.Equal(t, []string{"one"}, b.audienceTexts())
	require.Equal(t, post.Scheduled, b.Post(t, p.ID).State)
	require.Len(t, b.sent.of(t, queue.PublishPost), 1)
	b.send(t, b.retryNow(t, p))
	require.Equal(t, []string{"one", "two"}, b.audienceTexts())
}

// then runs once the network has answered.
type then struct {
	platform.Publisher

	run func()
}

func (p then) Publish(ctx context.Context, r platform.PublishRequest) platform.Outcome {
	outcome := p.Publisher.Publish(ctx, r)
	p.run()
	return outcome
}

// What the network said is in nobody else's memory: it is written although the
// database is away as it comes and the invocation over.
func TestAnAcceptanceIsWrittenWhateverStandsInItsWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// A sequence counts what is rolled back.
	b.exec(t, "CREATE SEQUENCE tries")
	b.exec(t, `CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
		'BEGIN IF nextval(''tries'') < 3 THEN RAISE EXCEPTION ''away'' USING ERRCODE = ''57P03''; END IF; RETURN NULL; END'`)
	b.exec(t, "CREATE TRIGGER away BEFORE UPDATE ON attempts EXECUTE FUNCTION away()")
	ctx, over := context.WithCancel(t.Context())
	b.service.Publishers = map[account.Network]platform.Publisher{account.X: then{b.client, over}}
	p := b.Scheduled(t, 0, "hello")
	require.NoError(t, b.service.Send(ctx, b.message(p, queue.PublishPost), nil))
	require.Equal(t, []string{"hello"}, b.audienceTexts())
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
}

// An alarm hangs on this: it is for what is ours to answer for.
func TestLatenessIsMeasuredOfPostsThatWereFreeToGoOnTheirSecond(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, measured := telemetrytest.Measured(t, nil)
	send := func(p post.Post) map[string][]float64 {
		require.NoError(t, b.service.Send(ctx, b.message(p, queue.PublishPost), nil))
		return measured()
	}
	// Written and approved before it is due on a busy machine too.
	got := send(b.Scheduled(t, 3*time.Second, "on time"))
	require.Equal(t, []float64{1}, got["calls accepted"])
	require.Len(t, got["call_ms x"], 1)
	require.Len(t, got["lateness_ms x"], 1)
	require.GreaterOrEqual(t, got["lateness_ms x"][0], 0.0)
	require.Less(t, got["lateness_ms x"][0], 60_000.0)

	// Approved, and so changed, ten seconds after it was due.
	got = send(b.Scheduled(t, -10*time.Second, "let go late"))
	require.Equal(t, []float64{1}, got["calls accepted"])
	require.Empty(t, got["lateness_ms x"])

	b.fault(t, fault.Rule{Preset: "rate_limited", Times: 1})
	again := b.Scheduled(t, time.Second, "told to wait")
	got = send(again)
	require.Equal(t, []float64{1}, got["calls delayed"])
	require.Empty(t, got["lateness_ms x"])
	got = send(b.retryNow(t, again))
	require.Equal(t, []float64{1}, got["calls accepted"])
	require.Empty(t, got["lateness_ms x"], "the network made it wait")
}

// heldUp keeps whoever asks for a token until meanwhile has run, and has none.
type heldUp struct {
	publishing.TokenSource

	meanwhile func()
	err       error
}

func (h heldUp) AccessToken(context.Context, uuid.UUID, account.ID) (config.Secret, error) {
	h.meanwhile()
	return "", h.err
}

// Another visit has tried the post while this one waited for a token, and was told
// to wait: what this one found out is of a post as it no longer stands.
func TestAVisitWithoutATokenLeavesAPostThatOthersMoved(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"renewing":  apperr.New(apperr.Unavailable, "token_refreshing", "the account's sign-in is being renewed"),
		"signedOut": apperr.New(apperr.Unauthenticated, "account_needs_reconnect", "the network no longer accepts the account's sign-in"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			p := b.Scheduled(t, 0, "hello")
			until := time.Now().Add(10 * time.Minute).UTC().Truncate(time.Second)
			b.service.Tokens = heldUp{b.service.Tokens, func() {
				b.exec(t, "UPDATE posts SET attempt_no = attempt_no + 1, not_before = $2, hold_reason = 'rate_limited', etag = etag + 1 WHERE id = $1",
					uuid.UUID(p.ID), until)
			}, err}
			b.send(t, p)
			after := b.Post(t, p.ID)
			require.Equal(t, until, after.NotBefore.UTC())
			require.Equal(t, post.HeldRateLimit, after.Hold)
			require.Empty(t, b.sent.of(t, queue.PublishPost), "whoever moved it left a message")
		})
	}
}
