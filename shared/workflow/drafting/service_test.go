package drafting_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/queue"
	"rostrum/shared/store"
)

func TestWhoMayNotMayNot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	analyst := b.Person
	analyst.Role = audit.Analyst
	_, err := b.service.Request(t.Context(), analyst, b.Account.ID, 1, "")
	require.True(t, apperr.Is(err, apperr.Forbidden))
	_, err = b.service.RequestFromIdea(t.Context(), analyst, uuid.New())
	require.True(t, apperr.Is(err, apperr.Forbidden))
	_, err = b.service.Dismiss(t.Context(), analyst, uuid.New())
	require.True(t, apperr.Is(err, apperr.Forbidden))
	_, err = b.service.AddSource(t.Context(), analyst, store.NewSource{})
	require.True(t, apperr.Is(err, apperr.Forbidden))
	require.True(t, apperr.Is(b.service.RemoveSource(t.Context(), analyst, uuid.New()), apperr.Forbidden))
	require.Empty(t, b.queues.list)
}

func TestRequestRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, tc := range map[string]struct {
		account account.ID
		wanted  int
		note    string
		code    string
	}{
		"NoDrafts":       {b.Account.ID, 0, "", "bad_wanted"},
		"TooManyDrafts":  {b.Account.ID, 11, "", "bad_wanted"},
		"HugeNote":       {b.Account.ID, 1, strings.Repeat("x", 20_001), "note_too_long"},
		"NoteWithANul":   {b.Account.ID, 1, "a\x00b", "bad_text"},
		"UnknownAccount": {account.ID(uuid.New()), 1, "", "no_such_account"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.service.Request(t.Context(), b.Person, tc.account, tc.wanted, tc.note)
			require.Equal(t, tc.code, codeOf(err), "got %v", err)
		})
	}
}

func TestOnlySoManyRunsWait(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 5 {
		b.request(t, 1, "")
	}
	_, err := b.service.Request(t.Context(), b.Person, b.Account.ID, 1, "")
	require.Equal(t, "too_many_runs", codeOf(err))
}

func TestAnIdeaIsDraftedOrDismissedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed(t, "https://news.example", first, second)
	require.NoError(t, b.service.Run(t.Context(), message(b.request(t, 1, ""))))
	var fresh, used store.Idea
	for _, i := range b.ideas(t) {
		if i.State == store.IdeaNew {
			fresh = i
		} else {
			used = i
		}
	}
	_, err := b.service.RequestFromIdea(t.Context(), b.Person, used.ID)
	require.Equal(t, "wrong_state", codeOf(err))
	g, err := b.service.RequestFromIdea(t.Context(), b.Person, fresh.ID)
	require.NoError(t, err)
	require.NoError(t, b.service.Run(t.Context(), message(g)))
	require.Len(t, b.posts(t, g), 1)
	require.Equal(t, fresh.ID, *b.posts(t, g)[0].IdeaID)
	require.Len(t, b.model.Asked("ideas"), 1, "nothing is looked for")
	_, err = b.service.Dismiss(t.Context(), b.Person, fresh.ID)
	require.Equal(t, "wrong_state", codeOf(err))
	_, err = b.service.Dismiss(t.Context(), b.Person, uuid.New())
	require.True(t, apperr.Is(err, apperr.NotFound))
}

func TestDismiss(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed(t, "https://news.example", first, second)
	require.NoError(t, b.service.Run(t.Context(), message(b.request(t, 1, ""))))
	for _, i := range b.ideas(t) {
		if i.State == store.IdeaNew {
			got, err := b.service.Dismiss(t.Context(), b.Person, i.ID)
			require.NoError(t, err)
			require.Equal(t, store.IdeaDismissed, got.State)
		}
	}
}

func TestAddSourceRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refusal := apperr.New(apperr.Invalid, "source_address_refused", "inward")
	b.service.CheckAddress = func(_ context.Context, address string) error {
		if strings.Contains(address, "169.254") {
			return refusal
		}
		return nil
	}
	for name, tc := range map[string]struct {
		source store.NewSource
		code   string
	}{
		"InwardFeed":    {store.NewSource{Kind: store.SourceFeed, URL: "http://169.254.169.254/"}, "source_address_refused"},
		"FeedWithout":   {store.NewSource{Kind: store.SourceFeed}, "bad_source"},
		"LongAddress":   {store.NewSource{Kind: store.SourceFeed, URL: "https://x.example/" + strings.Repeat("a", 2000)}, "bad_source"},
		"EmptyNote":     {store.NewSource{Kind: store.SourceNote, Note: " \n"}, "bad_source"},
		"HugeNote":      {store.NewSource{Kind: store.SourceNote, Note: strings.Repeat("x", 20_001)}, "bad_source"},
		"LongTitle":     {store.NewSource{Kind: store.SourceNote, Note: "x", Title: strings.Repeat("x", 201)}, "bad_source"},
		"NulInTheTitle": {store.NewSource{Kind: store.SourceNote, Note: "x", Title: "a\x00"}, "bad_source"},
		"UnknownKind":   {store.NewSource{Kind: "page", URL: "https://x.example"}, "bad_source"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.source.AccountID = b.Account.ID
			_, err := b.service.AddSource(t.Context(), b.Person, tc.source)
			require.Equal(t, tc.code, codeOf(err), "got %v", err)
		})
	}
}

func TestASourceIsAddedAndRemoved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, err := b.service.AddSource(t.Context(), b.Person, store.NewSource{AccountID: b.Account.ID, Kind: store.SourceNote, Note: " We ship. "})
	require.NoError(t, err)
	require.Equal(t, "We ship.", s.Note)
	require.Equal(t, "Note", s.Title)
	require.NoError(t, b.service.RemoveSource(t.Context(), b.Person, s.ID))
	require.True(t, apperr.Is(b.service.RemoveSource(t.Context(), b.Person, s.ID), apperr.NotFound))
}

func TestFillAsksForWhatIsMissingOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed(t, "https://news.example", first, second)
	require.NoError(t, b.service.Fill(t.Context()))
	require.Empty(t, b.queues.list, "an account that wants nothing is left alone")

	b.profile(t, func(p *account.Profile) { p.PostsPerWeek = 2 })
	errs := make(chan error, 3)
	for range 3 {
		go func() { errs <- b.service.Fill(context.WithoutCancel(t.Context())) }()
	}
	require.NoError(t, errors.Join(<-errs, <-errs, <-errs))
	require.Len(t, b.queues.on(queue.Generate), 1)
	var list []store.Generation
	require.NoError(t, b.Worker.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		list, err = tx.Generations(ctx, b.Workspace, store.GenerationFilter{}, 10)
		return err
	}))
	require.Len(t, list, 1)
	require.Equal(t, 2, list[0].Wanted)
	require.Equal(t, "planner", list[0].RequestedBy.Name)

	require.NoError(t, b.service.Run(t.Context(), message(list[0])))
	require.Len(t, b.posts(t, list[0]), 2)
	before := len(b.queues.on(queue.Generate))
	require.NoError(t, b.service.Fill(t.Context()))
	require.Len(t, b.queues.on(queue.Generate), before, "the calendar is full now")
}

func TestFillSendsAStuckGenerationAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	g := b.request(t, 1, "")
	require.NoError(t, b.service.Fill(t.Context()))
	require.Len(t, b.queues.on(queue.Generate), 1, "its own message is on its way")
	b.exec(t, "UPDATE generations SET created_at = now() - interval '1 hour'")
	require.NoError(t, b.service.Fill(t.Context()))
	list := b.queues.on(queue.Generate)
	require.Len(t, list, 2)
	require.Contains(t, string(list[1].Body), g.ID.String())
}

func TestAStartWithEmptyQueuesTakesUpWhatIsNotDrafted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.request(t, 1, "")
	b.exec(t, "UPDATE generations SET state = 'running', lease_until = now() + interval '100 seconds'")
	require.NoError(t, b.service.Recover(t.Context()))
	list := b.queues.on(queue.Generate)
	require.Len(t, list, 2)
	again, err := queue.Decode(list[1].Body)
	require.NoError(t, err)
	require.NoError(t, b.service.Run(t.Context(), again))
	list = b.queues.on(queue.Generate)
	require.Len(t, list, 3, "a worker may be at it: it comes back when the lease has ended")
	require.Greater(t, list[2].Delay, 90*time.Second)
}

// More than one page, all asked for in the same moment.
func TestAStartWithEmptyQueuesTakesUpAllThatIsNotDrafted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	g := b.request(t, 1, "")
	const more = 201
	b.exec(t, `INSERT INTO generations (workspace_id, id, account_id, requested_by_kind, requested_by_id, requested_by_name, wanted, note,
			state, progress, correlation_id, created_at)
		SELECT workspace_id, gen_random_uuid(), account_id, requested_by_kind, requested_by_id, requested_by_name, wanted, note,
			state, progress, correlation_id, created_at FROM generations, generate_series(1, $1) WHERE id = $2`, more, g.ID)
	before := len(b.queues.on(queue.Generate))
	require.NoError(t, b.service.Recover(t.Context()))
	taken := map[uuid.UUID]bool{}
	for _, e := range b.queues.on(queue.Generate)[before:] {
		m, err := queue.Decode(e.Body)
		require.NoError(t, err)
		require.False(t, taken[m.SubjectID], "each once")
		taken[m.SubjectID] = true
	}
	require.Len(t, taken, more+1)
}

// planner asks for drafts as the schedule does, and runs them.
func planner(t *testing.T, b *bundle, wanted int) store.Generation {
	t.Helper()
	b.profile(t, func(p *account.Profile) { p.PostsPerWeek += wanted })
	before := len(b.queues.on(queue.Generate))
	require.NoError(t, b.service.Fill(t.Context()))
	list := b.queues.on(queue.Generate)
	require.Len(t, list, before+1)
	m, err := queue.Decode(list[before].Body)
	require.NoError(t, err)
	require.NoError(t, b.service.Run(t.Context(), m))
	return b.generation(t, m.SubjectID)
}

func TestThePlannerUsesUpWhatWasFoundBeforeItLooksAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed(t, "https://news.example", first, second, "A third text says that the moon is made of stone.")
	b.profile(t, func(p *account.Profile) { p.PostsPerWeek = 1 })
	require.NoError(t, b.service.Run(t.Context(), message(b.request(t, 1, ""))))
	require.Len(t, b.model.Asked("ideas"), 1)

	g := planner(t, b, 1)
	require.Equal(t, store.GenerationDone, g.State, g.Progress)
	require.Len(t, g.PostIDs, 1)
	require.Len(t, b.model.Asked("ideas"), 1, "an idea was left over")

	planner(t, b, 1)
	require.Len(t, b.model.Asked("ideas"), 1)
	g = planner(t, b, 1)
	require.Equal(t, store.GenerationFailed, g.State)
	require.Equal(t, "The sources say nothing new.", g.Progress)
	require.NoError(t, b.service.Fill(t.Context()), "and rests")

	// A person may ask for more of the same.
	p := b.request(t, 1, "")
	require.NoError(t, b.service.Run(t.Context(), message(p)))
	require.Equal(t, store.GenerationDone, b.generation(t, p.ID).State)
}

func TestAGenerationIsNotTakenUpForEver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed(t, "https://news.example", first)
	g := b.request(t, 1, "")
	b.exec(t, "UPDATE generations SET tries = 8")
	require.NoError(t, b.service.Run(t.Context(), message(g)))
	got := b.generation(t, g.ID)
	require.Equal(t, store.GenerationFailed, got.State)
	require.Equal(t, "It was tried too often.", got.Progress)
	require.Empty(t, b.model.Asked(""))
}
