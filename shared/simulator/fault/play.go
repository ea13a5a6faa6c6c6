package fault

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// contextKey keys what the script tells the service about a request.
type contextKey struct{}

// told is what the service may know of the plan.
type told struct {
	clientSees string
	lag        time.Duration
}

// ClientSees returns what becomes of the answer to this request: "answered", or
// the kind of the fault that keeps it from the client. A service writes it into
// its ledger beside what it accepts.
func ClientSees(ctx context.Context) string {
	if t, ok := ctx.Value(contextKey{}).(told); ok {
		return t.clientSees
	}
	return "answered"
}

// ReadLag returns for how long a write stays invisible to this read.
func ReadLag(ctx context.Context) time.Duration {
	if t, ok := ctx.Value(contextKey{}).(told); ok {
		return t.lag
	}
	return 0
}

// Wrap returns next with the script played over it. The account function names
// the handle on whose behalf a request is made, empty when there is none.
func (s *Script) Wrap(next http.Handler, account func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := s.decide(r, account(r))
		if err != nil {
			abort(w)
			return
		}
		if p.before > 0 && !s.wait(r.Context(), p.before) {
			abort(w)
			return
		}
		t := told{clientSees: "answered", lag: p.lag}
		switch {
		case p.end != nil:
			t.clientSees = string(p.end.Kind)
		case p.after > 0:
			// The client may have left by then; nobody here can tell.
			t.clientSees = string(DelayAnswer)
		}
		ctx := context.WithValue(r.Context(), contextKey{}, t)
		r = r.WithContext(ctx)
		switch {
		case p.end == nil && p.after == 0:
			next.ServeHTTP(w, r)
		case p.end == nil:
			answer := record(ctx, next, r)
			if !s.wait(ctx, p.after) {
				abort(w)
				return
			}
			answer.send(w)
		case p.end.Kind == LateEffect:
			s.late(ctx, w, r, next, p.end.delay())
		case p.end.Kind.afterAccept():
			s.spoil(ctx, w, r, next, *p.end, p.after)
		default:
			s.refuse(ctx, w, r, *p.end)
		}
	})
}

// refuse plays the kinds that keep the request from the service.
func (s *Script) refuse(ctx context.Context, w http.ResponseWriter, r *http.Request, a Action) {
	switch a.Kind {
	case Answer:
		s.answer(w, a)
	case Hang:
		// The body has to be read for the server to notice that the client left.
		_, _ = io.Copy(io.Discard, r.Body)
		s.waitGone(ctx, a.delay())
		abort(w)
	case Redirect:
		w.Header().Set("Location", a.Location)
		w.WriteHeader(orElse(a.Status, http.StatusTemporaryRedirect))
	case GzipBomb:
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(orElse(a.Status, http.StatusOK))
		// A gzip stream may be many streams in a row, so one piece is packed once.
		var piece bytes.Buffer
		packed := gzip.NewWriter(&piece)
		blank(packed, 1)
		_ = packed.Close()
		for range a.SizeMB {
			if _, err := w.Write(piece.Bytes()); err != nil {
				return
			}
		}
	case BigBody:
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(orElse(a.Status, http.StatusOK))
		blank(w, a.SizeMB)
	default: // Reset.
		abort(w)
	}
}

// late lets the client wait until it leaves and does the work some time after.
func (s *Script) late(ctx context.Context, w http.ResponseWriter, r *http.Request, next http.Handler, delay time.Duration) {
	// The body has to be read for the server to notice that the client left.
	body, err := peek(r)
	after := context.WithoutCancel(ctx)
	if err == nil && s.waitGone(ctx, 0) && s.wait(after, delay) {
		r.Body = io.NopCloser(strings.NewReader(body))
		record(after, next, r)
	}
	abort(w)
}

// spoil plays the kinds that let the service work and then keep or break its
// answer.
func (s *Script) spoil(ctx context.Context, w http.ResponseWriter, r *http.Request, next http.Handler, a Action, after time.Duration) {
	answer := record(ctx, next, r)
	if after > 0 && !s.wait(ctx, after) {
		abort(w)
		return
	}
	switch a.Kind {
	case AcceptThenAnswer:
		s.answer(w, a)
	case AcceptThenHang:
		s.waitGone(ctx, a.delay())
		abort(w)
	case AcceptThenTruncate:
		answer.header.Set("Content-Length", strconv.Itoa(answer.body.Len()))
		answer.body.Truncate(answer.body.Len() / 2)
		answer.send(w)
		_ = http.NewResponseController(w).Flush()
		// An end instead of a reset, which could overtake the half that was sent.
		panic(http.ErrAbortHandler)
	case SlowBody:
		s.drip(ctx, w, answer, a.delay())
	default: // AcceptThenReset.
		abort(w)
	}
}

// drip sends the answer a byte at a time.
func (s *Script) drip(ctx context.Context, w http.ResponseWriter, answer *recording, pause time.Duration) {
	body := answer.body.Bytes()
	answer.body = bytes.Buffer{}
	answer.send(w)
	control := http.NewResponseController(w)
	for i := range body {
		if _, err := w.Write(body[i : i+1]); err != nil {
			return
		}
		_ = control.Flush()
		if !s.wait(ctx, pause) {
			abort(w)
			return
		}
	}
}

// answer sends the scripted answer.
func (s *Script) answer(w http.ResponseWriter, a Action) {
	if a.ContentType != "" {
		w.Header().Set("Content-Type", a.ContentType)
	} else if a.Body != "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	for name, value := range a.Headers {
		w.Header().Set(name, s.fill(value))
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

var nowWord = regexp.MustCompile(`\{now([+-]\d+)?\}`)

// fill puts the time into a header value.
func (s *Script) fill(value string) string {
	return nowWord.ReplaceAllStringFunc(value, func(word string) string {
		shift, err := strconv.ParseInt(nowWord.FindStringSubmatch(word)[1], 10, 64)
		if err != nil {
			shift = 0
		}
		return strconv.FormatInt(s.now().Unix()+shift, 10)
	})
}

// recording holds a service's answer until it is known what becomes of it.
type recording struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// record lets the service answer into memory.
func record(ctx context.Context, next http.Handler, r *http.Request) *recording {
	rec := &recording{header: http.Header{}}
	next.ServeHTTP(rec, r.WithContext(ctx))
	return rec
}

// Header returns the headers that are to be sent.
func (r *recording) Header() http.Header { return r.header }

// WriteHeader keeps the first status.
func (r *recording) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write keeps a piece of the body.
func (r *recording) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

func (r *recording) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	w.WriteHeader(orElse(r.status, http.StatusOK))
	_, _ = w.Write(r.body.Bytes())
}

// abort closes the connection so that the client sees a reset, not an end.
func abort(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// blank writes size megabytes of spaces, which are valid before any JSON.
func blank(w io.Writer, sizeMB int) {
	piece := bytes.Repeat([]byte{' '}, 1<<20)
	for range sizeMB {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

func orElse(status, fallback int) int {
	if status == 0 {
		return fallback
	}
	return status
}
