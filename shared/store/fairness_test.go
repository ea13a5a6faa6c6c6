package store_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

// another makes the world's factories work in a second workspace.
func another(t *testing.T, w *storetest.World) *storetest.World {
	t.Helper()
	other := *w
	other.Workspace, other.Person = w.AddWorkspace(t, "Small", "small@example.com")
	other.Account = w.AddAccount(t, other.Workspace, "small")
	return &other
}

func plan(t *testing.T, w *storetest.World, limit int) []store.Planned {
	t.Helper()
	var out []store.Planned
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		out, err = tx.PlanDispatch(ctx, 180*time.Second, 2*time.Minute, limit, time.Time{})
		return err
	}))
	return out
}

func TestWhoHasMuchDueLetsOthersPass(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	small := another(t, w)
	for range 5 {
		w.Scheduled(t, -2*time.Second, "flood")
	}
	first, second := small.Scheduled(t, 0, "one"), small.Scheduled(t, time.Second, "two")
	soon := small.Scheduled(t, time.Minute, "in a minute")
	got := plan(t, w, 6)
	require.Len(t, got, 6)
	require.Equal(t, first.ID, got[1].PostID)
	require.Equal(t, second.ID, got[3].PostID)
	require.False(t, slices.ContainsFunc(got, func(p store.Planned) bool { return p.PostID == soon.ID }), "what can wait comes last")
	require.Equal(t, soon.ID, plan(t, w, 100)[7].PostID)
}

func TestWhatChangedSinceThePlanIsNotHandedOut(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	edited, stays := w.Scheduled(t, time.Second, "edited"), w.Scheduled(t, 2*time.Second, "stays")
	handOut := func(plan []store.Planned) (due []store.Due) {
		require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var err error
			due, err = tx.DispatchPlanned(ctx, plan)
			return err
		}))
		return due
	}
	old := plan(t, w, 100)
	require.Len(t, dispatch(t, w, time.Time{}), 2)
	require.Empty(t, handOut(old), "another tick was faster")

	conn := connect(t, w, "")
	_, err := conn.Exec(t.Context(), "UPDATE posts SET dispatched_revision = NULL")
	require.NoError(t, err)
	old = plan(t, w, 100)
	_, err = conn.Exec(t.Context(), "UPDATE posts SET revision = revision + 1 WHERE id = $1", uuid.UUID(edited.ID))
	require.NoError(t, err)
	due := handOut(old)
	require.Len(t, due, 1)
	require.Equal(t, stays.ID, due[0].PostID)
}

func TestUnsentMessagesAreTakenInTurn(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	small := another(t, w)
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, workspace := range []uuid.UUID{w.Workspace, w.Workspace, w.Workspace, small.Workspace} {
			if err := tx.Enqueue(ctx, store.OutboxRow{WorkspaceID: workspace, Queue: "publish", Body: json.RawMessage(`{}`), DeliverAt: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		rows, err := tx.Unsent(ctx, 0, 2)
		require.Len(t, rows, 2)
		require.ElementsMatch(t, []uuid.UUID{w.Workspace, small.Workspace}, []uuid.UUID{rows[0].WorkspaceID, rows[1].WorkspaceID})
		return err
	}))
}
