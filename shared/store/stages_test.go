package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

// inStages runs fn as the worker; it returns what is staged for the first part
// afterwards.
func inStages(t *testing.T, w *storetest.World, p post.Post, fn func(context.Context, *store.Tx) error) store.Stage {
	t.Helper()
	var have store.Stage
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		all, err := tx.Stages(ctx, p.WorkspaceID, p.ID)
		have = all[0]
		return err
	}))
	return have
}

func TestWhatAnAttemptWasBegunWithMakesRoomOnlyForOneWhoKnows(t *testing.T) {
	t.Parallel()
	replacements := map[string]func(context.Context, *store.Tx, store.PostRef, store.Stage) (bool, error){
		"Save": func(ctx context.Context, tx *store.Tx, r store.PostRef, was store.Stage) (bool, error) {
			return tx.SaveStage(ctx, r, was, store.Stage{Hash: "h", RemoteID: "second", Tries: 2}, time.Hour)
		},
		"Drop": func(ctx context.Context, tx *store.Tx, r store.PostRef, was store.Stage) (bool, error) {
			return tx.DropStage(ctx, r, was)
		},
	}
	for name, replace := range replacements {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := storetest.NewWorld(t)
			p := w.Scheduled(t, 0, "hello")
			before := inStages(t, w, p, func(ctx context.Context, tx *store.Tx) error {
				kept, err := tx.SaveStage(ctx, store.Ref(p), store.Stage{}, store.Stage{Hash: "h", RemoteID: "first", Tries: 1}, time.Hour)
				require.True(t, kept)
				return err
			})
			require.False(t, before.Attempted)
			in := intent(p)
			in.StagedID = before.RemoteID
			require.Equal(t, store.Go, begin(t, w, in).Verdict)

			try := func(was store.Stage, want bool) store.Stage {
				return inStages(t, w, p, func(ctx context.Context, tx *store.Tx) error {
					done, err := replace(ctx, tx, store.Ref(p), was)
					require.Equal(t, want, done)
					return err
				})
			}
			known := try(before, false)
			require.Equal(t, "first", known.RemoteID)
			require.True(t, known.Attempted)
			other := known
			other.RemoteID = "another"
			require.Equal(t, "first", try(other, false).RemoteID)
			require.NotEqual(t, "first", try(known, true).RemoteID)
		})
	}
}
