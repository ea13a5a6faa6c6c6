// Package attaching takes images in for posts: a browser is given an address to
// upload to, what it put there is looked at and cleaned, and only then is it an
// image that a post can show. Files that nothing shows are swept.
//
// A file that was kept lies under its digest and is never written again: what
// an approver saw is what is sent.
package attaching

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/blob"
	"rostrum/shared/imagefile"
	"rostrum/shared/platform"
	"rostrum/shared/store"
)

const (
	// uploadLife is how long a browser may begin an upload.
	uploadLife = 10 * time.Minute
	// ViewLife is how long an address shows an image.
	ViewLife = 15 * time.Minute
	maxName  = 200
	// unfinished is how long an upload may lie before it is swept.
	unfinished = 24 * time.Hour
	// sweepPage is how many images one sweep takes at a time.
	sweepPage = 200
)

// Service takes images in. Files is nil where none are kept; then every method
// answers NotConfigured, but for Sweep, which has nothing to do.
type Service struct {
	Store  *store.Store
	Files  *blob.Bucket
	Logger *slog.Logger
}

// NotConfigured says that this installation keeps no files.
func NotConfigured() error {
	return apperr.New(apperr.Conflict, "no_media", "this Rostrum keeps no images").
		WithHint("Whoever runs it can name a place for them in BLOB_URL.")
}

// NewUpload is a file as its owner's machine announces it.
type NewUpload struct {
	Name, Type string
	Bytes      int64
}

// Begun is an upload that may begin.
type Begun struct {
	store.Media
	Upload blob.Upload
	// Until is when the address runs out.
	Until time.Time
}

// Begin allows one upload. Errors: Forbidden; Invalid with code
// unsupported_image or name_missing; TooLarge with code image_too_large;
// Conflict with code no_media.
func (s *Service) Begin(ctx context.Context, actor audit.Actor, n NewUpload) (Begun, error) {
	if err := s.allow(actor, auth.EditPosts); err != nil {
		return Begun{}, err
	}
	name := cleanName(n.Name)
	if name == "" {
		return Begun{}, apperr.New(apperr.Invalid, "name_missing", "the file has no name").WithField("name")
	}
	if !platform.TakesImage(n.Type) {
		return Begun{}, apperr.New(apperr.Invalid, "unsupported_image", "the file %s is not a JPEG, PNG, GIF or WebP image", name).
			WithHint("Save it as JPEG or PNG and add it again.").WithField("content_type")
	}
	if n.Bytes < 1 {
		return Begun{}, apperr.New(apperr.Invalid, "empty_file", "the file %s is empty", name).WithField("bytes")
	}
	if n.Bytes > platform.MaxImageBytes {
		return Begun{}, tooLarge(name, n.Bytes)
	}
	var begun Begun
	err := s.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		m, err := tx.AddMedia(ctx, actor, store.Media{Name: name, Type: n.Type, Bytes: n.Bytes})
		begun.Media = m
		return err
	})
	if err != nil {
		return Begun{}, fmt.Errorf("begin upload: %w", err)
	}
	begun.Until = begun.CreatedAt.Add(uploadLife)
	if begun.Upload, err = s.Files.UploadURL(ctx, blob.IncomingKey(actor.WorkspaceID, begun.ID), n.Type, n.Bytes, uploadLife); err != nil {
		return Begun{}, err
	}
	return begun, nil
}

func tooLarge(name string, size int64) error {
	return apperr.New(apperr.TooLarge, "image_too_large", "the file %s has %.1f MB; no network takes images of more than %.1f MB", name, float64(size)/1e6, float64(platform.MaxImageBytes)/1e6).
		WithHint("Make it smaller, or save it as JPEG, and add it again.").WithField("bytes")
}

// cleanName keeps the last part of a file's name, without what does not print.
func cleanName(name string) string {
	name = strings.ToValidUTF8(path.Base(strings.ReplaceAll(name, `\`, "/")), "")
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name))
	if name == "." || name == "/" {
		return ""
	}
	for utf8.RuneCountInString(name) > maxName {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	return name
}

// Complete looks at what was uploaded and makes it an image that posts can
// show. One that is ready already is returned as it is. A file that is none is
// removed together with its upload. Errors: Forbidden; NotFound; Conflict with
// code not_uploaded while there is no file; Invalid with the codes of
// imagefile.Clean, wrong_digest when announced is not what arrived, or
// animated_image; TooLarge with code image_too_large.
func (s *Service) Complete(ctx context.Context, actor audit.Actor, id uuid.UUID, announced string) (store.Media, error) {
	if err := s.allow(actor, auth.EditPosts); err != nil {
		return store.Media{}, err
	}
	m, err := s.load(ctx, actor, id)
	if err != nil || m.State == store.MediaReady {
		return m, err
	}
	image, err := s.inspect(ctx, actor, m, announced)
	if apperr.Is(err, apperr.Invalid) || apperr.Is(err, apperr.TooLarge) {
		return store.Media{}, s.refuse(ctx, actor, id, err)
	}
	if err != nil {
		return store.Media{}, err
	}
	m.Type, m.Bytes, m.Digest = string(image.Type), int64(len(image.Data)), blob.Digest(image.Data)
	m.Width, m.Height = image.Width, image.Height
	if err := s.Files.Write(ctx, blob.MediaKey(actor.WorkspaceID, id, m.Digest), m.Type, image.Data); err != nil {
		return store.Media{}, err
	}
	err = s.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		finished, err := tx.FinishMedia(ctx, actor.WorkspaceID, m)
		if err != nil || !finished {
			return err
		}
		return tx.Record(ctx, audit.Event{
			Actor: actor, Action: "media.added", SubjectKind: "media", SubjectID: id,
			Detail: map[string]any{"name": m.Name, "type": m.Type, "digest": m.Digest},
		})
	})
	if err != nil {
		return store.Media{}, fmt.Errorf("finish upload %s: %w", id, err)
	}
	// What stays of it if this fails is swept later.
	if err := s.Files.Delete(ctx, blob.IncomingKey(actor.WorkspaceID, id)); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "upload not removed", slog.String("media_id", id.String()), slog.String("error", err.Error()))
	}
	return s.load(ctx, actor, id)
}

func (s *Service) inspect(ctx context.Context, actor audit.Actor, m store.Media, announced string) (imagefile.Image, error) {
	raw, err := s.Files.Read(ctx, blob.IncomingKey(actor.WorkspaceID, m.ID), platform.MaxImageBytes)
	switch {
	case apperr.Is(err, apperr.NotFound):
		return imagefile.Image{}, apperr.New(apperr.Conflict, "not_uploaded", "the file %s has not arrived", m.Name).WithHint("Upload it, then say so again.")
	case apperr.Is(err, apperr.TooLarge):
		return imagefile.Image{}, tooLarge(m.Name, platform.MaxImageBytes+1)
	case err != nil:
		return imagefile.Image{}, err
	}
	if announced != "" && "sha256:"+strings.TrimPrefix(announced, "sha256:") != blob.Digest(raw) {
		return imagefile.Image{}, apperr.New(apperr.Invalid, "wrong_digest", "the file %s did not arrive as it was sent", m.Name).WithHint("Add it again.")
	}
	image, err := imagefile.Clean(raw)
	if err != nil {
		return imagefile.Image{}, err
	}
	if image.Animated {
		return imagefile.Image{}, apperr.New(apperr.Invalid, "animated_image", "the file %s is animated; only still images can be posted", m.Name).
			WithHint("Save one frame of it as PNG and add that.")
	}
	return image, nil
}

// refuse removes an upload that is none and returns why.
func (s *Service) refuse(ctx context.Context, actor audit.Actor, id uuid.UUID, why error) error {
	err := s.Files.Delete(ctx, blob.IncomingKey(actor.WorkspaceID, id))
	if err == nil {
		err = s.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
			return tx.RemoveMedia(ctx, actor.WorkspaceID, id)
		})
	}
	if err != nil && !apperr.Is(err, apperr.NotFound) {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "refused upload not removed", slog.String("media_id", id.String()), slog.String("error", err.Error()))
	}
	return why
}

// Get returns an image. Errors: Forbidden, NotFound, Conflict (no_media).
func (s *Service) Get(ctx context.Context, actor audit.Actor, id uuid.UUID) (store.Media, error) {
	if err := s.allow(actor, auth.ReadWorkspace); err != nil {
		return store.Media{}, err
	}
	return s.load(ctx, actor, id)
}

// List returns at most limit images, newest first, before an id. Errors as Get.
func (s *Service) List(ctx context.Context, actor audit.Actor, before *uuid.UUID, limit int) ([]store.Media, error) {
	if err := s.allow(actor, auth.ReadWorkspace); err != nil {
		return nil, err
	}
	var list []store.Media
	err := s.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		var err error
		list, err = tx.ListMedia(ctx, actor.WorkspaceID, before, limit)
		return err
	})
	return list, err
}

// Remove takes an image out of use; its file goes with the next sweep. Errors:
// as Get; Conflict with code media_in_use while a post shows it.
func (s *Service) Remove(ctx context.Context, actor audit.Actor, id uuid.UUID) error {
	if err := s.allow(actor, auth.EditPosts); err != nil {
		return err
	}
	return s.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.RemoveMedia(ctx, actor.WorkspaceID, id); err != nil {
			return err
		}
		return tx.Record(ctx, audit.Event{Actor: actor, Action: "media.removed", SubjectKind: "media", SubjectID: id})
	})
}

// View returns an address that shows a kept file for ViewLife. The digest is
// of an image of the actor's own workspace, read from there.
func (s *Service) View(ctx context.Context, actor audit.Actor, id uuid.UUID, digest string) (string, error) {
	if err := s.allow(actor, auth.ReadWorkspace); err != nil {
		return "", err
	}
	return s.Files.DownloadURL(ctx, blob.MediaKey(actor.WorkspaceID, id, digest), ViewLife)
}

// Sweep is the daily task: uploads that nobody finished and images that no post
// shows go, row and file. Errors: those of the store; a file that cannot be
// deleted now is tried again the next day.
func (s *Service) Sweep(ctx context.Context) error {
	if s.Files == nil {
		return nil
	}
	var now time.Time
	err := s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		now, err = tx.Now(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("sweep media: %w", err)
	}
	left, err := s.Files.Expire(ctx, blob.Incoming, now.Add(-unfinished))
	if err != nil {
		return fmt.Errorf("sweep uploads: %w", err)
	}
	marked, err := s.mark(ctx)
	if err != nil {
		return fmt.Errorf("sweep media: %w", err)
	}
	gone := 0
	for {
		n, more, err := s.sweepPage(ctx)
		gone += n
		if err != nil || !more {
			s.Logger.LogAttrs(ctx, slog.LevelInfo, "media swept", slog.Int("uploads", left), slog.Int("orphaned", marked), slog.Int("deleted", gone))
			return err
		}
	}
}

// mark takes orphans out of use, each in a transaction of its own.
func (s *Service) mark(ctx context.Context) (int, error) {
	var refs []store.MediaRef
	err := s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		refs, err = tx.OrphanedMedia(ctx, sweepPage)
		return err
	})
	if err != nil {
		return 0, err
	}
	marked := 0
	for _, ref := range refs {
		err := s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.RemoveMedia(ctx, ref.WorkspaceID, ref.ID) })
		switch {
		case err == nil:
			marked++
		case !apperr.Is(err, apperr.Conflict) && !apperr.Is(err, apperr.NotFound):
			return marked, err
		}
	}
	return marked, nil
}

// sweepPage deletes one page of what is out of use; more says that a full page
// went and another may follow.
func (s *Service) sweepPage(ctx context.Context) (gone int, more bool, err error) {
	var refs []store.MediaRef
	err = s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		refs, err = tx.RemovedMedia(ctx, sweepPage)
		return err
	})
	if err != nil {
		return 0, false, err
	}
	for _, ref := range refs {
		if ref.Digest != "" {
			if err := s.Files.Delete(ctx, blob.MediaKey(ref.WorkspaceID, ref.ID, ref.Digest)); err != nil {
				return gone, false, err
			}
		}
		err := s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteMedia(ctx, ref.WorkspaceID, ref.ID) })
		if err != nil {
			return gone, false, err
		}
		gone++
	}
	return gone, len(refs) == sweepPage, nil
}

func (s *Service) allow(actor audit.Actor, p auth.Permission) error {
	if err := auth.Require(actor, p); err != nil {
		return err
	}
	if s.Files == nil {
		return NotConfigured()
	}
	return nil
}

func (s *Service) load(ctx context.Context, actor audit.Actor, id uuid.UUID) (store.Media, error) {
	var m store.Media
	err := s.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		var err error
		m, err = tx.Media(ctx, actor.WorkspaceID, id)
		return err
	})
	return m, err
}
