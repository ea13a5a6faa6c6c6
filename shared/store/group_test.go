package store_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

func beginAll(ctx context.Context, w *storetest.World, ins []store.Intent) (judged []store.Judgement, err error) {
	err = w.Worker.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		judged, err = tx.BeginAttempts(ctx, ins, audit.SystemActor(uuid.Nil, "publish"))
		return err
	})
	return judged, err
}

// mixed is a group with one of every verdict and two that go.
func mixed(t *testing.T, w *storetest.World) (ins []store.Intent, want []store.Verdict) {
	t.Helper()
	conn := connect(t, w, "")
	dropping := w.AddAccount(t, w.Workspace, "dropping")
	paused := w.AddAccount(t, w.Workspace, "paused")
	_, err := conn.Exec(t.Context(), "UPDATE accounts SET catch_up = 'drop' WHERE id = $1", uuid.UUID(dropping.ID))
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "UPDATE accounts SET paused_at = now() WHERE id = $1", uuid.UUID(paused.ID))
	require.NoError(t, err)
	on := func(a account.Account, dueIn time.Duration, text string) post.Post {
		there := *w
		there.Account = a
		return there.Scheduled(t, dueIn, text)
	}
	lost := intent(on(w.Account, 0, "lost"))
	lost.Revision--
	for _, c := range []struct {
		in      store.Intent
		verdict store.Verdict
	}{
		{intent(on(w.Account, 0, "goes")), store.Go},
		{lost, store.Lost},
		{intent(on(w.Account, time.Minute, "early")), store.Early},
		{intent(on(paused, 0, "held")), store.Held},
		{intent(on(dropping, -time.Hour, "missed")), store.Missed},
		{intent(on(dropping, 0, "goes too")), store.Go},
	} {
		ins, want = append(ins, c.in), append(want, c.verdict)
	}
	return ins, want
}

func verdicts(judged []store.Judgement) []store.Verdict {
	out := make([]store.Verdict, len(judged))
	for i, j := range judged {
		out[i] = j.Verdict
	}
	return out
}

func TestAGroupIsJudgedEachByItsOwn(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	ins, want := mixed(t, w)
	judged, err := beginAll(t.Context(), w, ins)
	require.NoError(t, err)
	require.Equal(t, want, verdicts(judged))
	states := map[store.Verdict]post.State{
		store.Go: post.Sending, store.Lost: post.Scheduled, store.Early: post.Scheduled, store.Held: post.Scheduled, store.Missed: post.Missed,
	}
	conn := connect(t, w, "")
	for i, in := range ins {
		p := w.Post(t, in.PostID)
		require.Equal(t, states[want[i]], p.State)
		attempts := w.Attempts(t, in.PostID)
		var events []string
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT coalesce(array_agg(action ORDER BY seq), '{}') FROM audit_events WHERE subject_id = $1 AND workspace_id = $2",
			uuid.UUID(in.PostID), in.WorkspaceID).Scan(&events))
		if want[i] != store.Go {
			require.Empty(t, attempts)
			require.NotContains(t, events, "attempt.started")
			continue
		}
		require.Len(t, attempts, 1)
		require.Equal(t, in.AttemptID, attempts[0].ID)
		require.Equal(t, p.AttemptNo, judged[i].Fence, "the fence is the post's own")
		require.Contains(t, events, "attempt.started")
	}
	require.Equal(t, post.HeldPausedAccount, w.Post(t, ins[3].PostID).Hold)
}

// The answer to the COMMIT of a group was lost: asked again, alone or together,
// each finds what it was told, and nothing is begun twice.
func TestAGroupAskedAgainAfterALostCommitHearsTheSame(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	ins, want := mixed(t, w)
	first, err := beginAll(t.Context(), w, ins)
	require.NoError(t, err)
	again, err := beginAll(t.Context(), w, ins)
	require.NoError(t, err)
	want[4] = store.Lost // It was missed, and stays so: nothing more is to be done with it.
	require.Equal(t, want, verdicts(again))
	for i, in := range ins {
		alone := begin(t, w, in)
		require.Equal(t, again[i].Verdict, alone.Verdict)
		if again[i].Verdict == store.Go {
			require.Equal(t, first[i].Fence, again[i].Fence)
			require.Equal(t, first[i].Fence, alone.Fence)
			require.Equal(t, first[i].Tries, again[i].Tries)
			require.Len(t, w.Attempts(t, in.PostID), 1)
		}
	}
}

func TestTwoIntentsForOnePostInAGroupDoNotBothGo(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p, q := w.Scheduled(t, 0, "one"), w.Scheduled(t, 0, "two")
	judged, err := beginAll(t.Context(), w, []store.Intent{intent(p), intent(q), intent(p), intent(p)})
	require.NoError(t, err)
	require.Equal(t, []store.Verdict{store.Go, store.Go, store.Lost, store.Lost}, verdicts(judged))
	require.Len(t, w.Attempts(t, p.ID), 1)
}

func TestAGroupWithAPostThatIsNotThereBeginsNothing(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Scheduled(t, 0, "one")
	nobody := intent(p)
	nobody.PostID = post.ID(uuid.New())
	_, err := beginAll(t.Context(), w, []store.Intent{intent(p), nobody})
	require.Equal(t, apperr.NotFound, apperr.KindOf(err))
	require.Equal(t, post.Scheduled, w.Post(t, p.ID).State)
}

// Groups over the same rows in opposite orders. A deadlock would show as a
// transaction that was run again.
func TestGroupsWithCrossingRowsWaitForOneAnotherAndNeverInACircle(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	other := *w
	other.Workspace, other.Person = w.AddWorkspace(t, "Other", "other@example.com")
	other.Account = w.AddAccount(t, other.Workspace, "other")
	for range 5 {
		var ins []store.Intent
		for range 6 {
			ins = append(ins, intent(w.Scheduled(t, 0, "one")), intent(other.Scheduled(t, 0, "two")))
		}
		var runs, goes atomic.Int32
		var wg sync.WaitGroup
		for n := range 4 {
			mine := make([]store.Intent, len(ins))
			for i, in := range ins {
				in.AttemptID = uuid.Must(uuid.NewV7())
				mine[i] = in
			}
			if n%2 == 1 {
				slices.Reverse(mine)
			}
			wg.Go(func() {
				err := w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					runs.Add(1)
					if n == 0 {
						// A result that changes an account takes its locks in the same order.
						accounts := []store.PostRef{{WorkspaceID: other.Workspace, AccountID: other.Account.ID}, {WorkspaceID: w.Workspace, AccountID: w.Account.ID}}
						if err := tx.LockAccounts(ctx, accounts); err != nil {
							return err
						}
					}
					judged, err := tx.BeginAttempts(ctx, mine, audit.SystemActor(uuid.Nil, "publish"))
					for _, j := range judged {
						if j.Verdict == store.Go {
							goes.Add(1)
						}
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 4, runs.Load(), "a deadlock was broken up")
		require.EqualValues(t, len(ins), goes.Load())
	}
}

func TestAGroupOfAcceptedPartsIsSettledAsEachAlone(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	ins := []store.Intent{intent(w.Scheduled(t, 0, "one")), intent(w.Scheduled(t, 0, "two")), intent(w.Scheduled(t, 0, "three"))}
	_, err := beginAll(t.Context(), w, ins)
	require.NoError(t, err)
	accepted := func(n int, remote string) store.Acceptance {
		return store.Acceptance{
			PostRef:   store.PostRef{WorkspaceID: w.Workspace, PostID: ins[n].PostID, AccountID: w.Account.ID},
			AttemptID: ins[n].AttemptID, RemoteID: remote, RemoteURL: "https://x.example/" + remote, At: time.Now(),
		}
	}
	settleAll := func(all ...store.Acceptance) error {
		return w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.SettleAccepted(ctx, all) })
	}
	require.NoError(t, settleAll(accepted(0, "100")))
	require.NoError(t, settleAll(accepted(0, "100"), accepted(1, "101")), "what was written before is no error")
	require.Equal(t, "101", w.Attempts(t, ins[1].PostID)[0].RemoteID)
	err = settleAll(accepted(0, "999"), accepted(2, "102"))
	require.Equal(t, "attempt_settled", apperr.As(err).Code, "a settled attempt stays as it was settled")
	err = settleAll(accepted(2, "100"))
	require.Equal(t, "remote_id_taken", apperr.As(err).Code)
	require.Equal(t, post.AttemptSending, w.Attempts(t, ins[2].PostID)[0].State, "the whole group or nothing")

	finish := func(n ...int) error {
		var all []store.Publication
		for _, i := range n {
			all = append(all, store.Publication{PostRef: accepted(i, "").PostRef, At: time.Now()})
		}
		return w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.FinishPosts(ctx, all) })
	}
	require.Equal(t, apperr.NotFound, apperr.KindOf(finish(0, 2)), "the first part of one of them is not out")
	require.NoError(t, finish(0, 1))
	require.Equal(t, post.Published, w.Post(t, ins[1].PostID).State)
	require.Equal(t, "https://x.example/101", w.Post(t, ins[1].PostID).RemoteURL)
}
