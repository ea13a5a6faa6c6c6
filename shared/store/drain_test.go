package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/throttle"
)

func drain(t *testing.T, w *storetest.World, limit int) []store.Due {
	t.Helper()
	var turns []store.Due
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		turns, err = tx.Drain(ctx, 2*time.Minute, 3*time.Minute, limit)
		return err
	}))
	return turns
}

// One workspace has hundreds of late posts, all due long before the other's one.
func TestATenantsOneLatePostIsAmongTheFirstTurnsBesideABacklogOfHundreds(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	var flood []post.Post
	for i := range 200 {
		flood = append(flood, w.Scheduled(t, -time.Hour+time.Duration(i)*time.Second, "flood"))
	}
	other := *w
	other.Workspace, other.Person = w.AddWorkspace(t, "Other", "other@example.com")
	other.Account = w.AddAccount(t, other.Workspace, "other")
	one := other.Scheduled(t, -10*time.Minute, "one")

	turns := drain(t, w, 100)
	first := map[post.ID]int{}
	for i, turn := range turns {
		first[turn.PostID] = i
	}
	require.Contains(t, first, one.ID)
	require.Less(t, first[one.ID], 2, "the first of each workspace goes before anybody's second")
	require.Less(t, turns[first[one.ID]].SendAt.Sub(turns[0].SendAt), throttle.DefaultGap)
	var mine []post.ID
	for _, turn := range turns {
		if turn.WorkspaceID == w.Workspace {
			mine = append(mine, turn.PostID)
		}
	}
	require.NotEmpty(t, mine)
	for i, id := range mine {
		require.Equal(t, flood[i].ID, id, "within a workspace the oldest due goes first")
	}
}

func TestAPostThatIsBeingCancelledWhileTurnsAreGivenGetsNone(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	leaving, staying := w.Scheduled(t, -time.Hour, "leaving"), w.Scheduled(t, -30*time.Minute, "staying")
	tx, err := connect(t, w, "").Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "UPDATE posts SET state = 'canceled' WHERE id = $1", leaving.ID)
	require.NoError(t, err)
	// The plan sees it scheduled still; the lock does not get it.
	turns := drain(t, w, 100)
	require.NoError(t, tx.Commit(t.Context()))
	require.Len(t, turns, 1)
	require.Equal(t, staying.ID, turns[0].PostID)
	require.Empty(t, drain(t, w, 100))
	require.Nil(t, w.Post(t, leaving.ID).NotBefore)
}
