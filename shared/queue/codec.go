package queue

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
)

// Version is the version of Message that Encode writes and Decode reads.
const Version = 1

// maxBody is far above any message of ours, which has some 250 bytes, or 1,500 with
// X's tokens (another network's may have a thousand letters each), and far below
// what a queue carries: a giant body is not worth parsing.
const maxBody = 16 << 10

// Kinds lists the kinds of message.
func Kinds() []Kind {
	return []Kind{GenerateDrafts, ReviewPost, PublishPost, ReconcilePost, KeepTokens, ReadMetrics}
}

// Encode returns the body of a message, at the current version. Errors: Invalid
// when Decode would refuse it.
func Encode(m Message) (json.RawMessage, error) {
	m.Version = Version
	if err := m.check(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.Kind, err)
	}
	if err := fits(body); err != nil {
		return nil, err
	}
	return body, nil
}

// Decode reads a message's body. Errors: Invalid when it is larger than 16 KiB,
// is not exactly one JSON object, is of another version or an unknown kind, or
// lacks its workspace or subject. The error never quotes the body. A field that
// is not known is passed over: a change of meaning raises the version.
func Decode(body []byte) (Message, error) {
	if err := fits(body); err != nil {
		return Message{}, err
	}
	var m Message
	if err := json.Unmarshal(body, &m); err != nil {
		return Message{}, malformed("it is not one JSON object of the expected form")
	}
	if err := m.check(); err != nil {
		return Message{}, err
	}
	return m, nil
}

func fits(body []byte) error {
	if len(body) > maxBody {
		return malformed("it has %d bytes; %d are the most", len(body), maxBody)
	}
	return nil
}

func (m Message) check() error {
	switch {
	case m.Version != Version:
		return malformed("its version is %d, not %d", m.Version, Version)
	case !slices.Contains(Kinds(), m.Kind):
		return malformed("its kind is unknown")
	case m.WorkspaceID == uuid.Nil:
		return malformed("it names no workspace")
	case m.SubjectID == uuid.Nil:
		return malformed("it names no subject")
	case m.Revision < 0:
		return malformed("its revision is negative")
	case (m.Kind == KeepTokens) != (m.Pair != nil):
		return malformed("tokens are carried by their own kind, and by no other")
	}
	return nil
}

func malformed(format string, args ...any) error {
	return apperr.New(apperr.Invalid, "malformed_message", "malformed message: "+format, args...)
}
