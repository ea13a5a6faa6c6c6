package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"rostrum/shared/apperr"
	"rostrum/shared/store"
)

const (
	keyHeader    = "Idempotency-Key"
	replayHeader = "Idempotency-Replayed"
	codeBadKey   = "bad_idempotency_key"
	maxKey       = 200
	keepKey      = 24 * time.Hour
)

// once answers a request with an Idempotency-Key: the first one runs and its
// answer is stored; a repeat gets that answer. A request that failed has done
// nothing, so its key is free again, unless nobody knows.
func (s *Server) once(rt route, next http.HandlerFunc, w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	key, err := keyOf(r, rt, body)
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	first, err := s.claim(r.Context(), key)
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	if first != nil {
		replay(w, *first)
		return
	}
	answer := &recorder{ResponseWriter: w}
	// Whatever comes of the client, the answer must be on record.
	defer s.settle(context.WithoutCancel(r.Context()), key, answer)
	next(answer, r)
	answer.finished = true
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || len(body) > maxBody {
		return nil, apperr.New(apperr.TooLarge, "body_too_large", "the body is larger than 1 MiB").WithHint("Send less at once.")
	}
	if err != nil {
		return nil, apperr.New(apperr.Invalid, "bad_body", "the body could not be read").WithHint("Try again.").WithCause(err)
	}
	return body, nil
}

func keyOf(r *http.Request, rt route, body []byte) (store.IdempotencyKey, error) {
	bad := func(why string) error {
		return apperr.New(apperr.Invalid, codeBadKey, "the Idempotency-Key %s", why).WithHint("Send one key of 1 to 200 characters without a comma.")
	}
	values := r.Header.Values(keyHeader)
	key := values[0]
	switch {
	// API Gateway joins repeated headers with a comma, and the adapter splits
	// them again: a key with a comma cannot be told from two keys.
	case len(values) > 1 || strings.Contains(key, ","):
		return store.IdempotencyKey{}, bad("holds a comma or was sent twice")
	case utf8.RuneCountInString(key) > maxKey || !utf8.ValidString(key):
		return store.IdempotencyKey{}, bad("is longer than 200 characters")
	}
	session := stateOf(r.Context()).session
	sum := sha256.New()
	// The path counts: an id in it is part of what is asked.
	sum.Write([]byte(r.URL.Path))
	sum.Write([]byte{0})
	sum.Write(body)
	return store.IdempotencyKey{
		WorkspaceID: session.WorkspaceID, Principal: session.PersonID.String(), Route: rt.id, Key: key, BodyHash: sum.Sum(nil),
	}, nil
}

func (s *Server) claim(ctx context.Context, key store.IdempotencyKey) (*store.StoredAnswer, error) {
	var first *store.StoredAnswer
	err := s.Store.InWorkspace(ctx, key.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		var err error
		first, err = tx.ClaimKey(ctx, key, keepKey)
		return err
	})
	return first, err
}

func (s *Server) settle(ctx context.Context, key store.IdempotencyKey, a *recorder) {
	if stateOf(ctx).uncertain {
		return
	}
	err := s.Store.InWorkspace(ctx, key.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		if !a.finished || a.Status() >= http.StatusBadRequest {
			return tx.ReleaseKey(ctx, key)
		}
		headers := map[string]string{}
		for _, name := range []string{"Content-Type", "Etag", "Location"} {
			if v := a.Header().Get(name); v != "" {
				headers[name] = v
			}
		}
		return tx.AnswerKey(ctx, key, store.StoredAnswer{Status: a.Status(), Headers: headers, Body: a.body.Bytes()})
	})
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "idempotent answer not stored",
			slog.String("request_id", stateOf(ctx).id), slog.String("error", err.Error()))
	}
}

func replay(w http.ResponseWriter, a store.StoredAnswer) {
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	w.Header().Set(replayHeader, "true")
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}

// recorder passes an answer on and keeps it.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	// finished says that the handler came to its end.
	finished bool
}

// Status is the status that was answered.
func (w *recorder) Status() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// WriteHeader keeps the status.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write keeps the bytes.
func (w *recorder) Write(b []byte) (int, error) {
	w.body.Write(b)
	return w.ResponseWriter.Write(b) //nolint:wrapcheck // a writer returns the error of the one below.
}
