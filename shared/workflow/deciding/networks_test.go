package deciding_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/blob"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/workflow/deciding"
)

// onInstagram moves the bundle to an account there.
func onInstagram(t *testing.T) *bundle {
	t.Helper()
	b := setup(t)
	require.NoError(t, b.service.Relay.Store.InWorkspace(t.Context(), b.actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		var err error
		b.account, err = tx.ConnectAccount(ctx, b.actor.WorkspaceID, account.ID(uuid.Must(uuid.NewV7())), account.Instagram,
			store.Identity{RemoteID: "18", Handle: "harbour", Name: "Harbour"}, "Europe/Berlin")
		return err
	}))
	return b
}

// image is one that was uploaded, of that type and size.
func (b *bundle) image(t *testing.T, kind string, bytes int64, width, height int) post.Media {
	t.Helper()
	m := store.Media{Name: "a", Type: kind, Bytes: bytes, Digest: blob.Digest([]byte(uuid.NewString())), Width: width, Height: height}
	require.NoError(t, b.service.Relay.Store.InWorkspace(t.Context(), b.actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		added, err := tx.AddMedia(ctx, b.actor, m)
		if err != nil {
			return err
		}
		m.ID = added.ID
		_, err = tx.FinishMedia(ctx, b.actor.WorkspaceID, m)
		return err
	}))
	return post.Media{ID: m.ID}
}

func captioned(media ...post.Media) post.Content {
	return post.Content{Parts: []post.Part{{Text: "A caption", Media: media}}}
}

func TestACaptionMayWaitForItsImageButNotBeApprovedWithoutOne(t *testing.T) {
	t.Parallel()
	b := onInstagram(t)
	p := b.awaiting(t, "A caption")
	_, err := b.service.Approve(t.Context(), b.actor, seen(p))
	requireCode(t, err, apperr.Invalid, "image_required")
	require.Equal(t, "Instagram takes no post without an image. Add one first.", apperr.As(err).Message)
	p, err = b.service.Edit(t.Context(), b.actor, deciding.Target{PostID: p.ID}, captioned(b.image(t, "image/jpeg", 1000, 1080, 1350)), "")
	require.NoError(t, err)
	_, err = b.service.Submit(t.Context(), b.actor, deciding.Target{PostID: p.ID})
	require.NoError(t, err)
	p = b.move(t, p, post.AwaitingApproval, post.InReview)
	made, err := b.service.Approve(t.Context(), b.actor, seen(p))
	require.NoError(t, err)
	require.Equal(t, post.Approved, made.State)
}

func TestImagesThatTheNetworkRefusesAreRefusedWhenTheyAreWritten(t *testing.T) {
	t.Parallel()
	b := onInstagram(t)
	for code, m := range map[string]post.Media{
		"image_type":      b.image(t, "image/png", 1000, 1080, 1080),
		"image_too_large": b.image(t, "image/jpeg", 8<<20+1, 1080, 1080),
		"image_aspect":    b.image(t, "image/jpeg", 1000, 3000, 1000),
	} {
		_, err := b.service.Create(t.Context(), b.actor, deciding.NewPost{AccountID: b.account.ID, Content: captioned(m)})
		requireCode(t, err, apperr.Invalid, code)
	}
}
