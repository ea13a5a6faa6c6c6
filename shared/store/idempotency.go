package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
	"rostrum/shared/store/internal/dbsqlc"
)

// IdempotencyKey names one request of one principal on one route.
type IdempotencyKey struct {
	WorkspaceID uuid.UUID
	Principal   string
	Route       string
	Key         string // 1 to 200 characters
	BodyHash    []byte
}

// StoredAnswer is the first answer to an idempotent request.
type StoredAnswer struct {
	Status  int
	Headers map[string]string
	Body    []byte
}

// The time after which a claimed key without an answer belongs to a request
// that died: no function runs longer.
const deadClaim = 2 * time.Minute

// ClaimKey claims a key for keep. It returns nil when the caller owns it now
// and must answer or release it, and the first answer when there is one.
// Errors, all Conflict: in_progress while the first request runs,
// idempotency_unknown when it died without an answer, idempotency_key_reused
// when the body was another; and Unavailable.
func (tx *Tx) ClaimKey(ctx context.Context, k IdempotencyKey, keep time.Duration) (*StoredAnswer, error) {
	n, err := tx.q.ClaimIdempotencyKey(ctx, dbsqlc.ClaimIdempotencyKeyParams{
		WorkspaceID: k.WorkspaceID, Principal: k.Principal, Route: k.Route, Key: k.Key, BodyHash: k.BodyHash, KeepSeconds: keep.Seconds(),
	})
	if err != nil {
		return nil, fmt.Errorf("claim idempotency key: %w", classify(err))
	}
	if n == 1 {
		return nil, nil //nolint:nilnil // nothing stored yet: the caller owns the key
	}
	r, err := tx.q.IdempotencyKey(ctx, dbsqlc.IdempotencyKeyParams{
		WorkspaceID: k.WorkspaceID, Principal: k.Principal, Route: k.Route, Key: k.Key,
	})
	if err != nil {
		return nil, fmt.Errorf("read idempotency key: %w", classify(err))
	}
	if !bytes.Equal(r.BodyHash, k.BodyHash) {
		return nil, apperr.New(apperr.Conflict, "idempotency_key_reused", "this Idempotency-Key was used with another request").
			WithHint("Use a new key for a new request.")
	}
	if r.Status == nil {
		if seconds(r.AgeSeconds) > deadClaim {
			return nil, apperr.New(apperr.Conflict, "idempotency_unknown", "the first request with this key never finished; it may have been carried out").
				WithHint("Look whether it was carried out, then use a new key.")
		}
		return nil, apperr.New(apperr.Conflict, "in_progress", "the first request with this key is still running").
			WithHint("Repeat in a moment.").WithRetryAfter(time.Second)
	}
	a := StoredAnswer{Status: int(*r.Status), Body: r.Response}
	if err := json.Unmarshal(r.Headers, &a.Headers); err != nil {
		return nil, fmt.Errorf("decode stored headers: %w", err)
	}
	return &a, nil
}

// AnswerKey stores the answer of a claimed key.
func (tx *Tx) AnswerKey(ctx context.Context, k IdempotencyKey, a StoredAnswer) error {
	headers, err := json.Marshal(a.Headers)
	if err != nil {
		return fmt.Errorf("encode headers to store: %w", err)
	}
	err = tx.q.AnswerIdempotencyKey(ctx, dbsqlc.AnswerIdempotencyKeyParams{
		Status: int32(a.Status), Response: a.Body, Headers: headers,
		WorkspaceID: k.WorkspaceID, Principal: k.Principal, Route: k.Route, Key: k.Key,
	})
	if err != nil {
		return fmt.Errorf("store idempotent answer: %w", classify(err))
	}
	return nil
}

// ReleaseKey gives a claimed key back: the request did nothing.
func (tx *Tx) ReleaseKey(ctx context.Context, k IdempotencyKey) error {
	err := tx.q.ReleaseIdempotencyKey(ctx, dbsqlc.ReleaseIdempotencyKeyParams{
		WorkspaceID: k.WorkspaceID, Principal: k.Principal, Route: k.Route, Key: k.Key,
	})
	if err != nil {
		return fmt.Errorf("release idempotency key: %w", classify(err))
	}
	return nil
}
