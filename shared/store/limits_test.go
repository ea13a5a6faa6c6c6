package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/throttle"
)

func quota(scope throttle.Scope, window time.Duration, limit, remaining int, in time.Duration) throttle.Quota {
	return throttle.Quota{
		Scope: scope, Use: throttle.Posting, Window: window, Limit: limit, Remaining: remaining,
		ResetsAt: time.Now().UTC().Add(in).Truncate(time.Second),
	}
}

// hear keeps what answers to the world's account said.
func hear(t *testing.T, w *storetest.World, h store.Heard) []store.Closing {
	t.Helper()
	h.WorkspaceID, h.AccountID, h.Network = w.Workspace, w.Account.ID, account.X
	var closed []store.Closing
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := tx.HearOfApp(ctx, []store.Heard{h}); err != nil {
			return err
		}
		var err error
		closed, err = tx.Hear(ctx, []store.Heard{h})
		return err
	}))
	return closed
}

func left(t *testing.T, w *storetest.World, table string) int {
	t.Helper()
	var n int
	require.NoError(t, connect(t, w, "").QueryRow(t.Context(), "SELECT remaining FROM "+table+" WHERE used_for = 'post'").Scan(&n))
	return n
}

// Fifty senders ask at once, in several processes as far as the database can
// tell, and three calls are left.
func TestOfManySendersOnlyAsManyGoAsCallsAreLeft(t *testing.T) {
	t.Parallel()
	for name, scope := range map[string]throttle.Scope{"OfTheAccount": throttle.AccountScope, "OfTheApp": throttle.AppScope} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := storetest.NewWorld(t)
			said := quota(scope, 24*time.Hour, 1000, 3, time.Hour)
			hear(t, w, store.Heard{Quotas: []throttle.Quota{said}})
			posts := make([]post.Post, 50)
			for i := range posts {
				posts[i] = w.Scheduled(t, 0, "post", string(rune('A'+i)))
			}
			// A pool of its own stands for another process.
			other := *w
			other.Worker = storetest.Open(t, w.URL, store.RoleWorker)
			verdicts := make([]store.Judgement, len(posts))
			errs := make([]error, len(posts))
			var wg sync.WaitGroup
			for i, p := range posts {
				wg.Go(func() {
					from := w
					if i%2 == 0 {
						from = &other
					}
					verdicts[i], errs[i] = tryBegin(t.Context(), from, intent(p))
				})
			}
			wg.Wait()
			went := 0
			for i, j := range verdicts {
				require.NoError(t, errs[i])
				if j.Verdict == store.Go {
					went++
					require.Len(t, j.Reserved, 1)
					continue
				}
				require.Equal(t, post.HeldQuota, j.Hold)
				after := w.Post(t, posts[i].ID)
				require.Equal(t, post.HeldQuota, after.Hold)
				wait := after.NotBefore.Sub(said.ResetsAt)
				require.True(t, wait >= time.Second && wait <= 31*time.Second, "it goes by itself a little after the reset, not %s", wait)
			}
			require.Equal(t, 3, went)
		})
	}
}

func TestACallThatWasNotSentIsGivenBack(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	hear(t, w, store.Heard{Quotas: []throttle.Quota{
		quota(throttle.AccountScope, 24*time.Hour, 1000, 1, time.Hour), quota(throttle.AppScope, 24*time.Hour, 1000, 1, time.Hour),
	}})
	first, second := w.Scheduled(t, 0, "first"), w.Scheduled(t, 0, "second")
	j := begin(t, w, intent(first))
	require.Equal(t, store.Go, j.Verdict)
	require.Len(t, j.Reserved, 2)
	require.Equal(t, 0, left(t, w, "app_quotas"))
	hear(t, w, store.Heard{Returned: j.Reserved})
	require.Equal(t, 1, left(t, w, "app_quotas"))
	require.Equal(t, 1, left(t, w, "account_quotas"))
	require.Equal(t, store.Go, begin(t, w, intent(second)).Verdict)
	// What was taken out of a window that is over comes back to no other.
	hear(t, w, store.Heard{Quotas: []throttle.Quota{
		quota(throttle.AccountScope, 24*time.Hour, 1000, 5, 2*time.Hour), quota(throttle.AppScope, 24*time.Hour, 1000, 5, 2*time.Hour),
	}})
	hear(t, w, store.Heard{Returned: j.Reserved})
	require.Equal(t, 5, left(t, w, "account_quotas"))
	require.Equal(t, 5, left(t, w, "app_quotas"))
}

func TestAnAnswerThatWasOvertakenRaisesNothing(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	for _, c := range []struct {
		name            string
		remaining, want int
		resets          time.Duration
	}{
		{"the first", 8, 8, time.Hour},
		{"overtaken", 9, 8, time.Hour},
		{"newer", 7, 7, time.Hour},
		{"of an older window", 2, 7, 30 * time.Minute},
		{"of a new window", 9, 9, 2 * time.Hour},
		{"late from the window before", 1, 9, time.Hour},
	} {
		hear(t, w, store.Heard{Quotas: []throttle.Quota{
			quota(throttle.AccountScope, 24*time.Hour, 10, c.remaining, c.resets), quota(throttle.AppScope, 24*time.Hour, 10, c.remaining, c.resets),
		}})
		require.Equal(t, c.want, left(t, w, "account_quotas"), c.name)
		require.Equal(t, c.want, left(t, w, "app_quotas"), c.name)
	}
}

// While there is plenty, no intent locks or writes a row of the ledger, and an
// answer that says little new is not written.
func TestWithPlentyLeftNobodyStandsInLine(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	said := quota(throttle.AppScope, 24*time.Hour, 10_000, 9_000, time.Hour)
	hear(t, w, store.Heard{Quotas: []throttle.Quota{said}})
	conn := connect(t, w, "")
	hold, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = hold.Exec(t.Context(), "SELECT 1 FROM app_quotas FOR UPDATE")
	require.NoError(t, err)
	j := begin(t, w, intent(w.Scheduled(t, 0, "hello")))
	require.Equal(t, store.Go, j.Verdict)
	require.Empty(t, j.Reserved)
	said.Remaining = 8_999
	hear(t, w, store.Heard{Proper: true, Quotas: []throttle.Quota{said}})
	require.NoError(t, hold.Rollback(t.Context()))
	require.Equal(t, 9_000, left(t, w, "app_quotas"))
	said.Remaining = 8_700
	hear(t, w, store.Heard{Quotas: []throttle.Quota{said}})
	require.Equal(t, 8_700, left(t, w, "app_quotas"))
}

func TestAWindowThatIsOverKeepsNobodyBack(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	hear(t, w, store.Heard{Quotas: []throttle.Quota{quota(throttle.AccountScope, 24*time.Hour, 10, 0, time.Hour)}})
	p := w.Scheduled(t, 0, "hello")
	require.Equal(t, post.HeldQuota, begin(t, w, intent(p)).Hold)
	_, err := connect(t, w, "").Exec(t.Context(), "UPDATE account_quotas SET resets_at = now() - interval '1 second'; UPDATE posts SET not_before = NULL")
	require.NoError(t, err)
	require.Equal(t, store.Go, begin(t, w, intent(w.Post(t, p.ID))).Verdict)
}

func failCall(t *testing.T, w *storetest.World, id account.ID, attempt uuid.UUID) []store.Opening {
	t.Helper()
	var opened []store.Opening
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		opened, err = tx.CountFailure(ctx, w.Workspace, account.X, throttle.Failure{Attempt: attempt, Account: uuid.UUID(id), Code: "timeout", At: now})
		return err
	}))
	return opened
}

func breakAccount(t *testing.T, w *storetest.World, id account.ID) store.Opening {
	t.Helper()
	for range throttle.AccountRule().Failures - 1 {
		require.Empty(t, failCall(t, w, id, uuid.Must(uuid.NewV7())))
	}
	opened := failCall(t, w, id, uuid.Must(uuid.NewV7()))
	require.Len(t, opened, 1)
	require.Equal(t, id, opened[0].AccountID)
	return opened[0]
}

func timeToTry(t *testing.T, w *storetest.World) {
	t.Helper()
	_, err := connect(t, w, "").Exec(t.Context(), "UPDATE account_breakers SET retry_at = clock_timestamp(); UPDATE network_breakers SET retry_at = clock_timestamp() WHERE state <> 'closed'")
	require.NoError(t, err)
}

func TestAnOpenBreakerHoldsItsAccountAndNoOther(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	other := w.AddAccount(t, w.Workspace, "other")
	breakAccount(t, w, other.ID)
	require.Equal(t, store.Go, begin(t, w, intent(w.Scheduled(t, 0, "mine"))).Verdict)
	breakAccount(t, w, w.Account.ID)
	p := w.Scheduled(t, 0, "held")
	j := begin(t, w, intent(p))
	require.Equal(t, post.HeldAccountTrouble, j.Hold)
	require.Equal(t, post.Scheduled, w.Post(t, p.ID).State)
	require.Empty(t, w.Attempts(t, p.ID))
}

func TestWhatWentOutMeanwhileSaysThatItWasNoRun(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	in := intent(w.Scheduled(t, 0, "goes out"))
	require.Equal(t, store.Go, begin(t, w, in).Verdict)
	require.NoError(t, settle(t, w, store.Settlement{AttemptID: in.AttemptID, To: post.AttemptAccepted, RemoteID: "1"}))
	for range throttle.AccountRule().Failures {
		require.Empty(t, failCall(t, w, w.Account.ID, uuid.Must(uuid.NewV7())), "a burst of which some went out")
	}
	require.Equal(t, store.Go, begin(t, w, intent(w.Scheduled(t, 0, "next"))).Verdict)
}

func TestAHalfOpenBreakerLetsExactlyOnePostThrough(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	breakAccount(t, w, w.Account.ID)
	timeToTry(t, w)
	var posts []post.Post
	for i := range 20 {
		posts = append(posts, w.Scheduled(t, 0, "post", string(rune('A'+i))))
	}
	verdicts, errs := make([]store.Judgement, len(posts)), make([]error, len(posts))
	var wg sync.WaitGroup
	for i, p := range posts {
		wg.Go(func() { verdicts[i], errs[i] = tryBegin(t.Context(), w, intent(p)) })
	}
	wg.Wait()
	went := 0
	for i, j := range verdicts {
		require.NoError(t, errs[i])
		if j.Verdict == store.Go {
			went++
		} else {
			require.Equal(t, post.HeldAccountTrouble, j.Hold)
		}
	}
	require.Equal(t, 1, went)

	closed := hear(t, w, store.Heard{Proper: true})
	require.Len(t, closed, 1)
	require.Equal(t, w.Account.ID, closed[0].AccountID)
	require.Empty(t, hear(t, w, store.Heard{Proper: true}), "it closes once")
	explain(t, w)
	for i, p := range posts {
		if verdicts[i].Verdict != store.Go {
			require.Empty(t, w.Post(t, p.ID).Hold, "what it kept back is let go")
		}
	}
}

func explain(t *testing.T, w *storetest.World) {
	t.Helper()
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ExplainHolds(ctx, 3*time.Minute, 2*time.Minute)
		return err
	}))
}

func TestAFailedProbeOpensAgainForLongerAndADeadOneIsReplaced(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	first := breakAccount(t, w, w.Account.ID)
	timeToTry(t, w)
	in := intent(w.Scheduled(t, 0, "probe"))
	require.Equal(t, store.Go, begin(t, w, in).Verdict)
	require.Empty(t, failCall(t, w, w.Account.ID, uuid.Must(uuid.NewV7())), "a call that began before says nothing")
	again := failCall(t, w, w.Account.ID, in.AttemptID)
	require.Len(t, again, 1)
	require.Equal(t, 2, again[0].Breaker.Openings)
	require.Equal(t, first.Breaker.FailingSince.UnixMicro(), again[0].Breaker.FailingSince.UnixMicro())

	timeToTry(t, w)
	require.Equal(t, store.Go, begin(t, w, intent(w.Scheduled(t, 0, "dies"))).Verdict)
	next := w.Scheduled(t, 0, "next")
	require.Equal(t, post.HeldAccountTrouble, begin(t, w, intent(next)).Hold)
	_, err := connect(t, w, "").Exec(t.Context(), "UPDATE account_breakers SET probe_until = clock_timestamp()")
	require.NoError(t, err)
	require.Equal(t, store.Go, begin(t, w, intent(w.Post(t, next.ID))).Verdict, "nobody waits for a sender that died")
}

func TestANetworksBreakerTakesSeveralAccounts(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	ids := []account.ID{w.Account.ID}
	for _, handle := range []string{"second", "third"} {
		ids = append(ids, w.AddAccount(t, w.Workspace, handle).ID)
	}
	var opened []store.Opening
	for i := range throttle.NetworkRule().Failures {
		opened = failCall(t, w, ids[i%3], uuid.Must(uuid.NewV7()))
	}
	require.Len(t, opened, 1)
	require.Equal(t, account.X, opened[0].Network)
	require.Equal(t, uuid.Nil, opened[0].WorkspaceID)
	p := w.Scheduled(t, 0, "hello")
	require.Equal(t, post.HeldNetworkTrouble, begin(t, w, intent(p)).Hold)

	timeToTry(t, w)
	var probes []store.Due
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		probes, err = tx.Probes(ctx, time.Minute, 2*time.Minute)
		return err
	}))
	require.Len(t, probes, 1)
	require.Equal(t, p.ID, probes[0].PostID)
	require.Equal(t, store.Go, begin(t, w, intent(w.Post(t, p.ID))).Verdict)
}

func TestABacklogGetsTurnsAndWhatIsOnTimeDoesNotWait(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	var late []post.Post
	for i := range 4 {
		late = append(late, w.Scheduled(t, -time.Hour+time.Duration(i)*time.Minute, "late", string(rune('A'+i))))
	}
	tooLate, onTime := w.Scheduled(t, -5*time.Hour, "too late"), w.Scheduled(t, 0, "on time")
	plan := func() (turns, due []store.Due) {
		require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var err error
			if turns, err = tx.Drain(ctx, 2*time.Minute, 3*time.Minute, 100); err != nil {
				return err
			}
			planned, err := tx.PlanDispatch(ctx, 3*time.Minute, 2*time.Minute, 100, time.Time{})
			if err != nil {
				return err
			}
			due, err = tx.DispatchPlanned(ctx, planned)
			return err
		}))
		return turns, due
	}
	turns, due := plan()
	require.Len(t, turns, 4)
	for i, p := range late {
		require.Equal(t, p.ID, turns[i].PostID, "oldest first")
		if i > 0 {
			require.Equal(t, throttle.DefaultGap, turns[i].SendAt.Sub(turns[i-1].SendAt))
		}
		after := w.Post(t, p.ID)
		require.Equal(t, post.HeldCatchingUp, after.Hold)
		require.Equal(t, turns[i].SendAt.UnixMicro(), after.NotBefore.UnixMicro())
	}
	var handed []post.ID
	for _, d := range due {
		handed = append(handed, d.PostID)
	}
	require.ElementsMatch(t, []post.ID{tooLate.ID, onTime.ID}, handed, "the rule decides on one, the other keeps its second")
	require.Equal(t, store.Go, begin(t, w, intent(onTime)).Verdict)
	require.Equal(t, store.Early, begin(t, w, intent(late[1])).Verdict)
	require.Equal(t, store.Go, begin(t, w, intent(late[0])).Verdict)
	require.Equal(t, post.HeldLate, begin(t, w, intent(tooLate)).Hold)
	turns, _ = plan()
	require.Empty(t, turns, "a turn is given once")
}

// The tick's two looks over everything late write in_backlog out, since a call for
// each of 100,000 posts takes seconds.
func TestWhatWaitsForItsTurnIsToldAlikeInEachStatement(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	conn := connect(t, w, "")
	exec := executor(t, conn)
	other := *w
	other.Account = w.AddAccount(t, w.Workspace, "other")
	exec("UPDATE accounts SET catch_up = 'hold' WHERE id = $1", uuid.UUID(other.Account.ID))
	waits := map[post.ID]bool{}
	for _, of := range []*storetest.World{w, &other} {
		for _, due := range []time.Duration{-time.Minute, -5 * time.Minute, -3 * time.Hour} {
			for _, turn := range []any{nil, time.Now().Add(-time.Minute), time.Now().Add(-10 * time.Minute)} {
				for _, begun := range []bool{false, true} {
					p := of.Scheduled(t, due, "late")
					exec("UPDATE posts SET paced_at = $2, dispatched_revision = revision, dispatched_at = now() - interval '1 hour' WHERE id = $1", uuid.UUID(p.ID), turn)
					if begun {
						exec(`INSERT INTO attempts (workspace_id, id, post_id, account_id, revision, part, number, state, fingerprint, started_at, finished_at, remote_id)
							VALUES ($1, $2, $3, $4, 1, 0, 1, 'accepted', 'f', now(), now(), 'r' || $2::uuid)`,
							w.Workspace, uuid.Must(uuid.NewV7()), uuid.UUID(p.ID), uuid.UUID(of.Account.ID))
					}
					var in bool
					require.NoError(t, conn.QueryRow(t.Context(), `SELECT in_backlog(workspace_id, id, account_id, due_at, paced_at, '2 minutes')
						FROM posts WHERE id = $1`, uuid.UUID(p.ID)).Scan(&in))
					waits[p.ID] = in
				}
			}
		}
	}
	explain(t, w)
	planned := map[post.ID]bool{}
	for _, p := range plan(t, w, 100) {
		planned[p.PostID] = true
	}
	told := 0
	for id, in := range waits {
		require.Equal(t, in, w.Post(t, id).Hold == post.HeldCatchingUp)
		require.Equal(t, in, !planned[id])
		if in {
			told++
		}
	}
	require.Equal(t, 2, told, "five minutes late within its rule, not begun, with no turn or one that is long past")
}

func TestTheLedgerIsSharedByTenantsOnlyWhereItIsTheApps(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	hear(t, w, store.Heard{Quotas: []throttle.Quota{
		quota(throttle.AccountScope, 24*time.Hour, 10, 1, time.Hour), quota(throttle.AppScope, 24*time.Hour, 10, 1, time.Hour),
	}})
	stranger, _ := w.AddWorkspace(t, "Stranger", "stranger@example.com")
	seen := map[uuid.UUID][]int{}
	for _, workspace := range []uuid.UUID{w.Workspace, stranger} {
		require.NoError(t, w.API.InWorkspace(t.Context(), workspace, func(ctx context.Context, tx *store.Tx) error {
			h, err := tx.Limits(ctx, workspace)
			seen[workspace] = []int{len(h.AppQuotas), len(h.AccountQuotas)}
			return err
		}))
	}
	require.Empty(t, cmp.Diff(map[uuid.UUID][]int{w.Workspace: {1, 1}, stranger: {1, 0}}, seen))
}
