package store

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// binaryUUID speaks pgx's own interface for a uuid. Without it pgx takes the way
// of database/sql and turns each into text and back, which in a group of a
// hundred posts was a sixth of the sender's work.
type binaryUUID uuid.UUID

// UUIDValue gives the bytes as they are.
func (u binaryUUID) UUIDValue() (pgtype.UUID, error) { return pgtype.UUID{Bytes: u, Valid: true}, nil }

// encodeUUIDs teaches a connection to send uuid.UUID in binary.
func encodeUUIDs(m *pgtype.Map) {
	m.TryWrapEncodePlanFuncs = append([]pgtype.TryWrapEncodePlanFunc{
		func(value any) (pgtype.WrappedEncodePlanNextSetter, any, bool) {
			if id, ok := value.(uuid.UUID); ok {
				return &uuidPlan{}, binaryUUID(id), true
			}
			return nil, nil, false
		},
	}, m.TryWrapEncodePlanFuncs...)
}

type uuidPlan struct{ next pgtype.EncodePlan }

// SetNext takes the plan that encodes what this one unwraps.
func (p *uuidPlan) SetNext(next pgtype.EncodePlan) { p.next = next }

// Encode appends the value to buf.
func (p *uuidPlan) Encode(value any, buf []byte) ([]byte, error) {
	id, _ := value.(uuid.UUID)
	return p.next.Encode(binaryUUID(id), buf)
}
