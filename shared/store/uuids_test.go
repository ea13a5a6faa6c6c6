package store

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"
)

func TestIDsTravelAsTheyAre(t *testing.T) {
	t.Parallel()
	m := pgtype.NewMap()
	encodeUUIDs(m)
	id := uuid.Must(uuid.NewV7())
	plan := m.PlanEncode(pgtype.UUIDOID, pgtype.BinaryFormatCode, id)
	require.IsType(t, &uuidPlan{}, plan)
	got, err := plan.Encode(id, nil)
	require.NoError(t, err)
	require.Equal(t, id[:], got)

	list, err := m.Encode(pgtype.UUIDArrayOID, pgtype.BinaryFormatCode, []uuid.UUID{id, uuid.Nil}, nil)
	require.NoError(t, err)
	var back []uuid.UUID
	require.NoError(t, m.Scan(pgtype.UUIDArrayOID, pgtype.BinaryFormatCode, list, &back))
	require.Equal(t, []uuid.UUID{id, uuid.Nil}, back)
	var none *uuid.UUID
	null, err := m.Encode(pgtype.UUIDOID, pgtype.BinaryFormatCode, none, nil)
	require.NoError(t, err)
	require.Nil(t, null, "no id is NULL")
}
