// Package feed reads RSS, Atom and JSON feeds that people name as sources. It
// fetches through httpclient's guard, so no address can point inward, and gives
// plain text: what a feed says is data, never markup and never an instruction.
package feed

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/httpclient"
)

const (
	fetchTimeout = 15 * time.Second
	// maxBody is the largest feed that is read, after decompression.
	maxBody   = 2 << 20
	userAgent = "Rostrum/1 (feed reader)"
	accept    = "application/atom+xml, application/rss+xml, application/feed+json;q=0.9, application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
	// maxValidator bounds an ETag or date that is kept for the next fetch.
	maxValidator = 1024
)

// Request names a feed and what its last good answer said about itself.
type Request struct {
	URL                string
	ETag, LastModified string
}

// Result is what a fetch found.
type Result struct {
	// NotModified means that nothing has changed since the validators sent;
	// there are no items then.
	NotModified bool
	Title       string
	// Link is the site that the feed belongs to; empty when it names none.
	Link string
	// Items are in the feed's own order, at most 200.
	Items []Item
	// ETag and LastModified are to be sent with the next fetch.
	ETag, LastModified string
}

// Item is one entry as plain text.
type Item struct {
	// Key is stable from fetch to fetch: the entry's id, else its address, else
	// a hash of its text. At most 500 bytes, unique within the feed.
	Key string
	// Title has at most 300 runes, Text at most 8,000.
	Title, Text string
	// URL is an absolute http or https address, or empty.
	URL string
	// PublishedAt is nil when the feed gives no date that can be believed.
	PublishedAt *time.Time
}

// Reader fetches feeds. It is safe for concurrent use.
type Reader struct {
	client *http.Client
	clock  clock.Clock
}

// NewReader returns a reader that the guard keeps outside.
func NewReader(guard *httpclient.Guard, clk clock.Clock) *Reader {
	client := guard.Client(httpclient.Options{Timeout: fetchTimeout, MaxBody: maxBody, UserAgent: userAgent})
	return &Reader{client: client, clock: clk}
}

// CloseIdleConnections closes kept-alive connections.
func (r *Reader) CloseIdleConnections() { r.client.CloseIdleConnections() }

// Fetch reads the feed, at most once and within 15 s. Errors, each with a
// sentence that a person can act on: Invalid with code source_address_refused
// (points inward), source_unreachable (no such host, refused, 4xx),
// feed_too_large (over 2 MiB), feed_empty and not_a_feed; Unavailable with code
// source_slow or source_unavailable, for which a later try may do.
func (r *Reader) Fetch(ctx context.Context, req Request) (Result, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, req.URL, nil)
	if err != nil {
		return Result{}, apperr.New(apperr.Invalid, "source_address_refused", "That is not a web address.").WithField("url")
	}
	request.Header.Set("Accept", accept)
	if req.ETag != "" {
		request.Header.Set("If-None-Match", req.ETag)
	}
	if req.LastModified != "" {
		request.Header.Set("If-Modified-Since", req.LastModified)
	}
	response, err := r.client.Do(request)
	if err != nil {
		return Result{}, fetchProblem(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusNotModified && (req.ETag != "" || req.LastModified != "") {
		return Result{NotModified: true, ETag: req.ETag, LastModified: req.LastModified}, nil
	}
	if err := statusProblem(response.StatusCode); err != nil {
		return Result{}, err
	}
	if response.ContentLength > maxBody {
		return Result{}, tooLarge()
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return Result{}, fetchProblem(err)
	}
	result, err := parse(body, response.Header.Get("Content-Type"), response.Request.URL, r.clock.Now())
	if err != nil {
		return Result{}, err
	}
	result.ETag = validator(response.Header.Get("ETag"))
	result.LastModified = validator(response.Header.Get("Last-Modified"))
	return result, nil
}

func validator(value string) string {
	if len(value) > maxValidator {
		return ""
	}
	return value
}

func fetchProblem(err error) error {
	if e := apperr.As(err); e != nil {
		if e.Kind == apperr.TooLarge {
			return tooLarge()
		}
		return e
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return apperr.New(apperr.Unavailable, "source_slow", "The source did not answer within %d seconds.", int(fetchTimeout.Seconds())).
			WithHint("It is tried again later.").WithCause(httpclient.Safe(err))
	}
	if errors.Is(err, context.Canceled) {
		return apperr.New(apperr.Unavailable, "source_slow", "The fetch was stopped.").WithCause(httpclient.Safe(err))
	}
	return apperr.New(apperr.Invalid, "source_unreachable", "The source cannot be reached.").
		WithHint("Open the address in a browser and check that it works.").WithField("url").WithCause(httpclient.Safe(err))
}

func statusProblem(status int) error {
	switch {
	case status == http.StatusOK:
		return nil
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return apperr.New(apperr.Unavailable, "source_unavailable", "The source answered %d.", status).
			WithHint("It is tried again later.")
	default:
		return apperr.New(apperr.Invalid, "source_unreachable", "The source answered %d.", status).
			WithHint("Open the address in a browser and check that it works.").WithField("url")
	}
}

func tooLarge() error {
	return apperr.New(apperr.Invalid, "feed_too_large", "The feed is larger than %d MB.", maxBody>>20).
		WithHint("Use a feed with fewer entries, for example that of one topic.").WithField("url")
}

func notAFeed(hint string) *apperr.Error {
	if hint == "" {
		hint = "Use the address of an RSS or Atom feed."
	}
	return apperr.New(apperr.Invalid, "not_a_feed", "There is no feed at that address.").WithHint("%s", hint).WithField("url")
}

func empty(message string) error {
	return apperr.New(apperr.Invalid, "feed_empty", "%s", message).WithHint("Check the address, or wait until it has entries.").WithField("url")
}

// absolute resolves an address against the base; empty unless it is http or https.
func absolute(base *url.URL, address string) string {
	u, err := base.Parse(address)
	if address == "" || err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return u.String()
}
