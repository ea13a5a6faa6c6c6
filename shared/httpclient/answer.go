package httpclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Answer is everything that is known about one call: what decides whether it
// may be repeated is read from here and from nothing else.
type Answer struct {
	// Sent says whether a byte of the request was written.
	Sent *Sent
	// Err is why there is no answer; nil once a status line was read.
	Err    error
	Status int
	Header http.Header
	Body   []byte
	// BodyErr is why the body is not whole.
	BodyErr error
}

// Ask sends the request once and reads its answer to the end.
func Ask(client *http.Client, r *http.Request) *Answer {
	ctx, sent := Track(r.Context())
	a := &Answer{Sent: sent}
	response, err := client.Do(r.WithContext(ctx)) //nolint:gosec // who makes the request says where it goes
	if err != nil {
		a.Err = err
		return a
	}
	a.Read(response)
	return a
}

// Read fills in what came, and closes the response's body.
func (a *Answer) Read(response *http.Response) {
	a.Err, a.Status, a.Header = nil, response.StatusCode, response.Header
	a.Body, a.BodyErr = io.ReadAll(response.Body)
	_ = response.Body.Close()
}

// Whole reports whether an answer came and was read to its end.
func (a *Answer) Whole() bool { return a.Err == nil && a.BodyErr == nil }

// Cause is why there is no whole answer, without the address.
func (a *Answer) Cause() error { return Safe(errors.Join(Safe(a.Err), Safe(a.BodyErr))) }

// TimedOut reports whether the call ran into its deadline.
func (a *Answer) TimedOut() bool {
	err := errors.Join(a.Err, a.BodyErr)
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// maxAsked bounds what a Retry-After is taken to say.
const maxAsked = 24 * time.Hour

// RetryAfter reads the header of that name in either of its forms, and false
// when there is none. The answer is between 0 and 24 h.
func RetryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return Seconds(seconds), true
	}
	if at, err := http.ParseTime(value); err == nil {
		return Seconds(at.Unix() - now.Unix()), true
	}
	return 0, false
}

// Seconds turns what a service calls seconds into a duration between 0 and
// 24 h, without overflow.
func Seconds(n int64) time.Duration {
	return time.Duration(min(max(n, 0), int64(maxAsked/time.Second))) * time.Second
}
