// Package driver uses Rostrum from outside, as a person's browser or a program
// would: over its HTTP API, and by looking at what the simulated network shows
// its audience. It shares no type with the server.
package driver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// Client is one signed-in session.
type Client struct {
	base string
	http *http.Client
}

// AnswerError is an answer other than 2xx.
type AnswerError struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Hint   string `json:"hint"`
	asked  string
}

// Error says what was asked and what the server said to it.
func (p *AnswerError) Error() string {
	text := strings.TrimSpace(p.Detail + " " + p.Hint)
	if text == "" {
		text = p.Title
	}
	return fmt.Sprintf("%s: %d %s: %s", p.asked, p.Status, p.Code, text)
}

// New returns a client of the server at base, not signed in yet.
func New(base string) *Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // never: it only fails for a bad public suffix list.
	}
	return &Client{base: strings.TrimSuffix(base, "/"), http: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// SignIn opens the session.
func (c *Client) SignIn(ctx context.Context, email, password string) error {
	return c.Post(ctx, "/v1/session", map[string]string{"email": email, "password": password}, nil)
}

// Get reads a resource into out.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	return c.do(ctx, http.MethodGet, path, "", nil, out)
}

// Post sends in and reads the answer into out, which may be nil.
func (c *Client) Post(ctx context.Context, path string, in, out any) error {
	if in == nil {
		in = struct{}{}
	}
	return c.do(ctx, http.MethodPost, path, "", in, out)
}

// Patch edits the resource that was read with the etag.
func (c *Client) Patch(ctx context.Context, path, etag string, in, out any) error {
	return c.do(ctx, http.MethodPatch, path, etag, in, out)
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) do(ctx context.Context, method, path, etag string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: encode: %w", method, path, err)
		}
		body = bytes.NewReader(raw)
	}
	address := path
	if !strings.HasPrefix(path, "http://") {
		address = c.base + path
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if etag != "" {
		req.Header.Set("If-Match", `"`+etag+`"`)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return fmt.Errorf("%s %s: read answer: %w", method, path, err)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		p := &AnswerError{asked: method + " " + path}
		if json.Unmarshal(raw, p) != nil {
			p.Detail = string(raw[:min(len(raw), 200)])
		}
		p.Status = res.StatusCode
		return p
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%s %s: decode answer: %w", method, path, err)
	}
	return nil
}

// Until calls check every 100 ms until it reports true, and gives up with what
// is being waited for when limit has passed.
func Until(ctx context.Context, limit time.Duration, what string, check func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := check()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not within %s", what, limit)
		case <-tick.C:
		}
	}
}

// Shown is a post as the simulated network's ledger shows it.
type Shown struct {
	ID         string    `json:"id"`
	Handle     string    `json:"handle"`
	Text       string    `json:"text"`
	URL        string    `json:"url"`
	ReplyTo    string    `json:"reply_to"`
	AcceptedAt time.Time `json:"accepted_at"`
	// Media are the images under the text.
	Media []struct {
		Type string `json:"type"`
		// Digest is that of the bytes that the network was sent.
		Digest string `json:"digest"`
		Alt    string `json:"alt"`
	} `json:"media"`
}

// Ledger reads what the audience of the simulated network at base has seen of
// one handle, oldest first; an empty handle means all.
func (c *Client) Ledger(ctx context.Context, base, handle string) ([]Shown, error) {
	var page struct {
		Items []Shown `json:"items"`
	}
	err := c.Get(ctx, strings.TrimSuffix(base, "/")+"/_sim/ledger?handle="+url.QueryEscape(handle), &page)
	return page.Items, err
}
