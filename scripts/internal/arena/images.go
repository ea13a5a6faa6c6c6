package arena

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"

	"rostrum/shared/blob"
	"rostrum/shared/post"
	"rostrum/shared/store"
)

// imageSide is that of the square images here, in pixels.
const imageSide = 32

// keepFiles opens the folder of images and serves it as the api function does,
// so that a network that fetches images can.
func (a *Arena) keepFiles(ctx context.Context) error {
	dir, err := os.MkdirTemp(a.options.Dir, "files-*")
	if err != nil {
		return fmt.Errorf("make the folder of images: %w", err)
	}
	a.filesURL = "file://" + dir
	settings := blob.Settings{URL: a.filesURL}
	handler, err := blob.Handler(ctx, settings)
	if err != nil {
		return err
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.FilesDown.Load() {
			http.NotFound(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	a.webURL = web.URL
	a.closers = append(a.closers, web.Close)
	if a.files, err = blob.Open(ctx, settings, web.URL+blob.Path); err != nil {
		return err
	}
	a.closers = append(a.closers, a.files.Close)
	return nil
}

// picture stores an image that no other post shows.
func (a *Arena) picture(ctx context.Context, tx *store.Tx, acc *Account) (post.Media, error) {
	n := a.pictures.Add(1)
	drawn := image.NewRGBA(image.Rect(0, 0, imageSide, imageSide))
	for i := range 24 {
		// A square of eight pixels survives the encoding.
		if n>>i&1 == 1 {
			for y := range 8 {
				for x := range 4 {
					drawn.Set(i%8*4+x, i/8*8+y, color.White)
				}
			}
		}
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, drawn, &jpeg.Options{Quality: 95}); err != nil {
		return post.Media{}, fmt.Errorf("draw an image: %w", err)
	}
	m := store.Media{
		Name: "drawn.jpg", Type: "image/jpeg", Bytes: int64(file.Len()), Digest: blob.Digest(file.Bytes()), Width: imageSide, Height: imageSide,
	}
	added, err := tx.AddMedia(ctx, acc.Workspace.Person, m)
	if err != nil {
		return post.Media{}, err
	}
	m.ID = added.ID
	if _, err := tx.FinishMedia(ctx, acc.Workspace.ID, m); err != nil {
		return post.Media{}, err
	}
	if err := a.files.Write(ctx, blob.MediaKey(acc.Workspace.ID, m.ID, m.Digest), m.Type, file.Bytes()); err != nil {
		return post.Media{}, err
	}
	return post.Media{ID: m.ID, Digest: m.Digest, Alt: fmt.Sprintf("Drawing %d", n), Type: m.Type, Bytes: m.Bytes, Width: m.Width, Height: m.Height}, nil
}
