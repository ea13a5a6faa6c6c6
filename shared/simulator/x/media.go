package x

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	_ "image/gif"  // Their headers are read.
	_ "image/jpeg" // Likewise.
	_ "image/png"  // Likewise.
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"rostrum/shared/simulator/ledger"
)

const (
	uploadEndpoint   = "POST /2/media/upload"
	metadataEndpoint = "POST /2/media/metadata"
	// Four photos of 5 MB each, and a day until an unused one is forgotten
	// (x-api/media pages, read 2026-11).
	maxPhotos  = 4
	maxPhoto   = 5 << 20
	mediaLife  = 24 * time.Hour
	maxAltText = 1000
	// maxUploadBody leaves room for base64 and the parts around a file.
	maxUploadBody = 8 << 20
)

// media is an uploaded file as the journal keeps it.
type media struct {
	ID        string    `json:"id"`
	AccountID string    `json:"account_id"`
	Type      string    `json:"type"`
	Digest    string    `json:"digest"`
	Bytes     int       `json:"bytes"`
	Alt       string    `json:"alt,omitempty"`
	Expires   time.Time `json:"expires"`
}

// upload is POST /2/media/upload with a whole image, as a form or as JSON.
func (s *Server) upload(w http.ResponseWriter, r *http.Request, user Account) {
	data, category, bad := readUpload(r)
	if bad != nil {
		s.refuse(w, *bad)
		return
	}
	kind := imageType(data)
	switch {
	case category != "tweet_image":
		s.refuse(w, invalid("media_category", category, "$.media_category: does not have a value in the enumeration"))
		return
	case kind == "":
		// Status and words are unverified.
		s.refuse(w, invalid("media", "", "The media type of the file is not supported."))
		return
	case len(data) > maxPhoto:
		s.refuse(w, invalid("media", "", "File size exceeds 5242880 bytes."))
		return
	}
	digest, err := s.files.Put(data)
	if err != nil {
		s.refuse(w, unavailable())
		return
	}
	now := s.cfg.Now().UTC()
	m := media{AccountID: user.ID, Type: kind, Digest: digest, Bytes: len(data), Expires: now.Add(mediaLife)}
	s.mu.Lock()
	m.ID = s.nextID(now)
	err = s.commit(record{Kind: recordMedia, Media: &m})
	s.mu.Unlock()
	if err != nil {
		s.refuse(w, unavailable())
		return
	}
	answer := map[string]any{
		"id": m.ID, "media_key": mediaKey(m.ID), "size": m.Bytes, "expires_after_secs": int(mediaLife / time.Second),
	}
	if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
		answer["image"] = map[string]any{"image_type": kind, "w": c.Width, "h": c.Height}
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": answer})
}

// mediaKey is the id of an image in a post: 3 stands for photos.
func mediaKey(id string) string { return "3_" + id }

// readUpload reads the file and its category out of either form.
func readUpload(r *http.Request) (data []byte, category string, bad *problem) {
	unreadable := invalid("body", "", "The request body could not be read.")
	r.Body = io.NopCloser(io.LimitReader(r.Body, maxUploadBody+1))
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		file, _, err := r.FormFile("media")
		if err != nil {
			p := invalid("media", "", "$.media: is missing but it is required")
			return nil, "", &p
		}
		defer func() { _ = file.Close() }()
		if data, err = io.ReadAll(file); err != nil {
			return nil, "", &unreadable
		}
		return data, r.FormValue("media_category"), nil
	}
	var body struct {
		Media            string          `json:"media"`
		MediaCategory    string          `json:"media_category"`
		MediaType        string          `json:"media_type"`
		Shared           bool            `json:"shared"`
		AdditionalOwners json.RawMessage `json:"additional_owners"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		p := invalid("body", "", schemaMessage(err))
		return nil, "", &p
	}
	data, err := base64.StdEncoding.DecodeString(body.Media)
	if err != nil || len(data) == 0 {
		p := invalid("media", "", "$.media: is missing but it is required")
		return nil, "", &p
	}
	return data, body.MediaCategory, nil
}

// imageType tells a photo's type by its first bytes; empty for anything else.
func imageType(data []byte) string {
	kind := http.DetectContentType(data)
	if slices.Contains([]string{"image/jpeg", "image/png", "image/gif", "image/webp"}, kind) {
		return kind
	}
	return ""
}

// describe is POST /2/media/metadata: the alt text of an upload.
func (s *Server) describe(w http.ResponseWriter, r *http.Request, user Account) {
	var body struct {
		ID       string `json:"id"`
		Metadata struct {
			AltText struct {
				Text string `json:"text"`
			} `json:"alt_text"`
		} `json:"metadata"`
	}
	decoder := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		s.refuse(w, invalid("body", "", schemaMessage(err)))
		return
	}
	alt := body.Metadata.AltText.Text
	if len([]rune(alt)) > maxAltText {
		s.refuse(w, invalid("metadata.alt_text.text", "", "$.metadata.alt_text.text: must be at most 1000 characters long"))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.usable(body.ID, user)
	if !ok {
		s.refuseLocked(w, invalid("id", body.ID, "The media id is not valid."))
		return
	}
	m.Alt = alt
	if err := s.commit(record{Kind: recordMedia, Media: &m}); err != nil {
		s.refuseLocked(w, unavailable())
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": map[string]any{
		"id": m.ID, "associated_metadata": map[string]any{"alt_text": map[string]string{"text": alt}},
	}})
}

// refuseLocked is refuse for a caller that holds the lock.
func (s *Server) refuseLocked(w http.ResponseWriter, p problem) {
	if s.settings.ProblemJSON {
		w.Header().Set("Content-Type", "application/problem+json")
	}
	writeJSON(w, p.status, p)
}

// usable returns an upload that the user may put into a post now. The caller
// holds the lock.
func (s *Server) usable(id string, user Account) (media, bool) {
	m, ok := s.uploads[id]
	return m, ok && m.AccountID == user.ID && s.cfg.Now().Before(m.Expires)
}

type mediaBody struct {
	MediaIDs      []string `json:"media_ids"`
	TaggedUserIDs []string `json:"tagged_user_ids"`
}

// attach turns a post's media ids into what the audience sees. The caller holds
// the lock.
func (s *Server) attach(user Account, body *mediaBody) ([]ledger.Media, *problem) {
	if body == nil {
		return nil, nil
	}
	if n := len(body.MediaIDs); n < 1 || n > maxPhotos {
		p := invalid("media.media_ids", "", fmt.Sprintf("$.media.media_ids: there must be 1 to 4 items but found %d", n))
		return nil, &p
	}
	var shown []ledger.Media
	for _, id := range body.MediaIDs {
		m, ok := s.usable(id, user)
		if !ok {
			p := invalid("media.media_ids", id, "Your media IDs are invalid.")
			return nil, &p
		}
		shown = append(shown, ledger.Media{ID: m.ID, Type: m.Type, Digest: m.Digest, Alt: m.Alt})
	}
	return shown, nil
}

// ExpireMedia makes an account's uploads run out now, as a day would.
func (s *Server) ExpireMedia(handle string) error {
	a, ok := s.accountByHandle(handle)
	if !ok {
		return fmt.Errorf("expire media of %s: %w", handle, ErrNoAccount)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now().UTC()
	var records []record
	for _, m := range s.uploads {
		if m.AccountID == a.ID && m.Expires.After(now) {
			m.Expires = now
			records = append(records, record{Kind: recordMedia, Media: &m})
		}
	}
	return s.commit(records...)
}
