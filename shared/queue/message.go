// Package queue defines the messages that travel between the functions and the
// one loop that consumes them. A message carries ids and a revision, never
// content or secrets: Postgres is the truth, a queue only delivers, and losing
// every queue loses nothing. KeepTokens alone carries more: what Postgres was not
// there to take, sealed.
package queue

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Name is one of the four queues.
type Name string

// The queues. Each has a dead-letter queue beside it.
const (
	Generate Name = "generate"
	Review   Name = "review"
	Publish  Name = "publish"
	Metrics  Name = "metrics"
)

// Names lists the queues.
func Names() []Name { return []Name{Generate, Review, Publish, Metrics} }

// Kind names what a message asks for.
type Kind string

// The kinds of message.
const (
	// GenerateDrafts asks the generate function to run one generation.
	GenerateDrafts Kind = "generate_drafts"
	// ReviewPost asks the review function to review one revision of a post.
	ReviewPost Kind = "review_post"
	// PublishPost asks the publish function to send one revision of a post.
	PublishPost Kind = "publish_post"
	// ReconcilePost asks the publish function to read the account back.
	ReconcilePost Kind = "reconcile_post"
	// KeepTokens asks to store an account's renewed tokens that the database could
	// not take when the network gave them.
	KeepTokens Kind = "keep_tokens"
	// ReadMetrics asks the metrics function for one due reading of a post.
	ReadMetrics Kind = "read_metrics"
)

// Message is the body of every queue message, version 1.
type Message struct {
	Version     int       `json:"version"`
	Kind        Kind      `json:"kind"`
	WorkspaceID uuid.UUID `json:"workspace_id"`
	// SubjectID is the post, for GenerateDrafts the generation, for KeepTokens the account.
	SubjectID uuid.UUID `json:"subject_id"`
	// Revision is the post's revision at the time of sending; 0 where it does not matter.
	Revision int64 `json:"revision,omitempty"`
	// CorrelationID follows a post from draft to metrics.
	CorrelationID uuid.UUID `json:"correlation_id"`
	// Early asks to make the post ready and not to send it: another message comes
	// when it is due.
	Early bool `json:"early,omitempty"`
	// Turn is when the post was put back until, in Unix microseconds, by whoever
	// left this message; one that was put back later since has a message of its
	// own. 0 is nobody.
	Turn int64 `json:"turn,omitempty"`
	// Pair is of KeepTokens.
	Pair *SealedPair `json:"pair,omitempty"`
}

// SealedPair is a renewed pair of tokens as it is to lie in the database: sealed
// for its account and its version, one above From, so that it opens nowhere else.
type SealedPair struct {
	From      int64     `json:"from"`
	Access    []byte    `json:"access"`
	Refresh   []byte    `json:"refresh"`
	Scopes    []string  `json:"scopes"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Envelope is a message on its way out: which queue, and after what delay.
type Envelope struct {
	ID    uuid.UUID // the outbox row
	Queue Name
	Body  json.RawMessage
	// Group is the fair-queue group: the workspace.
	Group string
	// Traceparent names the work that the message comes from (W3C Trace Context);
	// it may be empty.
	Traceparent string
	// Delay is how long the queue holds it back: whole seconds, 0 to 900.
	Delay time.Duration
}

// Sender puts envelopes on their queues. It returns the ids that were taken;
// an error says why some were not. Sending one twice is harmless to receivers.
type Sender interface {
	Send(ctx context.Context, envelopes []Envelope) (sent []uuid.UUID, err error)
}
