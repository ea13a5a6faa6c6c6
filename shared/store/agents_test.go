package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

// inWorkspace runs fn as a role in the world's workspace and fails the test
// when it fails.
func inWorkspace(t *testing.T, w *storetest.World, s *store.Store, fn func(context.Context, *store.Tx) error) {
	t.Helper()
	require.NoError(t, s.InWorkspace(t.Context(), w.Workspace, fn))
}

func addGeneration(t *testing.T, w *storetest.World, n store.NewGeneration) store.Generation {
	t.Helper()
	n.AccountID, n.Actor = w.Account.ID, w.Person
	if n.Wanted == 0 {
		n.Wanted = 2
	}
	var g store.Generation
	inWorkspace(t, w, w.API, func(ctx context.Context, tx *store.Tx) (err error) {
		g, err = tx.AddGeneration(ctx, n)
		return err
	})
	return g
}

func TestSourcesAreKeptAndRemoved(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	inWorkspace(t, w, w.API, func(ctx context.Context, tx *store.Tx) error {
		feed, err := tx.AddSource(ctx, w.Workspace, store.NewSource{AccountID: w.Account.ID, Kind: store.SourceFeed, Title: "News", URL: "https://news.example/feed"})
		require.NoError(t, err)
		_, err = tx.AddSource(ctx, w.Workspace, store.NewSource{AccountID: w.Account.ID, Kind: store.SourceNote, Title: "Note", Note: "We ship on Monday."})
		require.NoError(t, err)
		list, err := tx.Sources(ctx, w.Workspace, w.Account.ID)
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.NoError(t, tx.RemoveSource(ctx, w.Workspace, feed.ID))
		require.True(t, apperr.Is(tx.RemoveSource(ctx, w.Workspace, feed.ID), apperr.NotFound))
		_, err = tx.Source(ctx, w.Workspace, feed.ID)
		require.True(t, apperr.Is(err, apperr.NotFound))
		return nil
	})
	err := w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.AddSource(ctx, w.Workspace, store.NewSource{AccountID: account.ID(uuid.New()), Kind: store.SourceNote, Title: "x", Note: "x"})
		return err
	})
	require.True(t, apperr.Is(err, apperr.NotFound), "got %v", err)
}

func TestAFetchProblemKeepsTheValidators(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	inWorkspace(t, w, w.Worker, func(ctx context.Context, tx *store.Tx) error {
		s, err := tx.AddSource(ctx, w.Workspace, store.NewSource{AccountID: w.Account.ID, Kind: store.SourceFeed, Title: "News", URL: "https://news.example/feed"})
		require.NoError(t, err)
		due, err := tx.FeedsToFetch(ctx, w.Workspace, w.Account.ID, time.Hour, 10)
		require.NoError(t, err)
		require.Len(t, due, 1)
		require.NoError(t, tx.SaveFetch(ctx, w.Workspace, s.ID, `"v1"`, "yesterday", ""))
		require.NoError(t, tx.SaveFetch(ctx, w.Workspace, s.ID, "", "", "The feed could not be read."))
		s, err = tx.Source(ctx, w.Workspace, s.ID)
		require.NoError(t, err)
		require.Equal(t, `"v1"`, s.HTTPETag)
		require.Equal(t, "yesterday", s.HTTPLastModified)
		require.Equal(t, "The feed could not be read.", s.LastProblem)
		due, err = tx.FeedsToFetch(ctx, w.Workspace, w.Account.ID, time.Hour, 10)
		require.NoError(t, err)
		require.Empty(t, due)
		return nil
	})
}

func TestItemsToResearchPutsTheUnusedFirst(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	g := addGeneration(t, w, store.NewGeneration{Note: "Pasted words."})
	other := addGeneration(t, w, store.NewGeneration{Note: "Another's pasted words."})
	inWorkspace(t, w, w.Worker, func(ctx context.Context, tx *store.Tx) error {
		s, err := tx.AddSource(ctx, w.Workspace, store.NewSource{AccountID: w.Account.ID, Kind: store.SourceFeed, Title: "News", URL: "https://news.example/feed"})
		require.NoError(t, err)
		for i, key := range []string{"old", "new"} {
			at := time.Date(2026, 11, 1+i, 0, 0, 0, 0, time.UTC)
			require.NoError(t, tx.SaveItem(ctx, w.Workspace, s, store.Item{Key: key, Title: key, Body: "body of " + key, PublishedAt: &at}))
		}
		require.NoError(t, tx.SaveItem(ctx, w.Workspace, s, store.Item{Key: "old", Title: "old", Body: "mended body", PublishedAt: nil}))
		items, err := tx.ItemsToResearch(ctx, w.Workspace, w.Account.ID, g.ID, 10)
		require.NoError(t, err)
		require.Equal(t, []string{"Pasted words.", "mended body", "body of new"}, bodies(items))

		_, err = tx.AddIdea(ctx, w.Workspace, store.Idea{AccountID: w.Account.ID, ItemID: &items[1].ID, Title: "t", Angle: "a"})
		require.NoError(t, err)
		items, err = tx.ItemsToResearch(ctx, w.Workspace, w.Account.ID, other.ID, 10)
		require.NoError(t, err)
		require.Equal(t, []string{"Another's pasted words.", "body of new", "mended body"}, bodies(items))
		require.True(t, items[2].Used)
		return nil
	})
	// What was pasted with a request is no source that people see.
	inWorkspace(t, w, w.API, func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.Sources(ctx, w.Workspace, w.Account.ID)
		require.NoError(t, err)
		require.Len(t, list, 1)
		return nil
	})
}

func bodies(items []store.Item) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.Body)
	}
	return out
}

func TestAGenerationIsClaimedByOne(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	g := addGeneration(t, w, store.NewGeneration{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	var claims []store.Claim
	for range 6 {
		wg.Go(func() {
			err := w.Worker.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
				c, err := tx.ClaimGeneration(ctx, w.Workspace, g.ID, time.Minute)
				if err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				claims = append(claims, c)
				return nil
			})
			if err != nil {
				require.True(t, apperr.Is(err, apperr.Conflict), "got %v", err)
			}
		})
	}
	wg.Wait()
	require.Len(t, claims, 1)
	require.Equal(t, 1, claims[0].Try)
}

func TestALaterClaimFencesTheEarlierOut(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	g := addGeneration(t, w, store.NewGeneration{})
	inWorkspace(t, w, w.Worker, func(ctx context.Context, tx *store.Tx) error {
		first, err := tx.ClaimGeneration(ctx, w.Workspace, g.ID, -time.Second) // over at once
		require.NoError(t, err)
		second, err := tx.ClaimGeneration(ctx, w.Workspace, g.ID, time.Minute)
		require.NoError(t, err)
		require.Equal(t, 2, second.Try)
		_, err = tx.HoldGeneration(ctx, first)
		require.True(t, apperr.Is(err, apperr.Conflict), "got %v", err)
		_, err = tx.HoldGeneration(ctx, second)
		require.NoError(t, err)

		at, unfinished, err := tx.GenerationWait(ctx, w.Workspace, g.ID)
		require.NoError(t, err)
		require.True(t, unfinished)
		require.Equal(t, second.LeaseUntil, at)

		at, err = tx.YieldGeneration(ctx, second, time.Hour, "The model is away.")
		require.NoError(t, err)
		require.True(t, at.After(second.LeaseUntil))
		_, err = tx.ClaimGeneration(ctx, w.Workspace, g.ID, time.Minute)
		require.True(t, apperr.Is(err, apperr.Conflict), "not due yet")

		require.NoError(t, tx.FinishGeneration(ctx, second, store.GenerationDone, "Done."))
		_, unfinished, err = tx.GenerationWait(ctx, w.Workspace, g.ID)
		require.NoError(t, err)
		require.False(t, unfinished)
		got, err := tx.Generation(ctx, w.Workspace, g.ID)
		require.NoError(t, err)
		require.Equal(t, store.GenerationDone, got.State)
		require.NotNil(t, got.FinishedAt)
		return nil
	})
}

func TestIdeasKeepTheirRankAndAreMovedOnce(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	g := addGeneration(t, w, store.NewGeneration{})
	inWorkspace(t, w, w.Worker, func(ctx context.Context, tx *store.Tx) error {
		for _, title := range []string{"first", "second", "third"} {
			_, err := tx.AddIdea(ctx, w.Workspace, store.Idea{AccountID: w.Account.ID, GenerationID: &g.ID, Title: title, Angle: "a"})
			require.NoError(t, err)
		}
		ideas, err := tx.IdeasOf(ctx, w.Workspace, g.ID)
		require.NoError(t, err)
		require.Equal(t, "first", ideas[0].Title)
		require.Equal(t, "third", ideas[2].Title)

		require.NoError(t, tx.MoveIdea(ctx, w.Workspace, ideas[0].ID, store.IdeaDismissed))
		require.True(t, apperr.Is(tx.MoveIdea(ctx, w.Workspace, ideas[0].ID, store.IdeaDrafted), apperr.Conflict))
		list, err := tx.Ideas(ctx, w.Workspace, store.IdeaFilter{AccountID: &w.Account.ID, State: store.IdeaNew}, 10)
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.Equal(t, "third", list[0].Title)
		list, err = tx.Ideas(ctx, w.Workspace, store.IdeaFilter{Before: &list[0].ID}, 10)
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.Nil(t, list[0].PostID)
		return nil
	})
}

func TestIdeasOfAnotherWorkspaceAreNotFound(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	other, _ := w.AddWorkspace(t, "Other", "eve@example.com")
	var id uuid.UUID
	inWorkspace(t, w, w.Worker, func(ctx context.Context, tx *store.Tx) (err error) {
		id, err = tx.AddIdea(ctx, w.Workspace, store.Idea{AccountID: w.Account.ID, Title: "t", Angle: "a"})
		return err
	})
	for _, s := range []*store.Store{w.API, w.Worker} {
		err := s.InWorkspace(t.Context(), other, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Idea(ctx, other, id)
			return err
		})
		require.True(t, apperr.Is(err, apperr.NotFound), "got %v", err)
	}
	// Row-level security holds even where the query names the other workspace.
	err := w.API.InWorkspace(t.Context(), other, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Idea(ctx, w.Workspace, id)
		return err
	})
	require.True(t, apperr.Is(err, apperr.NotFound), "got %v", err)
}

func setBudget(t *testing.T, w *storetest.World, microUSD int64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.URL.Reveal())
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	_, err = conn.Exec(t.Context(), "UPDATE workspaces SET budget_micro_usd = $1 WHERE id = $2", microUSD, w.Workspace)
	require.NoError(t, err)
}

func TestCallsAtOnceCannotOverspendTogether(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	setBudget(t, w, 1000)
	var mu sync.Mutex
	held := []uuid.UUID{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := w.Worker.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
				id, err := tx.Reserve(ctx, w.Workspace, w.Account.ID, 300)
				if err == nil {
					mu.Lock()
					held = append(held, id)
					mu.Unlock()
				}
				return err
			})
			if err != nil {
				require.Equal(t, "budget_spent", apperr.As(err).Code, "got %v", err)
			}
		})
	}
	wg.Wait()
	require.Len(t, held, 3)

	// Settling for less than was held makes room again.
	inWorkspace(t, w, w.Worker, func(ctx context.Context, tx *store.Tx) error {
		run := store.Run{
			AccountID: &w.Account.ID, Agent: "writer", Model: "m", PromptName: "writer", PromptVersion: "1", CostMicroUSD: 10, Outcome: "ok",
			StartedAt: time.Now(), FinishedAt: time.Now(),
		}
		require.NoError(t, tx.AddRun(ctx, w.Workspace, run, held[0]))
		spent, err := tx.MonthSpend(ctx, w.Workspace)
		require.NoError(t, err)
		require.Equal(t, int64(610), spent)
		_, err = tx.Reserve(ctx, w.Workspace, w.Account.ID, 300)
		require.NoError(t, err)
		runs, err := tx.Runs(ctx, w.Workspace, store.RunFilter{AccountID: &w.Account.ID}, 10)
		require.NoError(t, err)
		require.Len(t, runs, 1)
		return nil
	})
}

func TestAWorkspaceWithoutABudgetHoldsNothing(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	inWorkspace(t, w, w.Worker, func(ctx context.Context, tx *store.Tx) error {
		id, err := tx.Reserve(ctx, w.Workspace, w.Account.ID, 1<<40)
		require.NoError(t, err)
		require.Equal(t, uuid.Nil, id)
		return nil
	})
}

func TestReviewsComeBackAsTheyWereGiven(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Awaiting(t, "hello world")
	inWorkspace(t, w, w.Worker, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.LatestReview(ctx, w.Workspace, p.ID)
		require.True(t, apperr.Is(err, apperr.NotFound))
		given := store.Review{
			PostID: p.ID, VersionID: p.Version.ID, Verdict: store.ReviewChanges, Summary: "No.",
			Findings: []post.Finding{
				{Rule: "fact", Severity: post.Block, Start: 6, End: 11, Quote: "world", Message: "m", Suggestion: "s", SourceQuote: "q", SourceURL: "u"},
				{Rule: "clarity", Severity: post.Note, Message: "n"},
			},
		}
		require.NoError(t, tx.AddReview(ctx, w.Workspace, given))
		got, err := tx.LatestReview(ctx, w.Workspace, p.ID)
		require.NoError(t, err)
		require.Equal(t, 1, got.VersionNumber)
		require.Equal(t, store.ReviewChanges, got.Verdict)
		require.Len(t, got.Findings, 2)
		given.Findings[0].ID = got.Findings[0].ID
		require.Equal(t, given.Findings[0], got.Findings[0])
		summary, err := tx.PostSummary(ctx, w.Workspace, p.ID)
		require.NoError(t, err)
		require.Equal(t, 1, summary.Blocks)
		return nil
	})
}

func TestAccountsToFill(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	gaps := func() []store.Gap {
		var out []store.Gap
		require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			out, err = tx.AccountsToFill(ctx, time.Hour, 10)
			return err
		}))
		return out
	}
	require.Empty(t, gaps(), "an account that wants nothing is left alone")

	profile := w.Account.Profile
	profile.PostsPerWeek = 3
	inWorkspace(t, w, w.API, func(ctx context.Context, tx *store.Tx) (err error) {
		w.Account, err = tx.SaveProfile(ctx, w.Workspace, w.Account.ID, w.Account.ETag, profile)
		return err
	})
	w.Awaiting(t, "one on its way")
	require.Equal(t, []store.Gap{{WorkspaceID: w.Workspace, AccountID: w.Account.ID, Missing: 2}}, gaps())

	g := addGeneration(t, w, store.NewGeneration{})
	require.Empty(t, gaps(), "one generation at a time")
	inWorkspace(t, w, w.Worker, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.UnfinishedGenerations(ctx, w.Workspace, w.Account.ID)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		c, err := tx.ClaimGeneration(ctx, w.Workspace, g.ID, time.Minute)
		require.NoError(t, err)
		return tx.FinishGeneration(ctx, c, store.GenerationFailed, "Nothing to read.")
	})
	require.Empty(t, gaps(), "a failure rests")
}

func TestLockingAPostThatIsBeingEditedFindsIt(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Awaiting(t, "hello")
	edited, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- w.API.InWorkspace(context.WithoutCancel(t.Context()), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.AddVersion(ctx, p, post.Text("edited"), "", w.Person); err != nil {
				return err
			}
			close(edited)
			// Long enough for the other to stand at the lock; if it does not, the
			// test proves less but never fails by it.
			_, err := tx.Now(ctx)
			for range 20 {
				if err == nil {
					_, err = tx.Post(ctx, w.Workspace, p.ID)
				}
			}
			return err
		})
	}()
	<-edited
	var got post.Post
	inWorkspace(t, w, w.Worker, func(ctx context.Context, tx *store.Tx) (err error) {
		got, err = tx.LockPost(ctx, w.Workspace, p.ID)
		return err
	})
	require.NoError(t, <-done)
	require.Equal(t, []string{"edited"}, got.Version.Content.Texts())
}

func TestMoneyOfAnotherWorkspaceIsNotSeen(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	setBudget(t, w, 1000)
	inWorkspace(t, w, w.Worker, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Reserve(ctx, w.Workspace, w.Account.ID, 300)
		return err
	})
	other, _ := w.AddWorkspace(t, "Other", "eve@example.com")
	seen := func(workspace uuid.UUID) int64 {
		var n int64
		require.NoError(t, w.API.InWorkspace(t.Context(), workspace, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = tx.MonthSpend(ctx, w.Workspace)
			return err
		}))
		return n
	}
	require.Equal(t, int64(300), seen(w.Workspace))
	require.Zero(t, seen(other))
}
