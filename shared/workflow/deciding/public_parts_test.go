package deciding_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/outbox"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/workflow/deciding"
)

// The first part of a thread is out, the second waits for the network: from here
// on an edit may only touch what nobody has seen.
func TestAPartThatIsPublicCannotBeEdited(t *testing.T) {
	t.Parallel()
	w := storetest.NewAuditedWorld(t)
	service := &deciding.Service{Relay: &outbox.Relay{Store: w.API, Sender: &recorder{}, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)}}
	p := w.Scheduled(t, 0, "one", "two")
	attempt := uuid.Must(uuid.NewV7())
	require.NoError(t, w.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		j, err := storetest.Begin(ctx, tx, store.Intent{
			WorkspaceID: w.Workspace, PostID: p.ID, AccountID: p.AccountID, Revision: p.Revision, AttemptID: attempt,
			Hash: p.Version.Content.Hash(p.AccountID), Fingerprint: "f", Lease: time.Minute, Grace: time.Hour,
		})
		require.Equal(t, store.Go, j.Verdict)
		if err != nil {
			return err
		}
		if err := tx.SettleAttempt(ctx, w.Workspace, store.Settlement{AttemptID: attempt, To: post.AttemptAccepted, RemoteID: "1"}); err != nil {
			return err
		}
		_, err = tx.BackToScheduled(ctx, store.Ref(p), store.Requeue{Wait: time.Minute, Hold: post.HeldRateLimit})
		return err
	}))
	edit := func(texts ...string) error {
		_, err := service.Edit(t.Context(), w.Person, deciding.Target{PostID: p.ID}, post.Text(texts...), "")
		return err
	}
	for _, texts := range [][]string{{"other", "two"}, {"two"}, {"zero", "one", "two"}} {
		err := edit(texts...)
		require.Equal(t, apperr.Conflict, apperr.KindOf(err), texts)
		require.Equal(t, "part_public", apperr.As(err).Code)
	}
	require.NoError(t, edit("one", "two, said better", "three"))
	require.Equal(t, post.Draft, w.Post(t, p.ID).State)
}
