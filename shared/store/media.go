package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/post"
	"rostrum/shared/store/internal/dbsqlc"
)

// MediaState is where an image stands.
type MediaState string

// The states. Only a ready image can be shown by a version.
const (
	MediaUploading MediaState = "uploading"
	MediaReady     MediaState = "ready"
)

// Media is an image of a workspace.
type Media struct {
	ID    uuid.UUID
	State MediaState
	// Name is what its owner's machine calls it; for people only.
	Name string
	// Type, Bytes, Digest, Width and Height are those of the kept file once it
	// is ready; before, Type and Bytes are what was announced.
	Type          string
	Bytes         int64
	Digest        string
	Width, Height int
	AddedBy       string
	CreatedAt     time.Time
}

// AddMedia records an upload that may begin.
func (tx *Tx) AddMedia(ctx context.Context, actor audit.Actor, m Media) (Media, error) {
	m.ID = newID()
	err := tx.q.InsertMedia(ctx, dbsqlc.InsertMediaParams{
		WorkspaceID: actor.WorkspaceID, ID: m.ID, Name: m.Name, Type: m.Type, Bytes: m.Bytes,
		ActorKind: string(actor.Kind), ActorID: actor.ID, ActorName: actor.Name,
	})
	if err != nil {
		return Media{}, fmt.Errorf("add media: %w", classify(err))
	}
	return tx.Media(ctx, actor.WorkspaceID, m.ID)
}

// Media returns an image. Errors: NotFound, Unavailable.
func (tx *Tx) Media(ctx context.Context, workspace, id uuid.UUID) (Media, error) {
	row, err := tx.q.MediaByID(ctx, dbsqlc.MediaByIDParams{WorkspaceID: workspace, ID: id})
	if err != nil {
		return Media{}, fmt.Errorf("load media %s: %w", id, noMedia(err))
	}
	return toMedia(row), nil
}

// FinishMedia makes an upload a ready image. It reports false when that has
// been done already or the image was removed.
func (tx *Tx) FinishMedia(ctx context.Context, workspace uuid.UUID, m Media) (bool, error) {
	n, err := tx.q.FinishMedia(ctx, dbsqlc.FinishMediaParams{
		WorkspaceID: workspace, ID: m.ID, Type: m.Type, Bytes: m.Bytes, Digest: m.Digest, Width: int32(m.Width), Height: int32(m.Height),
	})
	if err != nil {
		return false, fmt.Errorf("finish media %s: %w", m.ID, classify(err))
	}
	return n == 1, nil
}

// ListMedia returns ready images, newest first, before an id (nil: from the newest).
func (tx *Tx) ListMedia(ctx context.Context, workspace uuid.UUID, before *uuid.UUID, limit int) ([]Media, error) {
	rows, err := tx.q.ListMedia(ctx, dbsqlc.ListMediaParams{WorkspaceID: workspace, Before: before, MaxRows: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list media: %w", classify(err))
	}
	out := make([]Media, len(rows))
	for i, r := range rows {
		out[i] = toMedia(r)
	}
	return out, nil
}

// FillMedia completes the images of a content, which name only ids and alt
// texts, from what is stored, and keeps them from being removed until the
// transaction ends. Errors: NotFound (code no_such_media), Invalid
// (media_not_ready).
func (tx *Tx) FillMedia(ctx context.Context, workspace uuid.UUID, c post.Content) (post.Content, error) {
	stored, err := tx.holdMedia(ctx, workspace, c)
	if err != nil {
		return post.Content{}, err
	}
	out := post.Content{Parts: make([]post.Part, len(c.Parts))}
	for i, p := range c.Parts {
		out.Parts[i].Text = p.Text
		for _, m := range p.Media {
			s := stored[m.ID]
			out.Parts[i].Media = append(out.Parts[i].Media, post.Media{
				ID: m.ID, Digest: s.Digest, Alt: m.Alt, Type: s.Type, Bytes: s.Bytes, Width: s.Width, Height: s.Height,
			})
		}
	}
	return out, nil
}

// holdMedia locks the images that a content names. Every one of them is there
// and ready when it returns no error.
func (tx *Tx) holdMedia(ctx context.Context, workspace uuid.UUID, c post.Content) (map[uuid.UUID]Media, error) {
	ids := mediaIDs(c)
	if len(ids) == 0 {
		return map[uuid.UUID]Media{}, nil
	}
	rows, err := tx.q.HoldMedia(ctx, dbsqlc.HoldMediaParams{WorkspaceID: workspace, Ids: ids})
	if err != nil {
		return nil, fmt.Errorf("hold media: %w", classify(err))
	}
	out := make(map[uuid.UUID]Media, len(rows))
	for _, r := range rows {
		out[r.ID] = toMedia(r)
	}
	for _, id := range ids {
		switch m, ok := out[id]; {
		case !ok:
			return nil, apperr.New(apperr.NotFound, "no_such_media", "an image of this post is not here any more").
				WithHint("Remove it and add it again.").WithField("parts")
		case m.State != MediaReady:
			return nil, apperr.New(apperr.Invalid, "media_not_ready", "an image is not uploaded yet").
				WithHint("Wait until it is, or remove it.").WithField("parts")
		}
	}
	return out, nil
}

// linkMedia ties a version to the images it shows. What the version says of
// them must be what is stored.
func (tx *Tx) linkMedia(ctx context.Context, workspace, version uuid.UUID, c post.Content) error {
	if !c.HasMedia() {
		return nil
	}
	stored, err := tx.holdMedia(ctx, workspace, c)
	if err != nil {
		return err
	}
	for _, m := range c.Media() {
		if stored[m.ID].Digest != m.Digest {
			return apperr.New(apperr.Internal, "wrong_digest", "version %s shows image %s as another file than is stored", version, m.ID)
		}
	}
	err = tx.q.InsertVersionMedia(ctx, dbsqlc.InsertVersionMediaParams{WorkspaceID: workspace, VersionID: version, MediaIds: mediaIDs(c)})
	if err != nil {
		return fmt.Errorf("link media of version %s: %w", version, classify(err))
	}
	return nil
}

func mediaIDs(c post.Content) []uuid.UUID {
	var ids []uuid.UUID
	seen := map[uuid.UUID]bool{}
	for _, m := range c.Media() {
		if !seen[m.ID] {
			seen[m.ID] = true
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// RemoveMedia takes an image out of use; its file goes later. Errors:
// NotFound; Conflict (code media_in_use) while a version shows it.
func (tx *Tx) RemoveMedia(ctx context.Context, workspace, id uuid.UUID) error {
	if _, err := tx.q.LockMedia(ctx, dbsqlc.LockMediaParams{WorkspaceID: workspace, ID: id}); err != nil {
		return fmt.Errorf("remove media %s: %w", id, noMedia(err))
	}
	n, err := tx.q.RemoveMedia(ctx, dbsqlc.RemoveMediaParams{WorkspaceID: workspace, ID: id})
	if err != nil {
		return fmt.Errorf("remove media %s: %w", id, classify(err))
	}
	if n == 0 {
		return apperr.New(apperr.Conflict, "media_in_use", "a post shows this image").
			WithHint("An image that was part of a post stays, so that its history can be read.")
	}
	return nil
}

// MediaRef names an image across workspaces.
type MediaRef struct {
	WorkspaceID, ID uuid.UUID
	// Digest is empty for an upload that was never finished.
	Digest string
}

// OrphanedMedia returns at most limit uploads that nobody finished within a day
// and images that no version has shown a week on. It needs the worker role.
func (tx *Tx) OrphanedMedia(ctx context.Context, limit int) ([]MediaRef, error) {
	rows, err := tx.q.OrphanedMedia(ctx, int32(limit))
	if err != nil {
		return nil, fmt.Errorf("list orphaned media: %w", classify(err))
	}
	out := make([]MediaRef, len(rows))
	for i, r := range rows {
		out[i] = MediaRef{WorkspaceID: r.WorkspaceID, ID: r.ID}
	}
	return out, nil
}

// RemovedMedia returns at most limit images whose files may go. It needs the
// worker role.
func (tx *Tx) RemovedMedia(ctx context.Context, limit int) ([]MediaRef, error) {
	rows, err := tx.q.RemovedMedia(ctx, int32(limit))
	if err != nil {
		return nil, fmt.Errorf("list removed media: %w", classify(err))
	}
	out := make([]MediaRef, len(rows))
	for i, r := range rows {
		out[i] = MediaRef{WorkspaceID: r.WorkspaceID, ID: r.ID, Digest: textOf(r.Digest)}
	}
	return out, nil
}

// DeleteMedia forgets a removed image whose file is gone. It needs the worker role.
func (tx *Tx) DeleteMedia(ctx context.Context, workspace, id uuid.UUID) error {
	if err := tx.q.DeleteMedia(ctx, dbsqlc.DeleteMediaParams{WorkspaceID: workspace, ID: id}); err != nil {
		return fmt.Errorf("delete media %s: %w", id, classify(err))
	}
	return nil
}

// NetworkMedia is an image that was uploaded to a network for one part of a post.
type NetworkMedia struct {
	Part, Position int
	// Digest and Alt are what it is of.
	Digest, Alt string
	RemoteID    string
}

// NetworkMedia returns what was uploaded for a post and lives for another
// minute at least. It needs the worker role.
func (tx *Tx) NetworkMedia(ctx context.Context, workspace uuid.UUID, id post.ID) ([]NetworkMedia, error) {
	rows, err := tx.q.NetworkMediaOfPost(ctx, dbsqlc.NetworkMediaOfPostParams{WorkspaceID: workspace, PostID: uuid.UUID(id)})
	if err != nil {
		return nil, fmt.Errorf("list network media of post %s: %w", id, classify(err))
	}
	out := make([]NetworkMedia, len(rows))
	for i, r := range rows {
		out[i] = NetworkMedia{Part: int(r.Part), Position: int(r.Position), Digest: r.Digest, Alt: r.Alt, RemoteID: r.RemoteID}
	}
	return out, nil
}

// SaveNetworkMedia records an upload to a network, which keeps it for lives. It
// needs the worker role.
func (tx *Tx) SaveNetworkMedia(ctx context.Context, workspace uuid.UUID, id post.ID, m NetworkMedia, lives time.Duration) error {
	err := tx.q.SaveNetworkMedia(ctx, dbsqlc.SaveNetworkMediaParams{
		WorkspaceID: workspace, PostID: uuid.UUID(id), Part: int32(m.Part), Position: int32(m.Position), Digest: m.Digest, Alt: m.Alt,
		RemoteID: m.RemoteID, LivesSeconds: lives.Seconds(),
	})
	if err != nil {
		return fmt.Errorf("save network media of post %s: %w", id, classify(err))
	}
	return nil
}

// ForgetNetworkMedia makes the next try of a post upload its images anew. It
// needs the worker role.
func (tx *Tx) ForgetNetworkMedia(ctx context.Context, workspace uuid.UUID, id post.ID) error {
	if err := tx.q.ForgetNetworkMedia(ctx, dbsqlc.ForgetNetworkMediaParams{WorkspaceID: workspace, PostID: uuid.UUID(id)}); err != nil {
		return fmt.Errorf("forget network media of post %s: %w", id, classify(err))
	}
	return nil
}

func toMedia(r dbsqlc.Medium) Media {
	m := Media{
		ID: r.ID, State: MediaState(r.State), Name: r.Name, Type: r.Type, Bytes: r.Bytes, Digest: textOf(r.Digest),
		AddedBy: r.ActorName, CreatedAt: r.CreatedAt.UTC(),
	}
	if r.Width != nil && r.Height != nil {
		m.Width, m.Height = int(*r.Width), int(*r.Height)
	}
	return m
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func noMedia(err error) error {
	err = classify(err)
	if apperr.Is(err, apperr.NotFound) {
		return apperr.New(apperr.NotFound, "no_such_media", "there is no such image here").WithCause(err)
	}
	return err
}
