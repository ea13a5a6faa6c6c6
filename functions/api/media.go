package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/audit"
	domain "rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/workflow/attaching"
)

// Media is an image of the workspace.
type Media struct {
	ID        string    `json:"id"`
	State     string    `json:"state" enum:"uploading,ready"`
	Name      string    `json:"name" example:"harbour.jpg"`
	Type      string    `json:"type" example:"image/jpeg" doc:"What it really is, once it is ready."`
	Bytes     int64     `json:"bytes"`
	Width     int       `json:"width" doc:"In pixels; 0 until it is ready."`
	Height    int       `json:"height"`
	Digest    string    `json:"digest" doc:"SHA-256 of the kept file, which holds no metadata; empty until it is ready."`
	AddedBy   string    `json:"added_by"`
	CreatedAt time.Time `json:"created_at"`
	URL       *string   `json:"url" doc:"Shows it, for fifteen minutes; null until it is ready."`
}

// MediaUpload says how to upload one file.
type MediaUpload struct {
	Method    string            `json:"method" example:"PUT"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers" nullable:"false" doc:"To be sent as they are."`
	ExpiresAt time.Time         `json:"expires_at"`
}

// BegunMedia is an image that may be uploaded now.
type BegunMedia struct {
	Media
	Upload MediaUpload `json:"upload"`
}

// AddMediaInput announces a file.
type AddMediaInput struct {
	Body struct {
		Name        string `json:"name" minLength:"1" maxLength:"500"`
		ContentType string `json:"content_type" maxLength:"100" example:"image/jpeg"`
		Bytes       int64  `json:"bytes"`
	}
}

// AddMediaOutput says where to put it.
type AddMediaOutput struct{ Body BegunMedia }

// CompleteMediaInput says that the file is there.
type CompleteMediaInput struct {
	ByID
	Body struct {
		SHA256 string `json:"sha256,omitempty" maxLength:"71" doc:"Of the file as it was sent, hexadecimal, to be sure that it arrived whole."`
	}
}

// MediaOutput answers with an image.
type MediaOutput struct{ Body Media }

func (s *Server) addMedia(ctx context.Context, in *AddMediaInput) (*AddMediaOutput, error) {
	begun, err := s.Attaching.Begin(ctx, actor(ctx), attaching.NewUpload{Name: in.Body.Name, Type: in.Body.ContentType, Bytes: in.Body.Bytes})
	if err != nil {
		return nil, err
	}
	return &AddMediaOutput{Body: BegunMedia{
		Media: toMedia(begun.Media, ""),
		Upload: MediaUpload{
			Method: begun.Upload.Method, URL: begun.Upload.URL, Headers: begun.Upload.Headers, ExpiresAt: begun.Until,
		},
	}}, nil
}

func (s *Server) completeMedia(ctx context.Context, in *CompleteMediaInput) (*MediaOutput, error) {
	id, err := parseID(in.ID, "image")
	if err != nil {
		return nil, err
	}
	m, err := s.Attaching.Complete(ctx, actor(ctx), id, in.Body.SHA256)
	if err != nil {
		return nil, err
	}
	return s.shownMedia(ctx, m)
}

func (s *Server) getMedia(ctx context.Context, in *ByID) (*MediaOutput, error) {
	id, err := parseID(in.ID, "image")
	if err != nil {
		return nil, err
	}
	m, err := s.Attaching.Get(ctx, actor(ctx), id)
	if err != nil {
		return nil, err
	}
	return s.shownMedia(ctx, m)
}

// mediaPlace is a place in the list, as cursors hold it.
type mediaPlace struct {
	ID uuid.UUID `json:"id"`
}

func (s *Server) listMedia(ctx context.Context, in *Paging) (*Page[Media], error) {
	var before *uuid.UUID
	if in.Cursor != "" {
		var place mediaPlace
		if err := decodeCursor(in.Cursor, &place); err != nil {
			return nil, err
		}
		before = &place.ID
	}
	list, err := s.Attaching.List(ctx, actor(ctx), before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	list, next := cut(list, in.Limit, func(m store.Media) any { return mediaPlace{ID: m.ID} })
	items := make([]Media, len(list))
	for i, m := range list {
		address, err := s.viewOf(ctx, actor(ctx), m)
		if err != nil {
			return nil, err
		}
		items[i] = toMedia(m, address)
	}
	return page(items, next), nil
}

func (s *Server) removeMedia(ctx context.Context, in *ByID) (*Empty, error) {
	id, err := parseID(in.ID, "image")
	if err != nil {
		return nil, err
	}
	return &Empty{}, s.Attaching.Remove(ctx, actor(ctx), id)
}

func (s *Server) shownMedia(ctx context.Context, m store.Media) (*MediaOutput, error) {
	address, err := s.viewOf(ctx, actor(ctx), m)
	if err != nil {
		return nil, err
	}
	return &MediaOutput{Body: toMedia(m, address)}, nil
}

// viewOf is empty for an image that is not ready.
func (s *Server) viewOf(ctx context.Context, a audit.Actor, m store.Media) (string, error) {
	if m.State != store.MediaReady {
		return "", nil
	}
	return s.Attaching.View(ctx, a, m.ID, m.Digest)
}

func toMedia(m store.Media, address string) Media {
	out := Media{
		ID: m.ID.String(), State: string(m.State), Name: m.Name, Type: m.Type, Bytes: m.Bytes, Width: m.Width, Height: m.Height,
		Digest: m.Digest, AddedBy: m.AddedBy, CreatedAt: m.CreatedAt,
	}
	if address != "" {
		out.URL = &address
	}
	return out
}

// PartMedia is an image under a part's text.
type PartMedia struct {
	ID     string  `json:"id"`
	Alt    string  `json:"alt" doc:"What it shows, for those who do not see it."`
	Type   string  `json:"type" example:"image/jpeg"`
	Bytes  int64   `json:"bytes"`
	Width  int     `json:"width"`
	Height int     `json:"height"`
	Digest string  `json:"digest" doc:"What an approval is bound to."`
	URL    *string `json:"url" doc:"Shows it, for fifteen minutes; null where images are not kept any more."`
}

// PartBody is one part as a client writes it.
type PartBody struct {
	Text  string      `json:"text" maxLength:"100000"`
	Media []MediaBody `json:"media,omitempty" maxItems:"20" doc:"Images under the text, in their order."`
}

// MediaBody names an image that is ready.
type MediaBody struct {
	ID  string `json:"id"`
	Alt string `json:"alt,omitempty" maxLength:"1000" doc:"What it shows, for those who do not see it."`
}

// VersionPart is one part of a version.
type VersionPart struct {
	Text  string      `json:"text"`
	Media []PartMedia `json:"media" nullable:"false"`
}

func bodyContent(parts []PartBody) (domain.Content, error) {
	c := domain.Content{Parts: make([]domain.Part, len(parts))}
	for i, p := range parts {
		c.Parts[i].Text = p.Text
		for _, m := range p.Media {
			id, err := parseID(m.ID, "image")
			if err != nil {
				return domain.Content{}, err
			}
			c.Parts[i].Media = append(c.Parts[i].Media, domain.Media{ID: id, Alt: m.Alt})
		}
	}
	return c, nil
}

func toPartMedia(media []domain.Media) []PartMedia {
	out := make([]PartMedia, len(media))
	for i, m := range media {
		out[i] = PartMedia{
			ID: m.ID.String(), Alt: m.Alt, Type: m.Type, Bytes: m.Bytes, Width: m.Width, Height: m.Height, Digest: m.Digest,
		}
	}
	return out
}

// showMedia gives each image an address that shows it.
func (s *Server) showMedia(ctx context.Context, media []PartMedia) error {
	if s.Attaching.Files == nil {
		return nil
	}
	for i, m := range media {
		id, err := parseID(m.ID, "image")
		if err != nil {
			return err
		}
		address, err := s.Attaching.View(ctx, actor(ctx), id, m.Digest)
		if err != nil {
			return err
		}
		media[i].URL = &address
	}
	return nil
}
