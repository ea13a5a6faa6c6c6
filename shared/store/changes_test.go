package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/audit"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

func event(w *storetest.World, action string) audit.Event {
	return audit.Event{Actor: w.Person, Action: action, SubjectKind: "post", SubjectID: uuid.New(), Detail: map[string]any{"n": 1.0}}
}

func changesAfter(t *testing.T, w *storetest.World, after store.ChangePosition, limit int) ([]string, store.ChangePosition) {
	t.Helper()
	var actions []string
	next := after
	require.NoError(t, w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
		changes, at, err := tx.ChangesAfter(ctx, w.Workspace, after, limit)
		next = at
		for _, c := range changes {
			actions = append(actions, c.Action)
		}
		return err
	}))
	return actions, next
}

func now(t *testing.T, w *storetest.World) store.ChangePosition {
	t.Helper()
	var at store.ChangePosition
	require.NoError(t, w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
		var err error
		at, err = tx.ChangesNow(ctx)
		return err
	}))
	return at
}

// awaitChanges reads until the feed has grown by n: transactions of other tests
// on the same server hold it back for a moment.
func awaitChanges(t *testing.T, w *storetest.World, after store.ChangePosition, n int) ([]string, store.ChangePosition) {
	t.Helper()
	var all []string
	require.Eventually(t, func() bool {
		var got []string
		got, after = changesAfter(t, w, after, 200)
		all = append(all, got...)
		return len(all) >= n
	}, 30*time.Second, 20*time.Millisecond)
	return all, after
}

func TestALateCommitIsNotSkippedByTheFeed(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	start := now(t, w)
	early, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- w.API.InWorkspace(context.WithoutCancel(t.Context()), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.Record(ctx, event(w, "late.commit")); err != nil {
				return err
			}
			close(early)
			<-release
			return nil
		})
	}()
	<-early
	require.NoError(t, w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
		return tx.Record(ctx, event(w, "early.commit"))
	}))
	got, next := changesAfter(t, w, start, 200)
	require.Empty(t, got, "what began after an open transaction waits for it")
	require.Equal(t, start, next)
	close(release)
	require.NoError(t, <-done)
	got, next = awaitChanges(t, w, start, 2)
	require.Equal(t, []string{"late.commit", "early.commit"}, got)
	got, _ = changesAfter(t, w, next, 200)
	require.Empty(t, got)
}

func TestTheFeedIsPagedInOrder(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	other, actor := w.AddWorkspace(t, "Other", "bo@example.com")
	start := now(t, w)
	want := []string{"a.one", "a.two", "b.one", "b.two", "c.one"}
	for _, pair := range [][]string{want[:2], want[2:4], want[4:]} {
		require.NoError(t, w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
			for _, action := range pair {
				if err := tx.Record(ctx, event(w, action)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	require.NoError(t, w.API.InWorkspace(t.Context(), other, func(ctx context.Context, tx *store.Tx) error {
		e := event(w, "not.ours")
		e.Actor = actor
		return tx.Record(ctx, e)
	}))
	awaitChanges(t, w, start, len(want))
	var got []string
	for at := start; ; {
		page, next := changesAfter(t, w, at, 2)
		if len(page) == 0 {
			break
		}
		require.LessOrEqual(t, len(page), 2)
		got, at = append(got, page...), next
	}
	require.Equal(t, want, got)
}

func TestEventsComeNewestFirst(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	e := event(w, "post.created")
	require.NoError(t, w.API.InWorkspace(t.Context(), w.Workspace, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.Record(ctx, e); err != nil {
			return err
		}
		second := e
		second.Action = "post.edited"
		if err := tx.Record(ctx, second); err != nil {
			return err
		}
		if err := tx.Record(ctx, event(w, "other.thing")); err != nil {
			return err
		}
		of, err := tx.EventsOf(ctx, w.Workspace, e.SubjectID)
		require.Len(t, of, 2)
		require.Equal(t, "post.edited", of[0].Action)
		require.Equal(t, map[string]any{"n": 1.0}, of[0].Detail)
		require.Equal(t, "Ada", of[0].Actor.Name)
		if err != nil {
			return err
		}
		all, err := tx.Events(ctx, w.Workspace, of[0].Sequence, 10)
		require.Len(t, all, 1, "only what is older than the place")
		require.Equal(t, "post.created", all[0].Action)
		return err
	}))
}
