package x

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/platform"
)

// gotwi has neither the whole upload nor the alt text (v0.18.2), so both calls
// are made here. Facts: OpenAPI 2.167 and the pages under x-api/media, 2026-11.

// UploadMedia puts an image on X, where nobody sees it until a post names it,
// and gives it its alt text. Errors are those of platform.Publisher.
func (c *Client) UploadMedia(ctx context.Context, req platform.MediaUpload) (platform.UploadedMedia, error) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	file, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="media"; filename="image"`}, "Content-Type": {req.Type},
	})
	if err != nil {
		return platform.UploadedMedia{}, fmt.Errorf("write the upload: %w", err)
	}
	// A buffer takes everything.
	_, _ = file.Write(req.Data)
	_ = w.WriteField("media_category", "tweet_image")
	_ = w.WriteField("media_type", req.Type)
	_ = w.Close()
	var uploaded wireUploaded
	if err := c.send(ctx, req.Target.AccessToken, "/2/media/upload", w.FormDataContentType(), form.Bytes(), &uploaded); err != nil {
		return platform.UploadedMedia{}, fmt.Errorf("upload an image: %w", err)
	}
	if !isID(uploaded.Data.ID) {
		return platform.UploadedMedia{}, apperr.New(apperr.Unavailable, "unreadable_answer", "X gave no id for the image.")
	}
	if req.Alt != "" {
		var body wireMetadata
		body.ID = uploaded.Data.ID
		body.Metadata.AltText.Text = req.Alt
		raw, err := json.Marshal(body)
		if err != nil {
			return platform.UploadedMedia{}, fmt.Errorf("encode an alt text: %w", err)
		}
		var echo json.RawMessage
		if err := c.send(ctx, req.Target.AccessToken, "/2/media/metadata", "application/json", raw, &echo); err != nil {
			return platform.UploadedMedia{}, fmt.Errorf("give an image its alt text: %w", err)
		}
	}
	// Without a word on it, a repeat uploads anew.
	return platform.UploadedMedia{RemoteID: uploaded.Data.ID, Lives: time.Duration(uploaded.Data.ExpiresAfter) * time.Second}, nil
}

// send makes one call that the audience cannot see.
func (c *Client) send(ctx context.Context, token config.Secret, path, contentType string, body []byte, into any) error {
	ctx, a := watch(ctx)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.x.com"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	r.Header.Set("Content-Type", contentType)
	if response, err := c.http.Do(r); err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	if err := c.uploadProblem(a, token); err != nil {
		return err
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		return apperr.New(apperr.Unavailable, "unreadable_answer", "X's answer could not be read.")
	}
	return nil
}

// uploadProblem is problemOf for a call that brings something.
func (c *Client) uploadProblem(a *answer, token config.Secret) error {
	switch {
	case a.Err == nil && (a.Status == http.StatusBadRequest || a.Status == http.StatusRequestEntityTooLarge || a.Status == http.StatusUnsupportedMediaType):
		return apperr.New(apperr.Invalid, "image_refused", "%s", quoted(a.problem(), platform.Target{AccessToken: token})).
			WithHint("Change or remove the image.")
	case a.Err == nil && a.Status == http.StatusForbidden:
		return apperr.New(apperr.Forbidden, "upload_refused", "X does not let the developer app upload images for this account.").
			WithHint("Connect the account again, so that it grants media.write, and check the app's access level at X.")
	case a.Err == nil && (a.Status == http.StatusCreated || a.Status == http.StatusAccepted):
		return nil
	default:
		return c.problemOf(a)
	}
}
