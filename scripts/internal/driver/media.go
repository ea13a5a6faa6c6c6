package driver

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Image is an image of the workspace that posts may carry.
type Image struct {
	ID     string `json:"id"`
	State  string `json:"state"`
	Digest string `json:"digest"`
	Width  int    `json:"width"`
	URL    string `json:"url"`
}

// upload is where a file is to be put, and how.
type upload struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
}

// AddImage uploads a file as the dashboard does: announced to the API, put where
// it says, if that is elsewhere only when that place lets the dashboard's pages
// in, and looked at by the API.
func (c *Client) AddImage(ctx context.Context, name, contentType string, file []byte) (Image, error) {
	var begun struct {
		Image

		Upload upload `json:"upload"`
	}
	if err := c.Post(ctx, "/v1/media", map[string]any{"name": name, "content_type": contentType, "bytes": len(file)}, &begun); err != nil {
		return Image{}, err
	}
	if !strings.HasPrefix(begun.Upload.URL, c.base+"/") {
		if err := c.preflight(ctx, begun.Upload); err != nil {
			return Image{}, err
		}
	}
	if err := c.put(ctx, begun.Upload, file); err != nil {
		return Image{}, err
	}
	var ready Image
	err := c.Post(ctx, "/v1/media/"+begun.ID+"/complete", nil, &ready)
	return ready, err
}

// preflight asks what a browser asks before it sends a file to another place.
func (c *Client) preflight(ctx context.Context, u upload) error {
	var names []string
	for name := range u.Headers {
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(names)
	answer, err := c.bare(ctx, http.MethodOptions, u.URL, http.Header{
		"Access-Control-Request-Method": {u.Method}, "Access-Control-Request-Headers": {strings.Join(names, ",")},
	}, nil)
	if err != nil {
		return err
	}
	allowed := answer.Get("Access-Control-Allow-Origin")
	if allowed != c.base && allowed != "*" || !strings.Contains(answer.Get("Access-Control-Allow-Methods"), u.Method) {
		return fmt.Errorf("a browser may not %s images of %s to %s", u.Method, c.base, place(u.URL))
	}
	return nil
}

func (c *Client) put(ctx context.Context, u upload, file []byte) error {
	header := http.Header{}
	for name, value := range u.Headers {
		header.Set(name, value)
	}
	_, err := c.bare(ctx, u.Method, u.URL, header, file)
	return err
}

// bare asks what is not the API, as a page of it would, and returns the answer's header.
func (c *Client) bare(ctx context.Context, method, address string, header http.Header, body []byte) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, place(address), err)
	}
	req.Header = header
	req.Header.Set("Origin", c.base)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, place(address), err)
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(res.Body, 8<<10))
	if err != nil {
		return nil, fmt.Errorf("%s %s: read answer: %w", method, place(address), err)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return nil, fmt.Errorf("%s %s: %d: %s", method, place(address), res.StatusCode, said[:min(len(said), 200)])
	}
	return res.Header, nil
}

// place is an address without what signs it.
func place(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "a place that is no address"
	}
	return u.Scheme + "://" + u.Host
}
