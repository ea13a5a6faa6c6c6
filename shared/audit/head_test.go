package audit_test

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
)

func TestAHeadSaysWhatWasSignedOrNothing(t *testing.T) {
	t.Parallel()
	key, err := audit.NewKey(rand.Reader)
	require.NoError(t, err)
	other, err := audit.NewKey(rand.Reader)
	require.NoError(t, err)
	head := audit.Head{Position: 7, Sequence: 9, Digest: audit.Digest{1, 2}, At: time.Date(2026, 11, 24, 20, 0, 0, 123456000, time.UTC)}
	line, err := key.Sign(head)
	require.NoError(t, err)

	read, err := audit.ReadHead(line, []audit.PublicKey{other.Public(), key.Public()})
	require.NoError(t, err)
	require.Equal(t, head, read)

	logged, err := json.Marshal(map[string]string{"msg": "audit head", "audit_head": line})
	require.NoError(t, err)
	read, err = audit.ReadHead(string(logged), []audit.PublicKey{key.Public()})
	require.NoError(t, err)
	require.Equal(t, head, read)

	for _, forged := range []string{
		strings.Replace(line, `"audit_position":7`, `"audit_position":8`, 1), strings.Replace(line, `"sequence":9`, `"sequence":8`, 1),
		strings.Replace(line, `"digest":"0102`, `"digest":"0103`, 1), strings.Replace(line, "20:00:00", "21:00:00", 1),
	} {
		require.NotEqual(t, line, forged)
		_, err = audit.ReadHead(forged, []audit.PublicKey{key.Public()})
		require.True(t, apperr.Is(err, apperr.Invalid), "%s: %v", forged, err)
	}
	_, err = audit.ReadHead(line, []audit.PublicKey{other.Public()})
	require.True(t, apperr.Is(err, apperr.Invalid), "%v", err)
	for _, text := range []string{"", "hello", `{"msg":"something else"}`} {
		_, err = audit.ReadHead(text, []audit.PublicKey{key.Public()})
		require.ErrorIs(t, err, audit.ErrNoHead)
	}
}

func TestAKeyIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	key, err := audit.NewKey(rand.Reader)
	require.NoError(t, err)
	read, err := audit.ParseKey(key.Marshal() + "\n")
	require.NoError(t, err)
	require.Equal(t, key, read)
	public, err := audit.ParsePublicKey(key.Public().String())
	require.NoError(t, err)
	require.Equal(t, key.Public(), public)
	_, err = audit.ParseKey(key.Public().String())
	require.True(t, apperr.Is(err, apperr.Invalid), "a public key does not sign: %v", err)
	_, err = audit.ParsePublicKey(key.Marshal())
	require.True(t, apperr.Is(err, apperr.Invalid), "%v", err)
	require.NotContains(t, err.Error(), key.Marshal())
}

// Two rows that differ in anything, if only in where one field ends and the
// next begins, have different seals.
func TestASealCoversEveryFieldOfTheRow(t *testing.T) {
	t.Parallel()
	row := audit.Row{
		Sequence: 1, Transaction: "2", WorkspaceID: uuid.New(), ID: uuid.New(), At: time.Unix(3, 0), ActorKind: "person", ActorID: uuid.New(),
		ActorName: "Ada", Action: "post.approved", SubjectKind: "post", SubjectID: uuid.New(), AccountID: uuid.New(), CorrelationID: uuid.New(), Detail: "{}",
	}
	at := time.Unix(4, 0)
	was := audit.Seal{}.Next(row, at)
	for name, change := range map[string]func(*audit.Row){
		"sequence": func(r *audit.Row) { r.Sequence++ }, "transaction": func(r *audit.Row) { r.Transaction = "3" },
		"workspace": func(r *audit.Row) { r.WorkspaceID = uuid.New() }, "id": func(r *audit.Row) { r.ID = uuid.New() },
		"at": func(r *audit.Row) { r.At = r.At.Add(time.Microsecond) }, "actor kind": func(r *audit.Row) { r.ActorKind = "rule" },
		"actor id": func(r *audit.Row) { r.ActorID = uuid.Nil }, "actor name": func(r *audit.Row) { r.ActorName = "Eve" },
		"action": func(r *audit.Row) { r.Action = "post.rejected" }, "subject kind": func(r *audit.Row) { r.SubjectKind = "account" },
		"subject": func(r *audit.Row) { r.SubjectID = uuid.Nil }, "account": func(r *audit.Row) { r.AccountID = uuid.Nil },
		"correlation": func(r *audit.Row) { r.CorrelationID = uuid.Nil }, "detail": func(r *audit.Row) { r.Detail = `{"a": 1}` },
		"a moved border": func(r *audit.Row) { r.ActorName, r.Action = "Adap", "ost.approved" },
	} {
		changed := row
		change(&changed)
		require.NotEqual(t, was.Digest, audit.Seal{}.Next(changed, at).Digest, name)
	}
	require.NotEqual(t, was.Digest, audit.Seal{}.Next(row, at.Add(time.Second)).Digest, "sealed at")
	require.NotEqual(t, was.Next(row, at).Digest, audit.Seal{Position: was.Position}.Next(row, at).Digest, "the seal before")
}
