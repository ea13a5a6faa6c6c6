package connecting_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/post"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
	"rostrum/shared/workflow/connecting"
)

// planned is an account in UTC with an approved post, one that waits for
// approval, one with a zone of its own, and a recurrence.
type planned struct {
	*bundle
	approved, waiting, foreign post.Post
	recurrence                 store.Recurrence
}

func plan(t *testing.T, in time.Duration) *planned {
	t.Helper()
	p := &planned{bundle: setup(t)}
	p.approved, p.waiting, p.foreign = p.Scheduled(t, in, "approved"), p.Awaiting(t, "waiting"), p.Awaiting(t, "foreign")
	require.NoError(t, p.API.InWorkspace(t.Context(), p.Workspace, func(ctx context.Context, tx *store.Tx) error {
		due := p.approved.Schedule.DueAt.Add(time.Hour)
		var err error
		at := &post.Schedule{DueAt: due, Local: due.Format(schedule.LocalFormat), Zone: "UTC"}
		if p.waiting, err = tx.SetSchedule(ctx, p.waiting, at, post.AwaitingApproval); err != nil {
			return err
		}
		tokyo, err := schedule.At(due, "Asia/Tokyo")
		if err != nil {
			return err
		}
		at = &post.Schedule{DueAt: tokyo.At, Local: tokyo.Local, Zone: tokyo.Zone}
		if p.foreign, err = tx.SetSchedule(ctx, p.foreign, at, post.AwaitingApproval); err != nil {
			return err
		}
		next := due.Add(30 * 24 * time.Hour)
		p.recurrence, err = tx.AddRecurrence(ctx, store.Recurrence{
			AccountID: p.Account.ID, Content: post.Text("again"), Rule: "FREQ=DAILY", StartLocal: "2026-01-01T09:00:00", Zone: "UTC",
			NextAt: &next, CreatedBy: p.Person,
		})
		return err
	}))
	return p
}

func (p *planned) move(t *testing.T, zone string, keep connecting.ZoneChoice) error {
	t.Helper()
	_, err := p.service.EditProfile(t.Context(), p.Person, p.Account.ID, p.Account.ETag, keep, func(profile *account.Profile) { profile.TimeZone = zone })
	return err
}

func (p *planned) zone(t *testing.T) string {
	t.Helper()
	v, err := p.service.Account(t.Context(), p.Person, p.Account.ID)
	require.NoError(t, err)
	return v.Profile.TimeZone
}

func TestANewZoneMovesNothingUnasked(t *testing.T) {
	t.Parallel()
	p := plan(t, 48*time.Hour)
	err := p.move(t, "Europe/Berlin", connecting.Unsaid)
	require.True(t, apperr.Is(err, apperr.Conflict))
	require.Equal(t, "posts_planned", apperr.As(err).Code)
	require.Equal(t, "@acme has 2 planned posts and 1 recurrence", apperr.As(err).Message)
	require.Equal(t, "UTC", p.zone(t))
	require.Equal(t, p.approved.Schedule, p.Post(t, p.approved.ID).Schedule)
	require.Equal(t, "planned_posts", apperr.As(p.move(t, "Europe/Berlin", "perhaps")).Field)

	free := setup(t)
	_, err = free.service.EditProfile(t.Context(), free.Person, free.Account.ID, free.Account.ETag, connecting.Unsaid,
		func(profile *account.Profile) { profile.TimeZone = "Europe/Berlin" })
	require.NoError(t, err, "nothing is planned, so nothing is asked")
}

func TestKeepingTheInstantWritesItOnTheNewClocks(t *testing.T) {
	t.Parallel()
	p := plan(t, 48*time.Hour)
	require.NoError(t, p.move(t, "Asia/Kolkata", connecting.KeepInstant))
	for _, was := range []post.Post{p.approved, p.waiting} {
		now := p.Post(t, was.ID)
		want, err := schedule.At(was.Schedule.DueAt, "Asia/Kolkata")
		require.NoError(t, err)
		require.Equal(t, &post.Schedule{DueAt: was.Schedule.DueAt, Local: want.Local, Zone: "Asia/Kolkata"}, now.Schedule)
		require.Equal(t, was.State, now.State)
		require.Equal(t, was.Revision, now.Revision, "what was handed to the sender is sent")
		require.Greater(t, now.ETag, was.ETag)
	}
	require.Equal(t, p.foreign.Schedule, p.Post(t, p.foreign.ID).Schedule)
}

func TestKeepingTheWallClockMovesTheInstantUnderTheSameApproval(t *testing.T) {
	t.Parallel()
	p := plan(t, 48*time.Hour)
	require.NoError(t, p.move(t, "America/New_York", connecting.KeepLocalTime))
	for _, was := range []post.Post{p.approved, p.waiting} {
		now := p.Post(t, was.ID)
		want, err := schedule.Resolve(was.Schedule.Local, "America/New_York")
		require.NoError(t, err)
		require.Equal(t, &post.Schedule{DueAt: want.At, Local: was.Schedule.Local, Zone: "America/New_York"}, now.Schedule)
		require.Equal(t, was.State, now.State)
		require.Equal(t, was.Revision+1, now.Revision, "a message of the old time is dropped")
	}
	require.NoError(t, p.API.InWorkspace(t.Context(), p.Workspace, func(ctx context.Context, tx *store.Tx) error {
		ap, err := tx.LatestApproval(ctx, p.Workspace, p.approved.ID)
		require.NoError(t, err)
		require.Nil(t, ap.RevokedAt, "an approval is of the content")
		r, err := tx.Recurrence(ctx, p.Workspace, p.recurrence.ID)
		require.NoError(t, err)
		require.Equal(t, "America/New_York", r.Zone)
		require.Equal(t, "2026-01-01T09:00:00", r.StartLocal)
		loc, err := schedule.Zone("America/New_York")
		require.NoError(t, err)
		require.Equal(t, "09:00", r.NextAt.In(loc).Format("15:04"))
		return nil
	}))
	require.Equal(t, p.foreign.Schedule, p.Post(t, p.foreign.ID).Schedule)
}

func TestAWallClockThatHasPassedThereIsNotKept(t *testing.T) {
	t.Parallel()
	p := plan(t, 3*time.Hour)
	err := p.move(t, "Asia/Tokyo", connecting.KeepLocalTime)
	require.True(t, apperr.Is(err, apperr.Conflict))
	require.Equal(t, "would_be_past", apperr.As(err).Code)
	require.Contains(t, apperr.As(err).Message, "2 planned posts")
	require.Equal(t, "UTC", p.zone(t))
	require.Equal(t, p.approved.Schedule, p.Post(t, p.approved.ID).Schedule)
	require.NoError(t, p.move(t, "Asia/Tokyo", connecting.KeepInstant))
}

func TestANewAccountBeginsInTheBrowsersZone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.browserZone = "Australia/Lord_Howe"
	a, err := b.finish(t.Context(), b.begin(t, nil))
	require.NoError(t, err)
	require.Equal(t, "Australia/Lord_Howe", a.Profile.TimeZone)

	b.browserZone = "Europe/Berlin"
	a, err = b.finish(t.Context(), b.begin(t, &a.ID))
	require.NoError(t, err)
	require.Equal(t, "Australia/Lord_Howe", a.Profile.TimeZone, "one that is connected again keeps its own")

	_, err = b.service.Begin(t.Context(), b.Person, b.session, account.X, nil, "Mars/Olympus")
	require.Equal(t, "bad_zone", apperr.As(err).Code)
}
