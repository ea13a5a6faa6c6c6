package publishing_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/blob"
	"rostrum/shared/post"
	"rostrum/shared/simulator/fault"
	"rostrum/shared/store"
)

// withFiles gives the bench a place for images.
func withFiles(t *testing.T) *bench {
	t.Helper()
	b := setup(t)
	files, err := blob.Open(t.Context(), blob.Settings{URL: "file://" + t.TempDir()}, "")
	require.NoError(t, err)
	t.Cleanup(files.Close)
	b.service.Files = files
	return b
}

// keep stores an image as a person's upload leaves it.
func (b *bench) keep(t *testing.T, shade uint8) post.Media {
	t.Helper()
	drawn := image.NewGray(image.Rect(0, 0, 4, 3))
	drawn.Pix[0] = shade
	var file bytes.Buffer
	require.NoError(t, png.Encode(&file, drawn))
	m := store.Media{Name: "a.png", Type: "image/png", Bytes: int64(file.Len()), Digest: blob.Digest(file.Bytes()), Width: 4, Height: 3}
	require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		added, err := tx.AddMedia(ctx, b.Person, m)
		if err != nil {
			return err
		}
		m.ID = added.ID
		_, err = tx.FinishMedia(ctx, b.Workspace, m)
		return err
	}))
	require.NoError(t, b.service.Files.Write(t.Context(), blob.MediaKey(b.Workspace, m.ID, m.Digest), m.Type, file.Bytes()))
	return post.Media{ID: m.ID, Digest: m.Digest, Alt: "A harbour", Type: m.Type, Bytes: m.Bytes, Width: 4, Height: 3}
}

// illustrated is a scheduled post whose parts show these images.
func (b *bench) illustrated(t *testing.T, media ...[]post.Media) post.Post {
	t.Helper()
	return b.illustratedIn(t, 0, media...)
}

// illustratedIn is one that is due after some time.
func (b *bench) illustratedIn(t *testing.T, in time.Duration, media ...[]post.Media) post.Post {
	t.Helper()
	content := post.Content{Parts: make([]post.Part, len(media))}
	for i, m := range media {
		content.Parts[i] = post.Part{Text: "part " + string(rune('a'+i)), Media: m}
	}
	var p post.Post
	require.NoError(t, b.Owner.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		if p, err = tx.InsertPost(ctx, store.NewPost{AccountID: b.Account.ID, Content: content, Actor: b.Person}); err != nil {
			return err
		}
		if p, err = tx.MovePost(ctx, p, post.InReview, post.Draft); err != nil {
			return err
		}
		if p, err = tx.MovePost(ctx, p, post.AwaitingApproval, post.InReview); err != nil {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		due := now.Add(in).Truncate(time.Second)
		if p, err = tx.SetSchedule(ctx, p, &post.Schedule{DueAt: due, Local: due.Format("2006-01-02T15:04:05"), Zone: "UTC"}, post.AwaitingApproval); err != nil {
			return err
		}
		if p, err = tx.Approve(ctx, p, b.Person); err != nil {
			return err
		}
		p, err = tx.MovePost(ctx, p, post.Scheduled, post.AwaitingApproval)
		return err
	}))
	return p
}

func uploads() fault.Match { return fault.Match{Method: http.MethodPost, Path: "/2/media/upload"} }

func TestTheAudienceSeesTheApprovedImagesWithTheirAltTexts(t *testing.T) {
	t.Parallel()
	b := withFiles(t)
	one, two := b.keep(t, 1), b.keep(t, 2)
	two.Alt = ""
	p := b.illustrated(t, []post.Media{one, two}, nil, []post.Media{two})
	b.send(t, p)
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
	seen := b.audience()
	require.Len(t, seen, 3)
	require.Len(t, seen[0].Media, 2)
	require.Equal(t, [2]string{one.Digest, "A harbour"}, [2]string{seen[0].Media[0].Digest, seen[0].Media[0].Alt})
	require.Equal(t, [2]string{two.Digest, ""}, [2]string{seen[0].Media[1].Digest, seen[0].Media[1].Alt})
	require.Empty(t, seen[1].Media)
	require.Len(t, seen[2].Media, 1)
}

func TestAFailedUploadLeavesNothingUnknownAndIsRepeated(t *testing.T) {
	t.Parallel()
	for _, preset := range []string{"server_error", "accepted_reset", "accepted_server_error", "reset", "rate_limited"} {
		t.Run(preset, func(t *testing.T) {
			t.Parallel()
			b := withFiles(t)
			p := b.illustrated(t, []post.Media{b.keep(t, 1), b.keep(t, 2)})
			b.fault(t, fault.Rule{Preset: preset, Match: uploads(), Times: 1})
			b.send(t, p)
			held := b.Post(t, p.ID)
			require.Equal(t, post.Scheduled, held.State)
			require.NotEmpty(t, held.Hold)
			require.Empty(t, b.audience())
			require.Empty(t, b.Attempts(t, p.ID), "nothing was begun that the audience could see")

			b.exec(t, "UPDATE accounts SET limited_until = NULL")
			b.send(t, b.retryNow(t, held))
			require.Equal(t, post.Published, b.Post(t, p.ID).State)
			require.Len(t, b.audience()[0].Media, 2)
		})
	}
}

func TestARepeatUsesWhatWasUploadedWhileItLives(t *testing.T) {
	t.Parallel()
	b := withFiles(t)
	p := b.illustrated(t, []post.Media{b.keep(t, 1)})
	b.fault(t, fault.Rule{Preset: "rate_limited", Times: 1})
	b.send(t, p)
	var first string
	require.NoError(t, b.conn.QueryRow(t.Context(), "SELECT remote_id FROM network_media").Scan(&first))
	b.exec(t, "UPDATE accounts SET limited_until = NULL")
	b.send(t, b.retryNow(t, p))
	require.Equal(t, first, b.audience()[0].Media[0].ID)
}

func TestAnImageThatTheNetworkForgotIsUploadedAnew(t *testing.T) {
	t.Parallel()
	b := withFiles(t)
	p := b.illustrated(t, []post.Media{b.keep(t, 1)})
	b.fault(t, fault.Rule{Preset: "rate_limited", Times: 1})
	b.send(t, p)
	require.NoError(t, b.net.ExpireMedia("acme"))
	for range 2 {
		b.exec(t, "UPDATE accounts SET limited_until = NULL")
		b.send(t, b.retryNow(t, p))
	}
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
	require.Len(t, b.audience(), 1)
	require.Len(t, b.audience()[0].Media, 1)
}

func TestAFileThatIsNotWhatWasApprovedNeverLeaves(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(context.Context, *blob.Bucket, string) error
		code  string
	}{
		"Changed": {func(ctx context.Context, f *blob.Bucket, key string) error {
			return f.Write(ctx, key, "image/png", []byte("else"))
		}, "media_changed"},
		"Gone": {func(ctx context.Context, f *blob.Bucket, key string) error { return f.Delete(ctx, key) }, "media_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := withFiles(t)
			m := b.keep(t, 1)
			p := b.illustrated(t, []post.Media{m})
			require.NoError(t, tc.spoil(t.Context(), b.service.Files, blob.MediaKey(b.Workspace, m.ID, m.Digest)))
			b.send(t, p)
			after := b.Post(t, p.ID)
			require.Equal(t, post.Failed, after.State)
			require.Equal(t, tc.code, after.FailureCode)
			require.Empty(t, b.audience())
		})
	}
}

func TestAnUnclearPostWithImagesIsFoundByItsWords(t *testing.T) {
	t.Parallel()
	b := withFiles(t)
	p := b.illustrated(t, []post.Media{b.keep(t, 1)})
	b.fault(t, fault.Rule{Preset: "accepted_reset", Times: 1})
	b.send(t, p)
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
	b.look(t, p)
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
	require.Len(t, b.audience(), 1)
}
