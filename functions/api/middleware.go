package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/auth"
	"rostrum/shared/config"
	"rostrum/shared/store"
	"rostrum/shared/telemetry"
	"rostrum/shared/workflow/signing"
)

const (
	maxBody = 1 << 20
	// requestTime is how long a request may take: a little less than the
	// function's own timeout, so that it can still answer.
	requestTime = 25 * time.Second
)

// requestState is what the layers of one request tell each other.
type requestState struct {
	id      string
	route   string
	session *store.Session
	// query names the parameters that the route takes from the query.
	query map[string]bool
	// uncertain says that nobody knows whether the request took effect.
	uncertain bool
}

type stateKey struct{}

// stateOf returns the state of the request; an empty one outside of a request.
func stateOf(ctx context.Context) *requestState {
	if st, ok := ctx.Value(stateKey{}).(*requestState); ok {
		return st
	}
	return &requestState{}
}

// wrap puts what every request passes around the routes, outermost first.
func (s *Server) wrap(next http.Handler) http.Handler {
	return s.begin(s.recoverPanic(s.headers(s.sameOrigin(s.legible(next)))))
}

// begin gives the request its id, its time and its one line in the log.
func (s *Server) begin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := s.Clock.Now()
		st := &requestState{id: rand.Text()}
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), stateKey{}, st), requestTime)
		defer cancel()
		ctx, span := s.Tracer.Start(ctx, r.Method, telemetry.Server, r.Header.Get("Traceparent"), slog.String("request_id", st.id))
		w.Header().Set("X-Request-Id", st.id)
		rec := &statusWriter{ResponseWriter: w}
		defer func() {
			attrs := []slog.Attr{
				slog.String("request_id", st.id), slog.String("method", r.Method), slog.String("route", st.route),
				slog.Int("status", rec.Status()), slog.Int64("bytes", rec.bytes),
				slog.Float64("duration_ms", float64(s.Clock.Now().Sub(started).Microseconds())/1000),
			}
			if st.session != nil {
				attrs = append(attrs, slog.String("workspace_id", st.session.WorkspaceID.String()), slog.String("person_id", st.session.PersonID.String()))
			}
			s.Logger.LogAttrs(ctx, slog.LevelInfo, "request", attrs...)
			span.Name(r.Method + " " + st.route)
			span.End(fault(rec.Status()))
		}()
		next.ServeHTTP(rec, r.WithContext(ctx))
	})
}

// fault says what a status that is ours to mend means for a trace.
func fault(status int) string {
	if status < http.StatusInternalServerError {
		return ""
	}
	return http.StatusText(status)
}

// statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Status is the status that was answered; 200 when nothing was said.
func (w *statusWriter) Status() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// WriteHeader notes the first status.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err //nolint:wrapcheck // a writer returns the error of the one below.
}

// Unwrap lets http.ResponseController reach the writer below.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (s *Server) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.answerPanic(w, r)
		next.ServeHTTP(w, r)
	})
}

// answerPanic is deferred, so that it can recover.
func (s *Server) answerPanic(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so too.
		panic(v)
	}
	s.Logger.LogAttrs(r.Context(), slog.LevelError, "request panicked",
		slog.String("request_id", stateOf(r.Context()).id), slog.String("stack", string(debug.Stack())))
	s.writeProblem(w, r, fmt.Errorf("panic: %v", v))
}

// cspWith fits the embedded dashboard: its own scripts only; styles also inline,
// since its components set them; images from, and uploads to, where they are kept.
func cspWith(media string) string {
	if media != "" {
		media = " " + media
	}
	return "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:" + media +
		"; font-src 'self' data:; connect-src 'self'" + media + "; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if s.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses writes that another site's page makes in the browser.
func (s *Server) sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.writeProblem(w, r, apperr.New(apperr.Forbidden, "cross_origin", "another site's page may not do this").
			WithHint("Use Rostrum's own pages, or the API from a program."))
	}))
	return guard.Handler(next)
}

// guard is what a route passes before its handler: is it too much, who is it,
// may they, and was this asked before.
func (s *Server) guard(rt route, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		st := stateOf(r.Context())
		st.route = rt.path
		// Answers are of one person; no cache keeps them.
		w.Header().Set("Cache-Control", "no-store")
		if err := s.limitAddress(rt, r); err != nil {
			s.writeProblem(w, r, err)
			return
		}
		if rt.permission == public && !rt.asksWho {
			next(w, r)
			return
		}
		session, err := s.sessionOf(r)
		if rt.permission == public {
			if err == nil {
				st.session = &session
			}
			next(w, r)
			return
		}
		if err != nil {
			s.writeProblem(w, r, err)
			return
		}
		st.session = &session
		if err := s.limitSession(r, session); err != nil {
			s.writeProblem(w, r, err)
			return
		}
		if err := auth.Require(signing.Actor(session), rt.permission); err != nil {
			s.writeProblem(w, r, err)
			return
		}
		if rt.idempotent && r.Header.Get(keyHeader) != "" {
			s.once(rt, next, w, r)
			return
		}
		next(w, r)
	}
}

// sessionOf finds the session of the request's cookie.
func (s *Server) sessionOf(r *http.Request) (store.Session, error) {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return store.Session{}, signing.Required()
	}
	return s.Signing.Session(r.Context(), config.Secret(cookie.Value))
}
