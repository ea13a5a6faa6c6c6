package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// Row is an event exactly as it is stored, every column of it: what a seal covers.
type Row struct {
	// Sequence is the event's number in the log; numbers may be missing, since a
	// transaction that fails takes its own along.
	Sequence int64
	// Transaction is the number of the transaction that wrote it.
	Transaction   string
	WorkspaceID   uuid.UUID
	ID            uuid.UUID
	At            time.Time
	ActorKind     string
	ActorID       uuid.UUID
	ActorName     string
	Action        string
	SubjectKind   string
	SubjectID     uuid.UUID
	AccountID     uuid.UUID
	CorrelationID uuid.UUID
	// Detail is the stored JSON as the database writes it, which is one text for
	// one value: keys in its order, numbers as they were given.
	Detail string
}

// Digest is a SHA-256.
type Digest [sha256.Size]byte

// Seal is one link of the chain: what was there, at which place, when it was sealed.
type Seal struct {
	// Position counts from 1 without a gap.
	Position int64
	// Sequence and EventID name the event; the digest covers them with the rest.
	Sequence    int64
	EventID     uuid.UUID
	WorkspaceID uuid.UUID
	Digest      Digest
	SealedAt    time.Time
}

// form begins everything that is hashed; another form gets another number.
const form = "rostrum audit seal 1"

// Next is the seal of an event behind the one before; the zero Seal begins the
// chain. The time is kept to the microsecond, as the database keeps it.
func (s Seal) Next(r Row, at time.Time) Seal {
	next := Seal{Position: s.Position + 1, Sequence: r.Sequence, EventID: r.ID, WorkspaceID: r.WorkspaceID, SealedAt: at.UTC().Truncate(time.Microsecond)}
	b := make([]byte, 0, 512+len(r.Detail))
	b = text(b, form)
	b = append(b, s.Digest[:]...)
	b = number(b, next.Position)
	b = number(b, next.SealedAt.UnixMicro())
	b = number(b, r.Sequence)
	b = text(b, r.Transaction)
	b = append(b, r.WorkspaceID[:]...)
	b = append(b, r.ID[:]...)
	b = number(b, r.At.UnixMicro())
	b = text(b, r.ActorKind)
	b = append(b, r.ActorID[:]...)
	b = text(b, r.ActorName)
	b = text(b, r.Action)
	b = text(b, r.SubjectKind)
	b = append(b, r.SubjectID[:]...)
	b = append(b, r.AccountID[:]...)
	b = append(b, r.CorrelationID[:]...)
	b = text(b, r.Detail)
	next.Digest = sha256.Sum256(b)
	return next
}

// text is a text with its length before it, so that no two rows read alike.
func text(b []byte, s string) []byte {
	return append(number(b, int64(len(s))), s...)
}

func number(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(n))
}
