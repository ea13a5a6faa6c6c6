// Package httpclient is the only way out of the house. Every client it makes
// has a total deadline, a cap on the body it will read and a User-Agent, and
// none of them ever sends a request twice.
//
// New makes clients for the services Rostrum speaks to. A Guard makes clients
// for addresses that people type in, and refuses those that point inward.
package httpclient

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"rostrum/shared/apperr"
)

const (
	dialTimeout  = 5 * time.Second
	idleTimeout  = 90 * time.Second
	maxIdleConns = 1024 // a burst of posts due in one second keeps its connections
	maxHeader    = 64 << 10
)

// Options is what every client is made from. All fields are needed.
type Options struct {
	// Timeout bounds one request from dial to the last byte of the body.
	Timeout time.Duration
	// MaxBody is how many bytes of a response body are read, counted after
	// decompression. Reading on gives an apperr of kind TooLarge, code
	// "response_too_large".
	MaxBody int64
	// UserAgent is sent where the request names none.
	UserAgent string
}

// New returns a client for a service that Rostrum speaks to. It follows no
// redirect (307 and 308 would send the body again) and speaks HTTP/1.1 alone,
// where one connection carries one request at a time, so that Track is exact.
//
// net/http sends some requests twice by itself when a kept-alive connection
// turns out dead. That needs a body it can rewind or an idempotency header, so
// requests that change something lose the first and are refused with the second.
func New(o Options) *http.Client {
	transport := newTransport(&net.Dialer{Timeout: dialTimeout})
	return &http.Client{
		Timeout:       o.Timeout,
		Transport:     &limiter{next: transport, options: o},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newTransport dials with the dialer and hands out connections that Track can
// watch. TLS is done here rather than by net/http, so that what is watched is
// the request and not the handshake.
func newTransport(dialer *net.Dialer) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &watchedConn{Conn: conn}, nil
		},
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialTLS(ctx, dialer, network, address)
			if err != nil {
				return nil, err
			}
			return &watchedConn{Conn: conn}, nil
		},
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConns,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
	}
}

func dialTLS(ctx context.Context, dialer *net.Dialer, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("split address: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*dialTimeout)
	defer cancel()
	raw, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("tls handshake: %w", err)
	}
	return conn, nil
}

// limiter puts the rules of Options on every request.
type limiter struct {
	next    http.RoundTripper
	options Options
}

// RoundTrip sends a copy of the request that net/http cannot repeat, and caps
// the answer's body.
func (l *limiter) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", l.options.UserAgent)
	}
	if changes(r.Method) {
		r.GetBody = nil
		for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
			if _, ok := r.Header[name]; ok {
				return nil, apperr.New(apperr.Internal, "repeatable_request",
					"%s makes net/http repeat the request", name)
			}
		}
	}
	response, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = &cappedBody{ReadCloser: response.Body, left: l.options.MaxBody, limit: l.options.MaxBody}
	return response, nil
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the transport.
func (l *limiter) CloseIdleConnections() {
	if c, ok := l.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func changes(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	default:
		return true
	}
}

// cappedBody fails, rather than ends, once more than limit bytes came: a cut
// answer must never pass for a whole one. It sits above decompression, so a
// small bomb is stopped at the same count.
type cappedBody struct {
	io.ReadCloser

	left, limit int64
}

// Read reads on until the limit is passed.
func (b *cappedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, tooLarge(b.limit)
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, tooLarge(b.limit)
	}
	return n, err
}

func tooLarge(limit int64) error {
	return apperr.New(apperr.TooLarge, "response_too_large", "the answer is larger than %d bytes", limit)
}

// Safe strips the address from an error of http.Client: it can hold a secret
// in its query, and callers name the thing they asked for themselves.
func Safe(err error) error {
	for {
		u, ok := err.(*url.Error) //nolint:errorlint // only the outermost layer is unwrapped, on purpose
		if !ok {
			return err
		}
		err = u.Err
	}
}
