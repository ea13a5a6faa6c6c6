package x

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"

	"rostrum/shared/httpclient"
)

// answer is everything that is known about one call.
type answer struct {
	// sent says whether a byte of the request was written.
	sent *httpclient.Sent
	// err is why there is no answer; nil once a status line was read.
	err    error
	status int
	header http.Header
	body   []byte
	// bodyErr is why the body is not whole.
	bodyErr error
	// renamed asks for fields by the new names.
	renamed bool
}

type answerKey struct{}

// watch returns a context whose one request is recorded in the answer.
func watch(ctx context.Context) (context.Context, *answer) {
	ctx, sent := httpclient.Track(ctx)
	a := &answer{sent: sent, err: errNotTried}
	return context.WithValue(ctx, answerKey{}, a), a
}

// errNotTried stands until the request reaches the wire.
var errNotTried = errors.New("the request was not made")

// whole reports whether an answer came and was read to its end.
func (a *answer) whole() bool { return a.err == nil && a.bodyErr == nil }

// cause is why there is no whole answer, without the address.
func (a *answer) cause() error { return httpclient.Safe(errors.Join(a.err, a.bodyErr)) }

// timedOut reports whether the call ran into its deadline.
func (a *answer) timedOut() bool {
	err := errors.Join(a.err, a.bodyErr)
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

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
		a.err = err
		return nil, err
	}
	a.err, a.status, a.header = nil, response.StatusCode, response.Header
	a.body, a.bodyErr = io.ReadAll(response.Body)
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(a.body))
	return response, nil
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the transport.
func (t *recorder) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
