package x

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"rostrum/shared/httpclient"
)

// answer is everything that is known about one call.
type answer struct {
	*httpclient.Answer

	// renamed asks for fields by the new names.
	renamed bool
}

type answerKey struct{}

// watch returns a context whose one request is recorded in the answer.
func watch(ctx context.Context) (context.Context, *answer) {
	ctx, sent := httpclient.Track(ctx)
	a := &answer{Answer: &httpclient.Answer{Sent: sent, Err: errNotTried}}
	return context.WithValue(ctx, answerKey{}, a), a
}

// errNotTried stands until the request reaches the wire.
var errNotTried = errors.New("the request was not made")

// recorder sends what is meant for X to the configured base, and records each
// call into its context's answer before anyone else reads it.
type recorder struct {
	base *url.URL
	next http.RoundTripper
}

// RoundTrip redirects, records and hands the same answer on.
func (t *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	// gotwi has both hosts compiled in (v0.18.2).
	if r.URL.Host == "api.twitter.com" || r.URL.Host == "api.x.com" {
		r.URL.Scheme, r.URL.Host, r.URL.Path = t.base.Scheme, t.base.Host, t.base.Path+r.URL.Path
		r.Host = ""
	}
	a, ok := r.Context().Value(answerKey{}).(*answer)
	if !ok {
		return nil, errNotTried
	}
	if a.renamed {
		r.URL.RawQuery = renameFields(r.URL.Query()).Encode()
	}
	response, err := t.next.RoundTrip(r)
	if err != nil {
		a.Err = err
		return nil, err
	}
	a.Read(response)
	response.Body = io.NopCloser(bytes.NewReader(a.Body))
	return response, nil
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the transport.
func (t *recorder) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
