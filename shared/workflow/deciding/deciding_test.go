package deciding_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/outbox"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/workflow/deciding"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder keeps what was sent.
type recorder struct {
	mu   sync.Mutex
	sent []queue.Envelope
}

func (r *recorder) Send(_ context.Context, envelopes []queue.Envelope) ([]uuid.UUID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]uuid.UUID, len(envelopes))
	for i, e := range envelopes {
		ids[i] = e.ID
	}
	r.sent = append(r.sent, envelopes...)
	return ids, nil
}

func (r *recorder) messages(t *testing.T, q queue.Name) []queue.Message {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []queue.Message
	for _, e := range r.sent {
		if e.Queue != q {
			continue
		}
		var m queue.Message
		require.NoError(t, json.Unmarshal(e.Body, &m))
		out = append(out, m)
	}
	return out
}

type bundle struct {
	service *deciding.Service
	worker  *store.Store
	sent    *recorder
	actor   audit.Actor
	account account.Account
}

func setup(t *testing.T) *bundle {
	t.Helper()
	ctx := t.Context()
	address := storetest.Database(t)
	owner := open(t, address, "")
	b := &bundle{sent: &recorder{}, worker: open(t, address, store.RoleWorker)}
	api := open(t, address, store.RoleAPI)
	b.service = &deciding.Service{
		Relay:       &outbox.Relay{Store: api, Sender: b.sent, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)},
		ReadingAges: []time.Duration{time.Minute, time.Hour},
	}
	require.NoError(t, owner.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		workspace, err := tx.InsertWorkspace(ctx, "Harbour")
		if err != nil {
			return err
		}
		person, err := tx.InsertPerson(ctx, "ada@example.org", "Ada", "no password")
		if err != nil {
			return err
		}
		b.actor = audit.Actor{Kind: audit.Person, ID: person, Name: "Ada", WorkspaceID: workspace, Role: audit.Owner}
		if err := tx.InsertMember(ctx, workspace, person, audit.Owner); err != nil {
			return err
		}
		b.account, err = tx.ConnectAccount(ctx, workspace, account.ID(uuid.Must(uuid.NewV7())), account.X,
			store.Identity{RemoteID: "17", Handle: "harbour", Name: "Harbour"}, "Europe/Berlin")
		return err
	}))
	return b
}

func open(t *testing.T, address, role string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{URL: config.Secret(address), Role: role, MaxConns: 4})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func (b *bundle) other(name string, role audit.Role) audit.Actor {
	return audit.Actor{Kind: audit.Person, ID: uuid.New(), Name: name, WorkspaceID: b.actor.WorkspaceID, Role: role}
}

func (b *bundle) draft(t *testing.T, text string) post.Post {
	t.Helper()
	made, err := b.service.Create(t.Context(), b.actor, deciding.NewPost{AccountID: b.account.ID, Content: post.Text(text)})
	require.NoError(t, err)
	return made.Post
}

// awaiting makes a post that waits for approval, as the review function would.
func (b *bundle) awaiting(t *testing.T, text string) post.Post {
	t.Helper()
	p := b.draft(t, text)
	_, err := b.service.Submit(t.Context(), b.actor, deciding.Target{PostID: p.ID})
	require.NoError(t, err)
	return b.move(t, p, post.AwaitingApproval, post.InReview)
}

func (b *bundle) move(t *testing.T, p post.Post, to, from post.State) post.Post {
	t.Helper()
	var out post.Post
	require.NoError(t, b.worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		out, err = tx.MovePost(ctx, p, to, from)
		return err
	}))
	return out
}

func (b *bundle) profile(t *testing.T, edit func(*account.Profile)) {
	t.Helper()
	require.NoError(t, b.worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		p := b.account.Profile
		edit(&p)
		var err error
		b.account, err = tx.SaveProfile(ctx, b.account.WorkspaceID, b.account.ID, b.account.ETag, p)
		return err
	}))
}

func seen(p post.Post) deciding.Approval {
	return deciding.Approval{PostID: p.ID, Revision: p.Revision, ContentHash: p.Version.Hash}
}

func local(t *testing.T, in time.Duration) string {
	t.Helper()
	at, err := schedule.At(time.Now().Add(in), "Europe/Berlin")
	require.NoError(t, err)
	return at.Local
}

func requireCode(t *testing.T, err error, kind apperr.Kind, code string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, kind, apperr.KindOf(err), "%v", err)
	require.Equal(t, code, apperr.As(err).Code)
}

func TestCreateRefusesWhatTheNetworkWouldNotTake(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		n    deciding.NewPost
		kind apperr.Kind
		code string
	}{
		"TooLong":      {deciding.NewPost{Content: post.Text("fine", string(make([]rune, 0))+longText(301))}, apperr.Invalid, "text_too_long"},
		"Empty":        {deciding.NewPost{Content: post.Text("  ")}, apperr.Invalid, "empty_part"},
		"NoPart":       {deciding.NewPost{}, apperr.Invalid, "empty_post"},
		"Past":         {deciding.NewPost{Content: post.Text("hi"), DueLocal: "2020-01-01T09:00:00"}, apperr.Invalid, "due_in_past"},
		"BadTime":      {deciding.NewPost{Content: post.Text("hi"), DueLocal: "soon"}, apperr.Invalid, "bad_local_time"},
		"OtherAccount": {deciding.NewPost{AccountID: account.ID(uuid.New()), Content: post.Text("hi")}, apperr.NotFound, "no_such_account"},
		"NoSuchIdea":   {deciding.NewPost{Content: post.Text("hi"), IdeaID: new(uuid.New())}, apperr.NotFound, "no_such_idea"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.n.AccountID == (account.ID{}) {
				c.n.AccountID = b.account.ID
			}
			_, err := b.service.Create(t.Context(), b.actor, c.n)
			requireCode(t, err, c.kind, c.code)
		})
	}
}

func longText(n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = 'a'
	}
	return string(out)
}

func TestOverlongPartIsNamedWithItsCount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.service.Create(t.Context(), b.actor, deciding.NewPost{AccountID: b.account.ID, Content: post.Text("fine", longText(301))})
	require.Equal(t, "Part 2 is 301 of 280.", apperr.As(err).Message)
}

func TestWritingAboutAnIdeaTakesItOffTheList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var idea, foreign uuid.UUID
	require.NoError(t, b.service.Relay.Store.InWorkspace(t.Context(), b.actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if idea, err = tx.AddIdea(ctx, b.actor.WorkspaceID, store.Idea{AccountID: b.account.ID, Title: "tides", Angle: "x"}); err != nil {
			return err
		}
		other, err := tx.ConnectAccount(ctx, b.actor.WorkspaceID, account.ID(uuid.New()), account.X, store.Identity{RemoteID: "18", Handle: "other"}, "UTC")
		if err != nil {
			return err
		}
		foreign, err = tx.AddIdea(ctx, b.actor.WorkspaceID, store.Idea{AccountID: other.ID, Title: "x", Angle: "x"})
		return err
	}))
	_, err := b.service.Create(t.Context(), b.actor, deciding.NewPost{AccountID: b.account.ID, Content: post.Text("hi"), IdeaID: &foreign})
	requireCode(t, err, apperr.Invalid, "other_accounts_idea")
	made, err := b.service.Create(t.Context(), b.actor, deciding.NewPost{AccountID: b.account.ID, Content: post.Text("hi"), IdeaID: &idea})
	require.NoError(t, err)
	require.NoError(t, b.worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.Idea(ctx, b.actor.WorkspaceID, idea)
		require.Equal(t, store.IdeaDrafted, got.State)
		require.Equal(t, made.ID, *got.PostID)
		return err
	}))
}

func TestSubmitHandsTheRevisionToReview(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made, err := b.service.Create(t.Context(), b.actor, deciding.NewPost{AccountID: b.account.ID, Content: post.Text("hello"), Submit: true})
	require.NoError(t, err)
	require.Equal(t, post.InReview, made.State)
	messages := b.sent.messages(t, queue.Review)
	require.Len(t, messages, 1)
	require.Equal(t, queue.ReviewPost, messages[0].Kind)
	require.Equal(t, uuid.UUID(made.ID), messages[0].SubjectID)
	require.Equal(t, made.Revision, messages[0].Revision)
	_, err = b.service.Submit(t.Context(), b.actor, deciding.Target{PostID: made.ID})
	requireCode(t, err, apperr.Conflict, "wrong_state")
}

func TestApproveTakesOnlyWhatWasSeen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.awaiting(t, "as seen")
	for name, ap := range map[string]deciding.Approval{
		"OldRevision":  {PostID: p.ID, Revision: p.Revision - 1, ContentHash: p.Version.Hash},
		"OtherContent": {PostID: p.ID, Revision: p.Revision, ContentHash: post.Text("other").Hash(b.account.ID)},
		"NoHash":       {PostID: p.ID, Revision: p.Revision},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.service.Approve(t.Context(), b.actor, ap)
			requireCode(t, err, apperr.Conflict, "content_moved")
		})
	}
}

func TestApproveWithoutATimeWaitsForOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made, err := b.service.Approve(t.Context(), b.actor, seen(b.awaiting(t, "no hurry")))
	require.NoError(t, err)
	require.Equal(t, post.Approved, made.State)
	require.Empty(t, b.sent.messages(t, queue.Publish))
	made, err = b.service.Schedule(t.Context(), b.actor, deciding.Target{PostID: made.ID}, local(t, time.Hour), "")
	require.NoError(t, err)
	require.Equal(t, post.Scheduled, made.State)
	require.Empty(t, b.sent.messages(t, queue.Publish), "an hour ahead is the tick's work")
}

func TestApproveInsideTheHorizonIsHandedOutAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ap := seen(b.awaiting(t, "soon"))
	ap.DueLocal = local(t, time.Minute)
	made, err := b.service.Approve(t.Context(), b.actor, ap)
	require.NoError(t, err)
	require.Equal(t, post.Scheduled, made.State)
	messages := b.sent.messages(t, queue.Publish)
	require.Len(t, messages, 1)
	require.Equal(t, made.Revision, messages[0].Revision)
	delay := b.sent.sent[len(b.sent.sent)-1].Delay
	require.LessOrEqual(t, delay, 59*time.Second)
	require.Greater(t, delay, 50*time.Second)
}

func TestApproveNowIsTheNextWholeSecond(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ap := seen(b.awaiting(t, "now"))
	ap.When = deciding.Now
	before := time.Now()
	made, err := b.service.Approve(t.Context(), b.actor, ap)
	require.NoError(t, err)
	require.WithinDuration(t, before, made.Schedule.DueAt, 3*time.Second)
	require.Zero(t, made.Schedule.DueAt.Nanosecond())
	require.Len(t, b.sent.messages(t, queue.Publish), 1)
}

func TestNextSlotGoesToOnePostOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.profile(t, func(p *account.Profile) {
		for d := time.Sunday; d <= time.Saturday; d++ {
			p.Slots = append(p.Slots, account.Slot{Weekday: d, Hour: 9, Minute: 30})
		}
	})
	var posts []post.Post
	for _, text := range []string{"one", "two", "three"} {
		posts = append(posts, b.awaiting(t, text))
	}
	times := make([]time.Time, len(posts))
	errs := make([]error, len(posts))
	var wg sync.WaitGroup
	for i, p := range posts {
		wg.Go(func() {
			ap := seen(p)
			ap.When = deciding.NextSlot
			var made deciding.Made
			if made, errs[i] = b.service.Approve(t.Context(), b.actor, ap); errs[i] == nil {
				times[i] = made.Schedule.DueAt
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.NotEqual(t, times[0], times[1])
	require.NotEqual(t, times[1], times[2])
	require.NotEqual(t, times[0], times[2])
}

func TestNextSlotWithoutSlotsSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ap := seen(b.awaiting(t, "where to"))
	ap.When = deciding.NextSlot
	_, err := b.service.Approve(t.Context(), b.actor, ap)
	requireCode(t, err, apperr.Conflict, "no_free_slot")
}

func TestOfTwoApproversExactlyOneWins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.awaiting(t, "both at once")
	names := []string{"Ada", "Bo"}
	errs := make([]error, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { _, errs[i] = b.service.Approve(t.Context(), b.other(name, audit.Approver), seen(p)) })
	}
	wg.Wait()
	winner := 0
	if errs[0] != nil {
		winner = 1
	}
	require.NoError(t, errs[winner])
	requireCode(t, errs[1-winner], apperr.Conflict, "already_decided")
	require.Equal(t, names[winner]+" approved it first", apperr.As(errs[1-winner]).Message)
}

func TestEditVoidsTheApproval(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made, err := b.service.Approve(t.Context(), b.actor, seen(b.awaiting(t, "first words")))
	require.NoError(t, err)
	edited, err := b.service.Edit(t.Context(), b.actor, deciding.Target{PostID: made.ID, ETag: &made.ETag}, post.Text("other words"), "clearer")
	require.NoError(t, err)
	require.Equal(t, post.Draft, edited.State)
	require.Equal(t, 2, edited.Version.Number)
	_, err = b.service.PublishNow(t.Context(), b.actor, deciding.Target{PostID: made.ID})
	requireCode(t, err, apperr.Conflict, "wrong_state")
	require.NoError(t, b.worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		ap, err := tx.LatestApproval(ctx, b.actor.WorkspaceID, made.ID)
		require.NotNil(t, ap.RevokedAt)
		return err
	}))
}

func TestEditWithTheSameWordsChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.awaiting(t, "same words")
	again, err := b.service.Edit(t.Context(), b.actor, deciding.Target{PostID: p.ID}, post.Text(" same words \r\n"), "")
	require.NoError(t, err)
	require.Equal(t, p, again)
}

func TestStaleETagIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.draft(t, "v1")
	_, err := b.service.Edit(t.Context(), b.actor, deciding.Target{PostID: p.ID, ETag: &p.ETag}, post.Text("v2"), "")
	require.NoError(t, err)
	_, err = b.service.Edit(t.Context(), b.actor, deciding.Target{PostID: p.ID, ETag: &p.ETag}, post.Text("v3"), "")
	requireCode(t, err, apperr.PreconditionFailed, "stale")
}

func TestScheduleChecksTheClock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.profile(t, func(p *account.Profile) { p.MinGap = time.Hour })
	first := seen(b.awaiting(t, "first"))
	first.DueLocal = local(t, 5*time.Hour)
	_, err := b.service.Approve(t.Context(), b.actor, first)
	require.NoError(t, err)

	p := b.draft(t, "second")
	_, err = b.service.Schedule(t.Context(), b.actor, deciding.Target{PostID: p.ID}, local(t, -time.Minute), "")
	requireCode(t, err, apperr.Invalid, "due_in_past")
	_, err = b.service.Schedule(t.Context(), b.actor, deciding.Target{PostID: p.ID}, local(t, 5*time.Hour+59*time.Minute), "")
	requireCode(t, err, apperr.Invalid, "too_close")
	made, err := b.service.Schedule(t.Context(), b.actor, deciding.Target{PostID: p.ID}, local(t, 6*time.Hour+time.Second), "")
	require.NoError(t, err)
	require.Equal(t, post.Draft, made.State, "a draft's time is a plan")
	require.NotNil(t, made.Schedule)
}

func TestScheduleInAGapIsMovedAndSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.draft(t, "night shift")
	made, err := b.service.Schedule(t.Context(), b.actor, deciding.Target{PostID: p.ID}, "2099-03-29T02:30:00", "Europe/Berlin")
	require.NoError(t, err)
	require.Equal(t, "2099-03-29T03:30:00", made.Schedule.Local)
	require.Contains(t, made.ScheduleNote, "moved to 03:30")
}

func TestUnscheduleKeepsTheApproval(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ap := seen(b.awaiting(t, "later after all"))
	ap.DueLocal = local(t, 2*time.Hour)
	made, err := b.service.Approve(t.Context(), b.actor, ap)
	require.NoError(t, err)
	p, err := b.service.Unschedule(t.Context(), b.actor, deciding.Target{PostID: made.ID})
	require.NoError(t, err)
	require.Equal(t, post.Approved, p.State)
	require.Nil(t, p.Schedule)
	made, err = b.service.PublishNow(t.Context(), b.actor, deciding.Target{PostID: made.ID})
	require.NoError(t, err)
	require.Equal(t, post.Scheduled, made.State)
	require.Len(t, b.sent.messages(t, queue.Publish), 1)
}

func TestTurningDownNeedsAReasonAndEndsTheWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.awaiting(t, "hm")
	_, err := b.service.RequestChanges(t.Context(), b.actor, deciding.Target{PostID: p.ID}, "  ")
	requireCode(t, err, apperr.Invalid, "reason_missing")
	got, err := b.service.RequestChanges(t.Context(), b.actor, deciding.Target{PostID: p.ID}, "too loud")
	require.NoError(t, err)
	require.Equal(t, post.ChangesRequested, got.State)
	_, err = b.service.Reject(t.Context(), b.other("Bo", audit.Approver), deciding.Target{PostID: p.ID}, "no")
	requireCode(t, err, apperr.Conflict, "already_decided")
	require.Contains(t, apperr.As(err).Message, "Ada asked for changes first")
}

func TestCancelEndsAScheduledPost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ap := seen(b.awaiting(t, "never mind"))
	ap.DueLocal = local(t, 2*time.Hour)
	made, err := b.service.Approve(t.Context(), b.actor, ap)
	require.NoError(t, err)
	p, err := b.service.Cancel(t.Context(), b.actor, deciding.Target{PostID: made.ID}, "")
	require.NoError(t, err)
	require.Equal(t, post.Canceled, p.State)
	_, err = b.service.Edit(t.Context(), b.actor, deciding.Target{PostID: made.ID}, post.Text("again"), "")
	requireCode(t, err, apperr.Conflict, "wrong_state")
}

func TestEveryMethodAsksForItsRight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.awaiting(t, "rights")
	target := deciding.Target{PostID: p.ID}
	analyst := b.other("Nan", audit.Analyst)
	for name, call := range map[string]func(context.Context, audit.Actor) error{
		"Create": func(ctx context.Context, a audit.Actor) error {
			_, err := b.service.Create(ctx, a, deciding.NewPost{AccountID: b.account.ID, Content: post.Text("x")})
			return err
		},
		"Edit": func(ctx context.Context, a audit.Actor) error {
			_, err := b.service.Edit(ctx, a, target, post.Text("x"), "")
			return err
		},
		"Submit": func(ctx context.Context, a audit.Actor) error { _, err := b.service.Submit(ctx, a, target); return err },
		"Cancel": func(ctx context.Context, a audit.Actor) error {
			_, err := b.service.Cancel(ctx, a, target, "")
			return err
		},
		"Approve": func(ctx context.Context, a audit.Actor) error {
			_, err := b.service.Approve(ctx, a, seen(p))
			return err
		},
		"RequestChanges": func(ctx context.Context, a audit.Actor) error {
			_, err := b.service.RequestChanges(ctx, a, target, "x")
			return err
		},
		"Reject": func(ctx context.Context, a audit.Actor) error {
			_, err := b.service.Reject(ctx, a, target, "x")
			return err
		},
		"Schedule": func(ctx context.Context, a audit.Actor) error {
			_, err := b.service.Schedule(ctx, a, target, local(t, time.Hour), "")
			return err
		},
		"Unschedule": func(ctx context.Context, a audit.Actor) error {
			_, err := b.service.Unschedule(ctx, a, target)
			return err
		},
		"PublishNow": func(ctx context.Context, a audit.Actor) error {
			_, err := b.service.PublishNow(ctx, a, target)
			return err
		},
		"Retry": func(ctx context.Context, a audit.Actor) error { _, err := b.service.Retry(ctx, a, target); return err },
		"Resolve": func(ctx context.Context, a audit.Actor) error {
			_, err := b.service.Resolve(ctx, a, target, deciding.Resolution{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.True(t, apperr.Is(call(t.Context(), analyst), apperr.Forbidden))
			stranger := b.actor
			stranger.WorkspaceID = uuid.New()
			require.True(t, apperr.Is(call(t.Context(), stranger), apperr.NotFound), "another workspace sees nothing")
		})
	}
	require.True(t, apperr.Is(func() error {
		_, err := b.service.Approve(t.Context(), audit.SystemActor(b.actor.WorkspaceID, "writer agent"), seen(p))
		return err
	}(), apperr.Forbidden), "no agent approves")
}

// A message of the revision before does nothing: each new time brings its own.
func TestAPostInReviewWhoseTimeChangesIsReviewedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.draft(t, "hello")
	target := deciding.Target{PostID: p.ID}
	_, err := b.service.Submit(t.Context(), b.actor, target)
	require.NoError(t, err)
	made, err := b.service.Schedule(t.Context(), b.actor, target, "2099-06-01T09:00:00", "")
	require.NoError(t, err)
	gone, err := b.service.Unschedule(t.Context(), b.actor, target)
	require.NoError(t, err)
	var revisions []int64
	for _, m := range b.sent.messages(t, queue.Review) {
		revisions = append(revisions, m.Revision)
	}
	require.Equal(t, []int64{p.Revision, made.Revision, gone.Revision}, revisions)
	require.Greater(t, gone.Revision, made.Revision)
}
