package attaching_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/color/palette"
	"image/gif"
	"image/png"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/blob"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/workflow/attaching"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type bundle struct {
	*storetest.World
	api, worker *attaching.Service
	dir         string
	files       http.Handler
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{World: storetest.NewWorld(t), dir: t.TempDir()}
	s := blob.Settings{URL: "file://" + b.dir}
	bucket, err := blob.Open(t.Context(), s, "http://localhost"+blob.Path)
	require.NoError(t, err)
	t.Cleanup(bucket.Close)
	b.files, err = blob.Handler(t.Context(), s)
	require.NoError(t, err)
	logger := slog.New(slog.DiscardHandler)
	b.api = &attaching.Service{Store: b.API, Files: bucket, Logger: logger}
	b.worker = &attaching.Service{Store: b.Worker, Files: bucket, Logger: logger}
	return b
}

func (b *bundle) begin(t *testing.T, name string) attaching.Begun {
	t.Helper()
	begun, err := b.api.Begin(t.Context(), b.Person, attaching.NewUpload{Name: name, Type: "image/png", Bytes: 100})
	require.NoError(t, err)
	return begun
}

// put uploads as a browser does.
func (b *bundle) put(t *testing.T, up blob.Upload, file []byte) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), up.Method, up.URL, bytes.NewReader(file))
	for name, value := range up.Headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	b.files.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
}

func (b *bundle) ready(t *testing.T, name string) store.Media {
	t.Helper()
	begun := b.begin(t, name)
	b.put(t, begun.Upload, picture(t))
	m, err := b.api.Complete(t.Context(), b.Person, begun.ID, "")
	require.NoError(t, err)
	return m
}

// names are the files in the folder.
func (b *bundle) names(t *testing.T) []string {
	t.Helper()
	var out []string
	require.NoError(t, filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			out = append(out, strings.TrimPrefix(path, b.dir+"/"))
		}
		return err
	}))
	return out
}

func (b *bundle) conn(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.URL.Reveal())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func (b *bundle) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	_, err := b.conn(t).Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func picture(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, image.NewGray(image.Rect(0, 0, 40, 30))))
	return out.Bytes()
}

func moving(t *testing.T) []byte {
	t.Helper()
	frame := image.NewPaletted(image.Rect(0, 0, 4, 4), palette.Plan9)
	var out bytes.Buffer
	require.NoError(t, gif.EncodeAll(&out, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}}))
	return out.Bytes()
}

func codeOf(err error) string {
	if e := apperr.As(err); e != nil {
		return e.Code
	}
	return ""
}

func TestAnUploadBecomesAnImageOnceItWasLookedAt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	file := picture(t)
	sum := sha256.Sum256(file)
	begun := b.begin(t, `C:\Users\ada\harbour.png`)
	require.Equal(t, store.MediaUploading, begun.State)
	require.Equal(t, "harbour.png", begun.Name)

	_, err := b.api.Complete(t.Context(), b.Person, begun.ID, "")
	require.Equal(t, "not_uploaded", codeOf(err))

	b.put(t, begun.Upload, append(bytes.Clone(file), "behind its end"...))
	m, err := b.api.Complete(t.Context(), b.Person, begun.ID, "")
	require.NoError(t, err)
	require.Equal(t, store.MediaReady, m.State)
	require.Equal(t, [4]any{"image/png", int64(len(file)), 40, 30}, [4]any{m.Type, m.Bytes, m.Width, m.Height})
	require.Equal(t, "sha256:"+hex.EncodeToString(sum[:]), m.Digest, "of what is kept")
	require.Len(t, b.names(t), 1, "the upload itself is gone")

	// Whoever still holds the address changes nothing.
	b.put(t, begun.Upload, []byte("something else"))
	again, err := b.api.Complete(t.Context(), b.Person, begun.ID, "")
	require.NoError(t, err)
	require.Equal(t, m, again)
	kept, err := b.api.Files.Read(t.Context(), blob.MediaKey(b.Workspace, m.ID, m.Digest), 1<<20)
	require.NoError(t, err)
	require.Equal(t, file, kept)
}

func TestAFileThatIsNoImageIsRefusedAndRemoved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for code, tc := range map[string]struct {
		file      []byte
		announced string
	}{
		"not_an_image":    {file: []byte("<svg onload=alert(1)>")},
		"broken_image":    {file: picture(t)[:40]},
		"image_too_large": {file: make([]byte, 8<<20+1)},
		"animated_image":  {file: moving(t)},
		"wrong_digest":    {file: picture(t), announced: strings.Repeat("0", 64)},
	} {
		begun := b.begin(t, "a.png")
		b.put(t, begun.Upload, tc.file)
		_, err := b.api.Complete(t.Context(), b.Person, begun.ID, tc.announced)
		require.Equal(t, code, codeOf(err))
		_, err = b.api.Get(t.Context(), b.Person, begun.ID)
		require.Equal(t, apperr.NotFound, apperr.KindOf(err))
	}
	require.Empty(t, b.names(t))
}

func TestWhatCannotBePostedIsRefusedBeforeItIsUploaded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for code, n := range map[string]attaching.NewUpload{
		"unsupported_image": {Name: "a.svg", Type: "image/svg+xml", Bytes: 1},
		"image_too_large":   {Name: "a.png", Type: "image/png", Bytes: 8<<20 + 1},
		"empty_file":        {Name: "a.png", Type: "image/png"},
		"name_missing":      {Name: "\x00/", Type: "image/png", Bytes: 1},
	} {
		_, err := b.api.Begin(t.Context(), b.Person, n)
		require.Equal(t, code, codeOf(err))
	}
	analyst := b.Person
	analyst.Role = audit.Analyst
	_, err := b.api.Begin(t.Context(), analyst, attaching.NewUpload{Name: "a.png", Type: "image/png", Bytes: 1})
	require.Equal(t, apperr.Forbidden, apperr.KindOf(err))
	without := &attaching.Service{Store: b.API}
	_, err = without.List(t.Context(), b.Person, nil, 10)
	require.Equal(t, "no_media", codeOf(err))
}

func TestNoOtherWorkspaceReachesAnImage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, stranger := b.AddWorkspace(t, "Others", "bo@example.com")
	m, begun := b.ready(t, "ours.png"), b.begin(t, "coming.png")
	b.put(t, begun.Upload, picture(t))
	_, err := b.api.Get(t.Context(), stranger, m.ID)
	require.Equal(t, apperr.NotFound, apperr.KindOf(err))
	_, err = b.api.Complete(t.Context(), stranger, begun.ID, "")
	require.Equal(t, apperr.NotFound, apperr.KindOf(err))
	require.Equal(t, apperr.NotFound, apperr.KindOf(b.api.Remove(t.Context(), stranger, m.ID)))
	list, err := b.api.List(t.Context(), stranger, nil, 10)
	require.NoError(t, err)
	require.Empty(t, list)

	// Nor can it show it: neither by asking, nor past every check of ours.
	content := post.Text("theirs")
	content.Parts[0].Media = []post.Media{{ID: m.ID, Digest: m.Digest}}
	require.NoError(t, b.API.InWorkspace(t.Context(), stranger.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.FillMedia(ctx, stranger.WorkspaceID, content)
		require.Equal(t, "no_such_media", codeOf(err))
		return nil
	}))
	_, err = b.conn(t).Exec(t.Context(), `INSERT INTO version_media (workspace_id, version_id, media_id) VALUES ($1, $2, $3)`,
		stranger.WorkspaceID, uuid.New(), m.ID)
	require.ErrorContains(t, err, "foreign key")
}

func TestAnImageThatAPostShowsStays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shown, loose := b.ready(t, "shown.png"), b.ready(t, "loose.png")
	require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		content := post.Text("with an image")
		content.Parts[0].Media = []post.Media{{ID: shown.ID, Alt: "A harbour"}}
		content, err := tx.FillMedia(ctx, b.Workspace, content)
		if err != nil {
			return err
		}
		p, err := tx.InsertPost(ctx, store.NewPost{AccountID: b.Account.ID, Content: content, Actor: b.Person})
		require.Equal(t, content, p.Version.Content, "as it was stored it is read")
		return err
	}))
	require.Equal(t, "media_in_use", codeOf(b.api.Remove(t.Context(), b.Person, shown.ID)))
	require.NoError(t, b.api.Remove(t.Context(), b.Person, loose.ID))
	list, err := b.api.List(t.Context(), b.Person, nil, 10)
	require.NoError(t, err)
	require.Equal(t, []store.Media{shown}, list)
}

func TestTheSweepTakesWhatNobodyShows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	removed, loose, young := b.ready(t, "removed.png"), b.ready(t, "loose.png"), b.ready(t, "young.png")
	begun, fresh := b.begin(t, "left.png"), b.begin(t, "fresh.png")
	for _, begun := range []attaching.Begun{begun, fresh} {
		b.put(t, begun.Upload, picture(t))
	}
	old := filepath.Join(b.dir, blob.IncomingKey(b.Workspace, begun.ID))
	stat, err := os.Stat(old)
	require.NoError(t, err)
	yesterday := stat.ModTime().AddDate(0, 0, -2)
	require.NoError(t, os.Chtimes(old, yesterday, yesterday))
	require.NoError(t, b.api.Remove(t.Context(), b.Person, removed.ID))
	b.exec(t, `UPDATE media SET created_at = created_at - interval '25 hours' WHERE id = $1`, begun.ID)
	b.exec(t, `UPDATE media SET ready_at = ready_at - interval '8 days' WHERE id = $1`, loose.ID)

	require.NoError(t, b.worker.Sweep(t.Context()))
	require.ElementsMatch(t, []string{
		blob.IncomingKey(b.Workspace, fresh.ID), blob.MediaKey(b.Workspace, young.ID, young.Digest),
	}, b.names(t))
	var rows int
	require.NoError(t, b.conn(t).QueryRow(t.Context(), `SELECT count(*) FROM media`).Scan(&rows))
	require.Equal(t, 2, rows)
	require.NoError(t, b.worker.Sweep(t.Context()), "a sweep that finds nothing")
	require.NoError(t, (&attaching.Service{}).Sweep(t.Context()), "nor does one without files have to do")
}
