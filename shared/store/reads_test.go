package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

func read[T any](t *testing.T, w *storetest.World, fn func(context.Context, *store.Tx) (T, error)) T {
	t.Helper()
	var out T
	require.NoError(t, w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
		var err error
		out, err = fn(ctx, tx)
		return err
	}))
	return out
}

func review(t *testing.T, w *storetest.World, p post.Post, severities ...post.Severity) {
	t.Helper()
	r := store.Review{PostID: p.ID, VersionID: p.Version.ID, Verdict: store.ReviewPass}
	for _, s := range severities {
		r.Findings = append(r.Findings, post.Finding{Rule: "tone", Severity: s, Message: "hm"})
	}
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.AddReview(ctx, w.Workspace, r)
	}))
}

func TestASummaryCountsTheNewestReviewOfTheCurrentVersion(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Awaiting(t, "first part", "second part")
	review(t, w, p, post.Block, post.Block, post.Warn)
	review(t, w, p, post.Warn, post.Note)
	got := read(t, w, func(ctx context.Context, tx *store.Tx) (store.PostSummary, error) {
		return tx.PostSummary(ctx, w.Workspace, p.ID)
	})
	require.Equal(t, "first part", got.FirstPart)
	require.Equal(t, 2, got.Parts)
	require.Equal(t, []int{0, 1, 1}, []int{got.Blocks, got.Warns, got.Notes})
	require.Equal(t, "acme", got.Handle)
	require.False(t, got.FromAgent)
	require.Nil(t, got.Schedule)

	edited := read(t, w, func(ctx context.Context, tx *store.Tx) (post.Post, error) {
		return tx.AddVersion(ctx, p, post.Text("rewritten"), "", w.Person)
	})
	got = read(t, w, func(ctx context.Context, tx *store.Tx) (store.PostSummary, error) {
		return tx.PostSummary(ctx, w.Workspace, edited.ID)
	})
	require.Zero(t, got.Blocks+got.Warns+got.Notes, "an old version's findings are not this one's")
}

func TestListsFilterAndPage(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	one, two, three := w.Awaiting(t, "about Postgres"), w.Awaiting(t, "about SQS", "and postgres too"), w.Scheduled(t, time.Hour, "scheduled")
	ids := func(f store.PostFilter, limit int) []post.ID {
		var out []post.ID
		for _, p := range read(t, w, func(ctx context.Context, tx *store.Tx) ([]store.PostSummary, error) {
			return tx.Posts(ctx, w.Workspace, f, limit)
		}) {
			out = append(out, p.ID)
		}
		return out
	}
	require.Equal(t, []post.ID{three.ID, two.ID, one.ID}, ids(store.PostFilter{}, 10))
	require.Equal(t, []post.ID{one.ID, two.ID}, ids(store.PostFilter{States: []post.State{post.AwaitingApproval}, OldestFirst: true}, 10))
	require.Equal(t, []post.ID{two.ID, one.ID}, ids(store.PostFilter{Contains: "POSTGRES"}, 10))
	require.Empty(t, ids(store.PostFilter{Contains: `%`}, 10), "a piece of text, not a pattern")
	require.Empty(t, ids(store.PostFilter{AccountID: new(account.ID(uuid.New()))}, 10))
	place := func(p post.Post) *store.PostPlace {
		return &store.PostPlace{UpdatedAt: w.Post(t, p.ID).UpdatedAt, ID: uuid.UUID(p.ID)}
	}
	require.Equal(t, []post.ID{two.ID, one.ID}, ids(store.PostFilter{After: place(three)}, 10))
	require.Equal(t, []post.ID{two.ID}, ids(store.PostFilter{OldestFirst: true, States: []post.State{post.AwaitingApproval}, After: place(one)}, 10))
}

func TestTodaySortsPostsByWhoIsNeeded(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	waiting, next := w.Awaiting(t, "waiting"), w.Scheduled(t, time.Hour, "next")
	held := w.Scheduled(t, 2*time.Hour, "held")
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.HoldPost(ctx, store.Ref(held), w.Person, post.HeldLate)
	}))
	today := read(t, w, func(ctx context.Context, tx *store.Tx) (store.Today, error) { return tx.Today(ctx, w.Workspace) })
	require.Equal(t, 1, today.AwaitingApproval.Count)
	require.Equal(t, waiting.ID, today.AwaitingApproval.Posts[0].ID)
	require.Equal(t, 1, today.Held.Count)
	require.Equal(t, held.ID, today.Held.Posts[0].ID)
	require.True(t, today.Held.Posts[0].NeedsPerson)
	require.Len(t, today.NextOut, 2)
	require.Equal(t, next.ID, today.NextOut[0].ID)
	require.Zero(t, today.Unknown.Count+today.ChangesRequested.Count)
	late := read(t, w, func(ctx context.Context, tx *store.Tx) (store.Lateness, error) {
		return tx.RecentLateness(ctx, w.Workspace)
	})
	require.Zero(t, late)
}

func TestTheCalendarHoldsItsBounds(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Scheduled(t, time.Hour, "in an hour")
	due := p.Schedule.DueAt
	count := func(from, to time.Time) int {
		return len(read(t, w, func(ctx context.Context, tx *store.Tx) ([]store.PostSummary, error) {
			return tx.PostsDue(ctx, w.Workspace, &w.Account.ID, from, to, 10)
		}))
	}
	require.Equal(t, 1, count(due, due.Add(time.Second)))
	require.Zero(t, count(due.Add(-time.Hour), due), "the end is exclusive")
	require.Zero(t, count(due.Add(time.Second), due.Add(time.Hour)))
	taken := read(t, w, func(ctx context.Context, tx *store.Tx) ([]store.Taken, error) {
		return tx.TakenTimes(ctx, w.Workspace, []account.ID{w.Account.ID}, due, due.Add(time.Second))
	})
	require.Equal(t, []store.Taken{{AccountID: w.Account.ID, PostID: uuid.UUID(p.ID), At: due}}, taken)
}

func TestAProfileComesBackAsItWasSaved(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	profile := account.Profile{
		DisplayName: "Acme", TimeZone: "Europe/Berlin", Goals: []string{"be read"}, Interests: []string{"Go"},
		Projects: []account.Project{{Name: "Ebb", About: "a queue"}}, Audience: "devs", Voice: "dry", Guidelines: "cite",
		BannedWords: []string{"synergy"}, Slots: []account.Slot{{Weekday: time.Monday, Hour: 9, Minute: 30}}, PostsPerWeek: 5,
		MinGap: 45 * time.Minute, CatchUp: account.Hold, CatchUpWithin: time.Hour,
	}
	saved := read(t, w, func(ctx context.Context, tx *store.Tx) (account.Account, error) {
		return tx.SaveProfile(ctx, w.Workspace, w.Account.ID, w.Account.ETag, profile)
	})
	require.Equal(t, profile, saved.Profile)
	require.Equal(t, w.Account.ETag+1, saved.ETag)
	again := read(t, w, func(ctx context.Context, tx *store.Tx) (account.Account, error) {
		return tx.Account(ctx, w.Workspace, w.Account.ID)
	})
	require.Equal(t, saved, again)
}
