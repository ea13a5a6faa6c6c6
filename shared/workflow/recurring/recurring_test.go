package recurring_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/clock"
	"rostrum/shared/outbox"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/workflow/recurring"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bundle is the api's and the worker's side of recurrences.
type bundle struct {
	*storetest.World
	people, worker *recurring.Service
	began          time.Time
	mu             sync.Mutex
	handed         []queue.Envelope
}

// Send keeps what is handed to the queues.
func (b *bundle) Send(_ context.Context, list []queue.Envelope) ([]uuid.UUID, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handed = append(b.handed, list...)
	ids := make([]uuid.UUID, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	return ids, nil
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{World: storetest.NewWorld(t)}
	service := func(s *store.Store) *recurring.Service {
		return &recurring.Service{Relay: &outbox.Relay{Store: s, Sender: b, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)}}
	}
	b.people, b.worker = service(b.API), service(b.Worker)
	b.began = b.now(t).Truncate(time.Minute)
	return b
}

// in runs fn in the workspace, as the api's role.
func (b *bundle) in(t *testing.T, fn func(context.Context, *store.Tx) error) {
	t.Helper()
	require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, fn))
}

func (b *bundle) now(t *testing.T) time.Time {
	t.Helper()
	var now time.Time
	b.in(t, func(ctx context.Context, tx *store.Tx) (err error) {
		now, err = tx.Now(ctx)
		return err
	})
	return now
}

// at is the wall clock of UTC, the account's zone, that many days from the
// minute in which the test began, and a while later.
func (b *bundle) at(days int, later time.Duration) string {
	return b.began.AddDate(0, 0, days).Add(later).Format(schedule.LocalFormat)
}

func (b *bundle) load(ctx context.Context, t *testing.T, tx *store.Tx, id post.ID) post.Post {
	t.Helper()
	p, err := tx.Post(ctx, b.Workspace, id)
	require.NoError(t, err)
	return p
}

func (b *bundle) posts(t *testing.T, id uuid.UUID) []store.PostSummary {
	t.Helper()
	var list []store.PostSummary
	b.in(t, func(ctx context.Context, tx *store.Tx) (err error) {
		list, err = tx.Posts(ctx, b.Workspace, store.PostFilter{RecurrenceID: &id}, 500)
		return err
	})
	return list
}

func (b *bundle) dates(t *testing.T, id uuid.UUID, states ...post.State) map[string]post.ID {
	t.Helper()
	out := map[string]post.ID{}
	var made []store.MadePost
	b.in(t, func(ctx context.Context, tx *store.Tx) (err error) {
		made, err = tx.PostsOfRecurrence(ctx, b.Workspace, id, states...)
		return err
	})
	for _, m := range made {
		_, twice := out[m.Asked]
		require.False(t, twice && m.Asked != "", "%s was made twice", m.Asked)
		out[m.Asked] = m.ID
	}
	return out
}

func (b *bundle) create(t *testing.T, rule, start string, texts ...string) recurring.View {
	t.Helper()
	if len(texts) == 0 {
		texts = []string{"Office hours are open."}
	}
	v, err := b.people.Create(t.Context(), b.Person, b.Account.ID, recurring.Plan{Content: post.Text(texts...), Rule: rule, StartLocal: start})
	require.NoError(t, err)
	return v
}

// old is a recurrence as it lies there when no tick came for a while.
func (b *bundle) old(t *testing.T, rule string, behind time.Duration) store.Recurrence {
	t.Helper()
	var r store.Recurrence
	b.in(t, func(ctx context.Context, tx *store.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		next := now.Add(-behind).Truncate(24 * time.Hour)
		r, err = tx.AddRecurrence(ctx, store.Recurrence{
			AccountID: b.Account.ID, Content: post.Text("Good morning."), Rule: rule, StartLocal: next.Format(schedule.LocalFormat), Zone: "UTC",
			NextAt: &next, CreatedBy: b.Person,
		})
		return err
	})
	return r
}

func TestEachDateOfTwoWeeksBecomesAPostInReviewThatNobodyApproved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.create(t, "FREQ=DAILY", b.at(-3, 0))
	require.Equal(t, store.RecurrenceActive, v.State)
	require.Len(t, v.Next, 10)
	require.Equal(t, 14, v.Planned)
	posts := b.posts(t, v.ID)
	require.Len(t, posts, 14)
	require.Len(t, b.handed, 14, "each goes to review")
	now := b.now(t)
	for _, p := range posts {
		require.Equal(t, post.InReview, p.State)
		require.Equal(t, v.StartLocal[11:], p.Schedule.Local[11:])
		require.True(t, p.Schedule.DueAt.After(now) && p.Schedule.DueAt.Before(now.Add(recurring.Ahead)))
		b.in(t, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LatestApproval(ctx, b.Workspace, p.ID)
			require.True(t, apperr.Is(err, apperr.NotFound), "no recurrence approves")
			events, err := tx.EventsOf(ctx, b.Workspace, uuid.UUID(p.ID))
			require.NoError(t, err)
			require.Equal(t, []string{"post.submitted", "post.created"}, []string{events[0].Action, events[1].Action})
			require.Equal(t, audit.System, events[0].Actor.Kind)
			return nil
		})
		require.Equal(t, "Ada", b.Post(t, p.ID).Version.CreatedBy.Name, "the words are a person's")
	}
	require.NoError(t, b.worker.Make(t.Context()))
	require.Len(t, b.posts(t, v.ID), 14, "a doubled tick makes nothing")
}

func TestTicksThatWereMissedLeaveOutWhatPassed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.old(t, "FREQ=DAILY;BYHOUR=0", 5*24*time.Hour)
	require.NoError(t, b.worker.Make(t.Context()))
	dates := b.dates(t, r.ID, post.InReview)
	require.Len(t, dates, 14)
	require.NotContains(t, dates, r.StartLocal)
}

// A next date that was told by other rules of the zone is later than it comes to now.
func TestADateThatNewZoneRulesBringForwardIsMade(t *testing.T) {
	t.Parallel()
	b := setup(t)
	start := b.began.AddDate(0, 0, 3)
	told := start.Add(time.Hour)
	var r store.Recurrence
	b.in(t, func(ctx context.Context, tx *store.Tx) (err error) {
		r, err = tx.AddRecurrence(ctx, store.Recurrence{
			AccountID: b.Account.ID, Content: post.Text("Good morning."), Rule: "FREQ=DAILY", StartLocal: start.Format(schedule.LocalFormat), Zone: "UTC",
			NextAt: &told, CreatedBy: b.Person,
		})
		return err
	})
	require.NoError(t, b.worker.Make(t.Context()))
	require.Contains(t, b.dates(t, r.ID, post.InReview), r.StartLocal)
}

func TestWorkersAtOnceMakeEachDateOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hourly := b.old(t, "FREQ=DAILY;BYHOUR=0,2,4,6,8,10,12,14,16,18,20,22", time.Hour)
	daily := b.old(t, "FREQ=DAILY;BYHOUR=7;BYMINUTE=30", time.Hour)
	errs := make([]error, 6)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = b.worker.Make(t.Context()) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, b.dates(t, hourly.ID, post.InReview), 12*14, "more than one transaction's worth")
	require.Len(t, b.dates(t, daily.ID, post.InReview), 14)
	require.Len(t, b.handed, 12*14+14)
}

func TestTheDatabaseRefusesASecondPostForADate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.old(t, "FREQ=DAILY", time.Hour)
	mark := func() error {
		return b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
			p, err := tx.InsertPost(ctx, store.NewPost{AccountID: b.Account.ID, Content: post.Text("x"), Actor: b.Person})
			require.NoError(t, err)
			return tx.MarkOccurrence(ctx, p, r.ID, "2027-01-01T09:00:00")
		})
	}
	require.NoError(t, mark())
	require.Equal(t, "occurrence_made", apperr.As(mark()).Code)
}

func TestADateThatAPersonCanceledIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.create(t, "FREQ=DAILY", b.at(1, 0))
	for asked, id := range b.dates(t, v.ID, post.InReview) {
		b.in(t, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.MovePost(ctx, b.load(ctx, t, tx, id), post.Canceled, post.InReview)
			return err
		})
		next, err := time.Parse(schedule.LocalFormat, asked)
		require.NoError(t, err)
		b.in(t, func(ctx context.Context, tx *store.Tx) error {
			return tx.AdvanceRecurrence(ctx, b.Workspace, v.ID, &next)
		})
		break
	}
	before := len(b.posts(t, v.ID))
	require.NoError(t, b.worker.Make(t.Context()))
	require.Len(t, b.posts(t, v.ID), before)
	require.Len(t, b.dates(t, v.ID, post.InReview), before-1)
}

func TestAnEndedRuleEndsItsRecurrence(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.create(t, "FREQ=DAILY;COUNT=3", b.at(1, 0))
	require.Equal(t, store.RecurrenceEnded, v.State)
	require.Len(t, b.dates(t, v.ID, post.InReview), 3)
	require.Nil(t, v.NextAt)
	_, err := b.people.Pause(t.Context(), b.Person, v.ID, nil)
	require.True(t, apperr.Is(err, apperr.Conflict))
}

// settle brings a post where approved says: to awaiting approval, or on to scheduled.
func (b *bundle) settle(t *testing.T, id post.ID, approved bool) {
	t.Helper()
	b.in(t, func(ctx context.Context, tx *store.Tx) error {
		p, err := tx.MovePost(ctx, b.load(ctx, t, tx, id), post.AwaitingApproval, post.InReview)
		if err != nil || !approved {
			return err
		}
		if p, err = tx.Approve(ctx, p, b.Person); err != nil {
			return err
		}
		_, err = tx.MovePost(ctx, p, post.Scheduled, post.AwaitingApproval)
		return err
	})
}

func TestAnEditReachesWhatNobodyApprovedAndNoMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.create(t, "FREQ=DAILY", b.at(1, 0))
	dates := b.dates(t, v.ID, post.InReview)
	approved, waiting, byHand, moved := dates[b.at(1, 0)], dates[b.at(2, 0)], dates[b.at(3, 0)], dates[b.at(4, 0)]
	b.settle(t, approved, true)
	b.settle(t, waiting, false)
	b.in(t, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.AddVersion(ctx, b.load(ctx, t, tx, byHand), post.Text("This once, something else."), "", b.Person)
		require.NoError(t, err)
		p := b.load(ctx, t, tx, moved)
		due := p.Schedule.DueAt.Add(time.Hour)
		_, err = tx.SetSchedule(ctx, p, &post.Schedule{DueAt: due, Local: due.Format(schedule.LocalFormat), Zone: "UTC"}, p.State)
		return err
	})

	_, err := b.people.Edit(t.Context(), b.Person, v.ID, v.ETag+1, func(p *recurring.Plan) { p.Note = "late" })
	require.True(t, apperr.Is(err, apperr.PreconditionFailed))
	_, err = b.people.Edit(t.Context(), b.Person, v.ID, v.ETag, func(p *recurring.Plan) { p.Content = post.Text("New words.") })
	require.NoError(t, err)
	require.Equal(t, "Office hours are open.", b.Post(t, approved).Version.Content.Texts()[0])
	require.Equal(t, post.Scheduled, b.Post(t, approved).State)
	require.Equal(t, "New words.", b.Post(t, waiting).Version.Content.Texts()[0])
	require.Equal(t, post.InReview, b.Post(t, waiting).State, "new words are reviewed anew")
	require.Equal(t, "This once, something else.", b.Post(t, byHand).Version.Content.Texts()[0])
	require.Equal(t, 1, b.Post(t, moved).Version.Number)

	v, err = b.people.Recurrence(t.Context(), b.Person, v.ID)
	require.NoError(t, err)
	_, err = b.people.Edit(t.Context(), b.Person, v.ID, v.ETag, func(p *recurring.Plan) { p.StartLocal = b.at(1, -time.Hour) })
	require.NoError(t, err)
	require.Equal(t, post.Scheduled, b.Post(t, approved).State)
	require.Equal(t, post.Canceled, b.Post(t, waiting).State)
	require.Equal(t, post.Draft, b.Post(t, byHand).State)
	require.Equal(t, post.InReview, b.Post(t, moved).State)
	now := b.dates(t, v.ID, post.InReview)
	require.Contains(t, now, b.at(2, -time.Hour))
	require.Len(t, now, 15, "fourteen an hour earlier, and the one that was moved")

	// Back again: what the rule let go may be made anew, and nothing comes twice.
	v, err = b.people.Recurrence(t.Context(), b.Person, v.ID)
	require.NoError(t, err)
	_, err = b.people.Edit(t.Context(), b.Person, v.ID, v.ETag, func(p *recurring.Plan) { p.StartLocal = b.at(1, 0) })
	require.NoError(t, err)
	all := b.dates(t, v.ID, store.PlannedStates()...)
	require.Len(t, all, 14)
	require.NotEqual(t, waiting, all[b.at(2, 0)])
	require.Equal(t, approved, all[b.at(1, 0)])
}

func TestAPausedRecurrenceMakesNothingAndGoesOnWithWhatIsToCome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.old(t, "FREQ=DAILY", time.Hour)
	v, err := b.people.Pause(t.Context(), b.Person, r.ID, &r.ETag)
	require.NoError(t, err)
	require.Equal(t, store.RecurrencePaused, v.State)
	require.NoError(t, b.worker.Make(t.Context()))
	require.Empty(t, b.posts(t, r.ID))
	v, err = b.people.Resume(t.Context(), b.Person, r.ID, nil)
	require.NoError(t, err)
	require.Equal(t, 14, v.Planned)
	v, err = b.people.End(t.Context(), b.Person, r.ID, nil)
	require.NoError(t, err)
	require.Empty(t, v.Next)
	require.Equal(t, 14, v.Planned, "what is made stays")
	_, err = b.people.Resume(t.Context(), b.Person, r.ID, nil)
	require.Equal(t, "wrong_state", apperr.As(err).Code)
}

func TestRemovingAsksWhatBecomesOfThePosts(t *testing.T) {
	t.Parallel()
	for how, want := range map[recurring.Leftover]map[post.State]int{
		recurring.KeepAll:          {post.InReview: 13, post.Scheduled: 1},
		recurring.CancelUnapproved: {post.Canceled: 13, post.Scheduled: 1},
		recurring.CancelAll:        {post.Canceled: 14},
	} {
		t.Run(string(how), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			v := b.create(t, "FREQ=DAILY", b.at(1, 0))
			b.settle(t, b.dates(t, v.ID, post.InReview)[b.at(1, 0)], true)
			err := b.people.Remove(t.Context(), b.Person, v.ID, nil, recurring.Unsaid)
			require.Equal(t, "posts_planned", apperr.As(err).Code)
			require.Contains(t, apperr.As(err).Message, "14 posts")
			require.NoError(t, b.people.Remove(t.Context(), b.Person, v.ID, &v.ETag, how))
			got := map[post.State]int{}
			for _, p := range b.posts(t, v.ID) {
				got[p.State]++
			}
			require.Empty(t, cmp.Diff(want, got))
			_, err = b.people.Recurrence(t.Context(), b.Person, v.ID)
			require.True(t, apperr.Is(err, apperr.NotFound))
			require.NoError(t, b.worker.Make(t.Context()))
			require.Len(t, b.posts(t, v.ID), 14)
		})
	}
}

func TestAPreviewTellsWhatAPersonShouldKnow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.profile(t, func(p *account.Profile) { p.TimeZone, p.MinGap = "Europe/Berlin", time.Hour })
	var own *uuid.UUID
	preview := func(rule, start, text string) (recurring.Preview, error) {
		plan := recurring.Plan{Rule: rule, StartLocal: start}
		if text != "" {
			plan.Content = post.Text(text)
		}
		return b.people.Preview(t.Context(), b.Person, b.Account.ID, plan, own)
	}
	year := b.now(t).Year() + 1
	start := time.Date(year, 3, 31, 2, 30, 0, 0, time.UTC)
	for start.Weekday() != time.Sunday {
		start = start.AddDate(0, 0, -1)
	}
	p, err := preview("FREQ=DAILY;COUNT=3", start.Format(schedule.LocalFormat), "")
	require.NoError(t, err)
	require.True(t, p.Ends)
	require.Equal(t, "Europe/Berlin", p.Zone)
	require.Equal(t, "03:30:00", p.Dates[0].Local[11:])
	require.Contains(t, p.Dates[0].Notes[0], "02:30 does not exist")
	require.Empty(t, p.Dates[1].Notes)
	require.Len(t, p.Warnings, 1)
	require.Contains(t, p.Warnings[0], "X refuses a text")

	scheduled := b.Scheduled(t, 48*time.Hour, "Good morning.")
	near, err := schedule.At(scheduled.Schedule.DueAt.Add(20*time.Minute), "Europe/Berlin")
	require.NoError(t, err)
	p, err = preview("FREQ=WEEKLY", near.Local[:16]+":00", "Good morning.")
	require.NoError(t, err)
	require.Len(t, p.Dates, recurring.Shown)
	require.False(t, p.Ends)
	require.Contains(t, p.Dates[0].Notes[0], "Another post of @acme")
	require.Len(t, p.Warnings, 2)
	require.Contains(t, p.Warnings[1], "says exactly this")

	later, err := schedule.At(scheduled.Schedule.DueAt.Add(5*time.Hour), "Europe/Berlin")
	require.NoError(t, err)
	v := b.create(t, "FREQ=WEEKLY", later.Local[:16]+":00")
	p, err = preview("FREQ=WEEKLY", v.StartLocal, "")
	require.NoError(t, err)
	require.Contains(t, p.Dates[0].Notes[0], "Another post")
	own = &v.ID
	p, err = preview("FREQ=WEEKLY", v.StartLocal, "")
	require.NoError(t, err)
	require.Empty(t, p.Dates[0].Notes, "its own posts are in nobody's way")

	for code, rule := range map[string]string{
		"too_close": "FREQ=DAILY;BYMINUTE=0,30", "bad_rule": "FREQ=HOURLY", "no_date_left": "FREQ=DAILY;UNTIL=20100101", "rule_never_matches": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
	} {
		_, err := preview(rule, "2009-01-01T09:00:00", "")
		require.Equal(t, code, apperr.As(err).Code)
		require.Equal(t, "rule", apperr.As(err).Field)
		_, err = b.people.Create(t.Context(), b.Person, b.Account.ID, recurring.Plan{Content: post.Text("x"), Rule: rule, StartLocal: "2009-01-01T09:00:00"})
		require.Equal(t, code, apperr.As(err).Code)
	}
	require.Empty(t, b.posts(t, uuid.New()))
}

func (b *bundle) profile(t *testing.T, change func(*account.Profile)) {
	t.Helper()
	p := b.Account.Profile
	change(&p)
	b.in(t, func(ctx context.Context, tx *store.Tx) (err error) {
		b.Account, err = tx.SaveProfile(ctx, b.Workspace, b.Account.ID, b.Account.ETag, p)
		return err
	})
}

func TestOnlyWhoMayWriteRepeats(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.create(t, "FREQ=WEEKLY", b.at(1, 0))
	analyst := b.Person
	analyst.Role = audit.Analyst
	_, err := b.people.Create(t.Context(), analyst, b.Account.ID, recurring.Plan{})
	require.True(t, apperr.Is(err, apperr.Forbidden))
	_, err = b.people.Edit(t.Context(), analyst, v.ID, v.ETag, func(*recurring.Plan) {})
	require.True(t, apperr.Is(err, apperr.Forbidden))
	_, err = b.people.End(t.Context(), analyst, v.ID, nil)
	require.True(t, apperr.Is(err, apperr.Forbidden))
	require.True(t, apperr.Is(b.people.Remove(t.Context(), analyst, v.ID, nil, recurring.KeepAll), apperr.Forbidden))
	list, err := b.people.Recurrences(t.Context(), analyst, nil, nil, 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "acme", list[0].Account.Handle)
}

func TestANetworkThatWantsImagesTakesNoRecurrence(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.AddAccountOn(t, b.Workspace, account.Instagram, "harbour.grams")
	plan := recurring.Plan{Content: post.Text("Office hours."), Rule: "FREQ=DAILY", StartLocal: b.at(1, 0)}
	_, err := b.people.Create(t.Context(), b.Person, a.ID, plan)
	require.Equal(t, "image_required", apperr.As(err).Code)
	require.Equal(t, "a post that repeats carries text only, and Instagram takes no post without an image", apperr.As(err).Message)
	_, err = b.people.Preview(t.Context(), b.Person, a.ID, plan, nil)
	require.Equal(t, "image_required", apperr.As(err).Code)
}
