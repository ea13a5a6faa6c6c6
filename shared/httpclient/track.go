package httpclient

import (
	"context"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// Sent says whether any byte of one request was handed to the network.
type Sent struct{ any atomic.Bool }

// Any reports whether at least one byte of the request was written, or may
// have been: an attempt to write counts even if it failed.
func (s *Sent) Any() bool { return s.any.Load() }

// Track returns a context that records into the returned Sent whether the
// request made with it wrote a byte. It is exact for clients made by New; for
// any other it answers yes as soon as there was a connection. One context
// serves one request.
func Track(ctx context.Context) (context.Context, *Sent) {
	sent := &Sent{}
	trace := &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			conn, ok := info.Conn.(*watchedConn)
			if !ok {
				sent.any.Store(true)
				return
			}
			conn.current.Store(sent)
		},
	}
	return httptrace.WithClientTrace(ctx, trace), sent
}

// watchedConn tells the request that holds it when it writes. HTTP/1.1 gives a
// connection to one request at a time, so the last to take it is the writer.
type watchedConn struct {
	net.Conn

	current atomic.Pointer[Sent]
}

// Write marks the request as written before the first byte goes out.
func (c *watchedConn) Write(p []byte) (int, error) {
	if sent := c.current.Load(); sent != nil && len(p) > 0 {
		sent.any.Store(true)
	}
	return c.Conn.Write(p)
}
