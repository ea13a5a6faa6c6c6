package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

func intent(p post.Post) store.Intent {
	return store.Intent{
		WorkspaceID: p.WorkspaceID, PostID: p.ID, AccountID: p.AccountID, Revision: p.Revision, AttemptID: uuid.Must(uuid.NewV7()),
		Hash: p.Version.Content.Hash(p.AccountID), Fingerprint: "f", Lease: 25 * time.Second, Grace: 2 * time.Minute,
	}
}

func begin(t *testing.T, w *storetest.World, in store.Intent) store.Judgement {
	t.Helper()
	j, err := tryBegin(t.Context(), w, in)
	require.NoError(t, err)
	return j
}

// tryBegin is begin for goroutines, in which a test must not end.
func tryBegin(ctx context.Context, w *storetest.World, in store.Intent) (j store.Judgement, err error) {
	err = w.Worker.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		j, err = storetest.Begin(ctx, tx, in)
		return err
	})
	return j, err
}

func settle(t *testing.T, w *storetest.World, s store.Settlement) error {
	t.Helper()
	return w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.SettleAttempt(ctx, w.Workspace, s) })
}

func TestAnIntentIsJudgedByWhatStandsAtThatMoment(t *testing.T) {
	t.Parallel()
	inWorkspace := func(fn func(ctx context.Context, tx *store.Tx, w *storetest.World, p post.Post) error) func(*testing.T, *storetest.World, post.Post) {
		return func(t *testing.T, w *storetest.World, p post.Post) {
			t.Helper()
			require.NoError(t, w.Owner.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error { return fn(ctx, tx, w, p) }))
		}
	}
	sql := func(statement string) func(*testing.T, *storetest.World, post.Post) {
		return func(t *testing.T, w *storetest.World, _ post.Post) {
			t.Helper()
			_, err := connect(t, w, "").Exec(t.Context(), statement)
			require.NoError(t, err)
		}
	}
	for name, c := range map[string]struct {
		dueIn   time.Duration
		before  func(*testing.T, *storetest.World, post.Post)
		spoil   func(*store.Intent)
		verdict store.Verdict
		hold    post.HoldReason
		state   post.State
	}{
		"DueGoes":            {verdict: store.Go, state: post.Sending},
		"NotDueWaits":        {dueIn: time.Minute, verdict: store.Early, state: post.Scheduled},
		"OldRevisionLoses":   {spoil: func(in *store.Intent) { in.Revision-- }, verdict: store.Lost, state: post.Scheduled},
		"OtherContentIsHeld": {spoil: func(in *store.Intent) { in.Hash = "v1:other" }, verdict: store.Held, hold: post.HeldContentChanged, state: post.Scheduled},
		"NoHashIsHeld":       {spoil: func(in *store.Intent) { in.Hash = "" }, verdict: store.Held, hold: post.HeldContentChanged, state: post.Scheduled},
		"CanceledLoses": {before: inWorkspace(func(ctx context.Context, tx *store.Tx, _ *storetest.World, p post.Post) error {
			_, err := tx.MovePost(ctx, p, post.Canceled, post.Scheduled)
			return err
		}), verdict: store.Lost, state: post.Canceled},
		"RevokedIsHeld": {before: inWorkspace(func(ctx context.Context, tx *store.Tx, _ *storetest.World, p post.Post) error {
			return tx.RevokeApproval(ctx, p, "test")
		}), verdict: store.Held, hold: post.HeldContentChanged, state: post.Scheduled},
		"AnotherVersionsApprovalIsHeld": {before: sql(`INSERT INTO versions (workspace_id, id, post_id, number, content, content_hash, note, actor_kind, actor_id, actor_name, created_at)
			SELECT workspace_id, gen_random_uuid(), post_id, 2, content, content_hash, note, actor_kind, actor_id, actor_name, created_at FROM versions;
			ALTER TABLE posts DISABLE TRIGGER USER;
			UPDATE posts SET version_id = (SELECT id FROM versions WHERE number = 2)`), verdict: store.Held, hold: post.HeldContentChanged, state: post.Scheduled},
		"PausedWorkspaceIsHeld": {before: inWorkspace(func(ctx context.Context, tx *store.Tx, w *storetest.World, _ post.Post) error {
			return tx.PauseWorkspace(ctx, w.Workspace, "test")
		}), verdict: store.Held, hold: post.HeldPausedWorkspace, state: post.Scheduled},
		"PausedNetworkIsHeld": {before: sql("UPDATE workspaces SET paused_networks = '{x}'"), verdict: store.Held, hold: post.HeldPausedNetwork, state: post.Scheduled},
		"PausedAccountIsHeld": {before: inWorkspace(func(ctx context.Context, tx *store.Tx, w *storetest.World, _ post.Post) error {
			_, err := tx.PauseAccount(ctx, w.Workspace, w.Account.ID, "test")
			return err
		}), verdict: store.Held, hold: post.HeldPausedAccount, state: post.Scheduled},
		"RevokedSignInIsHeld":    {before: sql("UPDATE accounts SET status = 'reauth_needed'"), verdict: store.Held, hold: post.HeldReauth, state: post.Scheduled},
		"RateLimitIsHeld":        {before: sql("UPDATE accounts SET limited_until = now() + interval '1 minute'"), verdict: store.Held, hold: post.HeldRateLimit, state: post.Scheduled},
		"PastRateLimitGoes":      {before: sql("UPDATE accounts SET limited_until = now() - interval '1 minute'"), verdict: store.Go, state: post.Sending},
		"RetryWaits":             {before: sql("UPDATE posts SET not_before = now() + interval '1 minute'"), verdict: store.Early, state: post.Scheduled},
		"LateWithinWindowWaits":  {dueIn: -time.Hour, verdict: store.Held, hold: post.HeldCatchingUp, state: post.Scheduled},
		"LateWithATurnGoes":      {dueIn: -time.Hour, before: sql("UPDATE posts SET paced_at = now()"), verdict: store.Go, state: post.Sending},
		"LateWithAnOldTurnWaits": {dueIn: -time.Hour, before: sql("UPDATE posts SET paced_at = now() - interval '5 minutes'"), verdict: store.Held, hold: post.HeldCatchingUp, state: post.Scheduled},
		"LateBeyondWindowIsHeld": {dueIn: -3 * time.Hour, verdict: store.Held, hold: post.HeldLate, state: post.Scheduled},
		"LateIsHeldByRule":       {dueIn: -time.Hour, before: sql("UPDATE accounts SET catch_up = 'hold'"), verdict: store.Held, hold: post.HeldLate, state: post.Scheduled},
		"LateIsDroppedByRule":    {dueIn: -time.Hour, before: sql("UPDATE accounts SET catch_up = 'drop'"), verdict: store.Missed, state: post.Missed},
		"ALittleLateGoesAnyway":  {dueIn: -time.Minute, before: sql("UPDATE accounts SET catch_up = 'drop'"), verdict: store.Go, state: post.Sending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := storetest.NewWorld(t)
			p := w.Scheduled(t, c.dueIn, "hello")
			if c.before != nil {
				c.before(t, w, p)
			}
			in := intent(p)
			if c.spoil != nil {
				c.spoil(&in)
			}
			j := begin(t, w, in)
			require.Equal(t, c.verdict, j.Verdict)
			require.Equal(t, c.hold, j.Hold)
			after := w.Post(t, p.ID)
			require.Equal(t, c.state, after.State)
			require.Equal(t, c.hold, after.Hold)
			if c.verdict == store.Go {
				require.Len(t, w.Attempts(t, p.ID), 1)
			} else {
				require.Empty(t, w.Attempts(t, p.ID))
			}
		})
	}
}

// begun leaves a thread of which one part is out and its sender goes on.
func begun(t *testing.T, w *storetest.World) (p post.Post, next store.Intent) {
	t.Helper()
	p = w.Scheduled(t, 0, "one", "two")
	first := intent(p)
	next = intent(p)
	next.Part, next.ReplyTo, next.Fence = 1, "100", begin(t, w, first).Fence
	require.NoError(t, settle(t, w, store.Settlement{AttemptID: first.AttemptID, To: post.AttemptAccepted, RemoteID: "100"}))
	return p, next
}

func backToScheduled(t *testing.T, w *storetest.World, p post.Post) {
	t.Helper()
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.BackToScheduled(ctx, store.Ref(p), store.Requeue{})
		return err
	}))
}

func TestTheNextPartOfAThreadGoesOnlyToItsSender(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p, next := begun(t, w)
	next.Fence++
	require.Equal(t, store.Lost, begin(t, w, next).Verdict, "another sender has begun since")
	next.Fence--
	backToScheduled(t, w, p)
	require.Equal(t, store.Lost, begin(t, w, next).Verdict, "the post was taken from it")
	require.Len(t, w.Attempts(t, p.ID), 1)
}

// Its sender read the post before the part went out.
func TestAPartThatIsOutIsNotBegunAgain(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p, next := begun(t, w)
	backToScheduled(t, w, p)
	require.Equal(t, store.Lost, begin(t, w, intent(p)).Verdict)
	next.Fence = 0
	require.Equal(t, store.Go, begin(t, w, next).Verdict, "the one that is left may go")
}

// Half of it is public already: its account's rule for late posts comes too late.
func TestAThreadThatWasBegunGoesOnHoweverLate(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{"drop", "hold", "send_within"} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := storetest.NewWorld(t)
			_, next := begun(t, w)
			_, err := connect(t, w, "").Exec(t.Context(), "UPDATE accounts SET catch_up = $1, catch_up_within_seconds = 60", rule)
			require.NoError(t, err)
			next.Grace = -time.Hour
			require.Equal(t, store.Go, begin(t, w, next).Verdict)
		})
	}
}

func TestOfManyIntentsAtOnceExactlyOneGoes(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Scheduled(t, 0, "hello")
	var wg sync.WaitGroup
	var goes atomic.Int32
	for range 12 {
		wg.Go(func() {
			j, err := tryBegin(t.Context(), w, intent(p))
			if err != nil {
				t.Error(err)
			}
			if j.Verdict == store.Go {
				goes.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, goes.Load())
}

func TestAskingAgainAfterALostCommitFindsTheFirstAsking(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	in := intent(w.Scheduled(t, 0, "hello"))
	first, second := begin(t, w, in), begin(t, w, in)
	require.Equal(t, store.Go, second.Verdict)
	require.Equal(t, first.Fence, second.Fence)
	require.Len(t, w.Attempts(t, in.PostID), 1)
	// Meanwhile it was taken for dead: its call would be one too many.
	require.NoError(t, settle(t, w, store.Settlement{AttemptID: in.AttemptID, To: post.AttemptUnknown}))
	require.Equal(t, store.Lost, begin(t, w, in).Verdict)
}

// A pause holds the workspace's row. The intent that asks meanwhile must wait
// for it and then see it: what was committed before the intent wins.
func TestAPauseThatCommitsWhileTheIntentWaitsIsSeen(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Scheduled(t, 0, "hello")
	conn := connect(t, w, "")
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "UPDATE workspaces SET paused_at = now(), pause_reason = 'test'")
	require.NoError(t, err)
	answer := make(chan store.Judgement, 1)
	go func() {
		j, err := tryBegin(t.Context(), w, intent(p))
		if err != nil {
			t.Error(err)
		}
		answer <- j
	}()
	watcher := connect(t, w, "")
	require.Eventually(t, func() bool {
		var waiting int
		err := watcher.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting)
		return err == nil && waiting > 0
	}, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, tx.Commit(t.Context()))
	require.Equal(t, store.Held, (<-answer).Verdict)
}

func TestAnEditAndAnIntentAtOnceDoNotBothWin(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	for range 15 {
		p := w.Scheduled(t, 0, "hello")
		var wg sync.WaitGroup
		var verdict store.Verdict
		var edit error
		wg.Go(func() {
			j, err := tryBegin(t.Context(), w, intent(p))
			if err != nil {
				t.Error(err)
			}
			verdict = j.Verdict
		})
		wg.Go(func() {
			edit = w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
				locked, err := tx.LockPost(ctx, w.Workspace, p.ID)
				if err != nil {
					return err
				}
				_, err = tx.AddVersion(ctx, locked, post.Text("edited"), "", w.Person)
				return err
			})
		})
		wg.Wait()
		if verdict == store.Go {
			require.Equal(t, apperr.Conflict, apperr.KindOf(edit))
			require.Equal(t, "hello", w.Post(t, p.ID).Version.Content.Parts[0].Text)
		} else {
			require.NoError(t, edit)
			require.Equal(t, store.Lost, verdict)
			require.Empty(t, w.Attempts(t, p.ID))
		}
	}
}

func TestASettledAttemptStaysAsItWasSettled(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	in := intent(w.Scheduled(t, 0, "hello"))
	begin(t, w, in)
	accepted := store.Settlement{AttemptID: in.AttemptID, To: post.AttemptAccepted, RemoteID: "100", RemoteURL: "u"}
	require.NoError(t, settle(t, w, accepted))
	require.NoError(t, settle(t, w, accepted), "saying it twice is no error")
	err := settle(t, w, store.Settlement{AttemptID: in.AttemptID, To: post.AttemptUnknown})
	require.Equal(t, "attempt_settled", apperr.As(err).Code)
}

func TestTwoAttemptsCannotOwnOneRemotePost(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	a, b := intent(w.Scheduled(t, 0, "one")), intent(w.Scheduled(t, 0, "two"))
	begin(t, w, a)
	begin(t, w, b)
	require.NoError(t, settle(t, w, store.Settlement{AttemptID: a.AttemptID, To: post.AttemptAccepted, RemoteID: "100"}))
	err := settle(t, w, store.Settlement{AttemptID: b.AttemptID, To: post.AttemptAccepted, RemoteID: "100"})
	require.Equal(t, "remote_id_taken", apperr.As(err).Code)
}

func dispatch(t *testing.T, w *storetest.World, lostBefore time.Time) []store.Due {
	t.Helper()
	var due []store.Due
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		plan, err := tx.PlanDispatch(ctx, 180*time.Second, 2*time.Minute, 100, lostBefore)
		if err != nil {
			return err
		}
		due, err = tx.DispatchPlanned(ctx, plan)
		return err
	}))
	return due
}

func TestAPostIsHandedOutOnceARevision(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	soon, later := w.Scheduled(t, time.Minute, "soon"), w.Scheduled(t, time.Hour, "later")
	due := dispatch(t, w, time.Time{})
	require.Len(t, due, 1)
	require.Equal(t, soon.ID, due[0].PostID)
	require.Equal(t, soon.Schedule.DueAt, due[0].SendAt)
	require.Empty(t, dispatch(t, w, time.Time{}), "three ticks hand out one message")

	_, err := connect(t, w, "").Exec(t.Context(), "UPDATE posts SET revision = revision + 1 WHERE id = $1", uuid.UUID(soon.ID))
	require.NoError(t, err)
	require.Len(t, dispatch(t, w, time.Time{}), 1, "a new revision is handed out anew")
	require.Len(t, dispatch(t, w, time.Now().Add(time.Second)), 1, "and again when the queues are known to be empty")
	require.Equal(t, post.Scheduled, w.Post(t, later.ID).State)
}

func TestWhatIsOverdueWithNobodyAtItIsHandedOutAgain(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Scheduled(t, -time.Minute, "hello")
	require.Len(t, dispatch(t, w, time.Time{}), 1)
	require.Empty(t, dispatch(t, w, time.Time{}), "not within 30 s of the last time")
	conn := connect(t, w, "")
	_, err := conn.Exec(t.Context(), "UPDATE posts SET dispatched_at = now() - interval '31 seconds'")
	require.NoError(t, err)
	require.Len(t, dispatch(t, w, time.Time{}), 1)
	_, err = conn.Exec(t.Context(), "UPDATE posts SET dispatched_at = now() - interval '31 seconds', hold_reason = 'late_needs_decision' WHERE id = $1", uuid.UUID(p.ID))
	require.NoError(t, err)
	require.Empty(t, dispatch(t, w, time.Time{}), "not while a person is to decide")
}

func TestWhatWaitsBehindItsWorkspacesOwnPostsIsNotHandedOutAgain(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	small := another(t, w)
	behind, lost := w.Scheduled(t, -40*time.Second, "behind"), small.Scheduled(t, -40*time.Second, "lost")
	require.Len(t, dispatch(t, w, time.Time{}), 2)
	conn := connect(t, w, "")
	exec := executor(t, conn)
	exec("UPDATE posts SET dispatched_at = now() - interval '31 seconds'")
	for range 5 {
		begin(t, w, intent(w.Scheduled(t, 0, "on its way")))
	}
	due := dispatch(t, w, time.Time{})
	require.Len(t, due, 1)
	require.Equal(t, lost.ID, due[0].PostID, "nobody's posts are before it")
	// It has had its turn in the drain, which is over.
	exec("UPDATE posts SET revision = revision + 1, dispatched_revision = revision + 1, due_at = date_trunc('second', now()) - interval '4 minutes', paced_at = now() - interval '1 minute' WHERE id = $1", uuid.UUID(behind.ID))
	due = dispatch(t, w, time.Time{})
	require.Len(t, due, 1)
	require.Equal(t, behind.ID, due[0].PostID, "not for longer than a minute")
}

func TestAHoldIsWrittenOnThePostAndTakenBack(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	p := w.Scheduled(t, time.Minute, "hello")
	update := func() {
		require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ExplainHolds(ctx, 180*time.Second, 2*time.Minute)
			return err
		}))
	}
	require.NoError(t, w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PauseAccount(ctx, w.Workspace, w.Account.ID, "test")
		return err
	}))
	update()
	require.Equal(t, post.HeldPausedAccount, w.Post(t, p.ID).Hold)
	require.Empty(t, dispatch(t, w, time.Time{}))
	require.NoError(t, w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ResumeAccount(ctx, w.Workspace, w.Account.ID)
		return err
	}))
	update()
	require.Empty(t, w.Post(t, p.ID).Hold)
	require.Len(t, dispatch(t, w, time.Time{}), 1)

	// Its message has come and found the account paused: once it runs again the
	// post does not wait for anything more.
	pause := func(sql string) {
		_, err := connect(t, w, "").Exec(t.Context(), sql)
		require.NoError(t, err)
		update()
	}
	pause("UPDATE accounts SET paused_at = now()")
	require.Empty(t, dispatch(t, w, time.Time{}))
	pause("UPDATE accounts SET paused_at = NULL")
	require.Len(t, dispatch(t, w, time.Time{}), 1)
}

func TestOneRefreshLaneAnAccount(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	across := func(fn func(context.Context, *store.Tx) error) { require.NoError(t, w.Worker.Across(t.Context(), fn)) }
	tokens := store.SealedTokens{Version: 1, Access: []byte("a"), Refresh: []byte("r"), ExpiresAt: time.Now().Add(time.Hour)}
	across(func(ctx context.Context, tx *store.Tx) error {
		return tx.PutTokens(ctx, w.Workspace, w.Account.ID, tokens)
	})
	lane := func(version int64, lease uuid.UUID) (mine bool) {
		across(func(ctx context.Context, tx *store.Tx) error {
			var err error
			mine, err = tx.LeaseRefresh(ctx, w.Workspace, w.Account.ID, version, lease, time.Minute)
			return err
		})
		return mine
	}
	first := uuid.New()
	require.True(t, lane(1, first))
	require.False(t, lane(1, uuid.New()), "the lane is taken")
	tokens.Access = []byte("a2")
	var won bool
	save := func(ctx context.Context, tx *store.Tx) error {
		var err error
		won, err = tx.SaveRefreshed(ctx, w.Workspace, w.Account.ID, 1, tokens)
		return err
	}
	across(save)
	require.True(t, won)
	across(save)
	require.False(t, won, "an older version never overwrites")
	require.False(t, lane(1, uuid.New()), "the version has moved")
	require.True(t, lane(2, uuid.New()))
}

func TestAnUnknownPostIsReadByOneAtATime(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	in := intent(w.Scheduled(t, 0, "hello"))
	begin(t, w, in)
	require.NoError(t, settle(t, w, store.Settlement{AttemptID: in.AttemptID, To: post.AttemptUnknown, Code: "timeout"}))
	ref := store.PostRef{WorkspaceID: w.Workspace, PostID: in.PostID, AccountID: w.Account.ID}
	claims := 0
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PostBecomesUnknown(ctx, ref, 0, "timeout", "")
		return err
	}))
	for range 3 {
		require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, mine, err := tx.ClaimReconcile(ctx, ref, 20*time.Second)
			if mine {
				claims++
			}
			return err
		}))
	}
	require.Equal(t, 1, claims)
}
