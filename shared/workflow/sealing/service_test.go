package sealing_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/audit"
	"rostrum/shared/clock"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/workflow/sealing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a world with a sealer, the heads it keeps, and a superuser who means ill.
type bench struct {
	*storetest.World
	service *sealing.Service
	conn    *pgx.Conn

	mu    sync.Mutex
	lines []string
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{World: storetest.NewWorld(t)}
	key, err := audit.NewKey(rand.Reader)
	require.NoError(t, err)
	b.service = &sealing.Service{
		Store: b.Worker, Key: &key, Keep: b.keep, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler),
	}
	b.conn, err = pgx.Connect(t.Context(), b.URL.Reveal())
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.conn.Close(context.WithoutCancel(t.Context())) })
	return b
}

func (b *bench) keep(_ context.Context, line string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line)
	return nil
}

func (b *bench) heads(t *testing.T) []audit.Head {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var heads []audit.Head
	for _, line := range b.lines {
		h, err := audit.ReadHead(line, []audit.PublicKey{b.service.Key.Public()})
		require.NoError(t, err)
		heads = append(heads, h)
	}
	return heads
}

// exec runs SQL as somebody whom neither triggers nor rights hold back.
func (b *bench) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	require.NoError(t, pgx.BeginFunc(t.Context(), b.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SET LOCAL session_replication_role = replica"); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), sql, args...)
		return err
	}))
}

func (b *bench) happen(t *testing.T, actions ...string) {
	t.Helper()
	require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		for _, action := range actions {
			err := tx.Record(ctx, audit.Event{Actor: b.Person, Action: action, SubjectKind: "post", SubjectID: uuid.New(), Detail: map[string]any{"n": 1.50, "why": "a <b> \u00e9"}})
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

func (b *bench) seal(t *testing.T) {
	t.Helper()
	require.NoError(t, b.service.Seal(t.Context()))
}

func (b *bench) check(t *testing.T) sealing.Report {
	t.Helper()
	r, err := b.service.Check(t.Context(), b.heads(t))
	require.NoError(t, err)
	require.True(t, r.Whole)
	return r
}

func (b *bench) sequenceOf(t *testing.T, action string) (seq int64, id uuid.UUID) {
	t.Helper()
	require.NoError(t, b.conn.QueryRow(t.Context(), "SELECT seq, id FROM audit_events WHERE action = $1", action).Scan(&seq, &id))
	return seq, id
}

// pass moves the sealer's mark behind what is sealed, as minutes would.
func (b *bench) pass(t *testing.T) {
	t.Helper()
	for range 3 {
		b.exec(t, "UPDATE audit_sealer SET next_at = next_at - interval '1 hour'")
		b.happen(t, "time.passed")
		b.seal(t)
	}
}

func TestEveryEventIsSealedOnceAndTheLogVerifies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.True(t, b.check(t).Intact(), "an empty chain is intact")
	for range 3 {
		b.happen(t, "a", "b")
		b.seal(t)
		b.seal(t)
	}
	r := b.check(t)
	require.Empty(t, r.Faults)
	require.EqualValues(t, 6, r.Events)
	require.Zero(t, r.Waiting.Events)
	require.Len(t, b.heads(t), 3, "a run that sealed nothing keeps no head")
	b.happen(t, "c")
	require.EqualValues(t, 1, b.check(t).Waiting.Events)
}

func TestAnEventThatIsCommittedLateIsSealedToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
			err := tx.Record(ctx, audit.Event{Actor: b.Person, Action: "late", SubjectKind: "post"})
			close(begun)
			<-goOn
			return err
		})
	}()
	<-begun
	b.happen(t, "early")
	b.pass(t)
	late := b.check(t)
	require.EqualValues(t, 4, late.Events)
	require.Empty(t, late.Faults)
	close(goOn)
	require.NoError(t, <-done)
	first, _ := b.sequenceOf(t, "late")
	second, _ := b.sequenceOf(t, "early")
	require.Less(t, first, second)
	b.seal(t)
	r := b.check(t)
	require.Empty(t, r.Faults)
	require.EqualValues(t, 5, r.Events)
	require.Zero(t, r.Waiting.Events)
}

func TestTenSealersAtOnceMakeOneChain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wg sync.WaitGroup
	errs := make([]error, 10)
	for i := range errs {
		wg.Go(func() {
			for n := range 5 {
				err := b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
					return tx.Record(ctx, audit.Event{Actor: b.Person, Action: fmt.Sprintf("e%d.%d", i, n), SubjectKind: "post"})
				})
				if err == nil {
					err = b.service.Seal(t.Context())
				}
				if err != nil {
					errs[i] = err
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	b.seal(t)
	r := b.check(t)
	require.Empty(t, r.Faults)
	require.EqualValues(t, 50, r.Events)
}

// Fault scenario 29: whatever a superuser does to the log, the check names it.
func TestTheCheckNamesWhatASuperuserDid(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		harm string
		// event is whose number and id the first fault must carry; empty for none.
		event string
		want  string
	}{
		"AnEventIsEdited":          {"UPDATE audit_events SET actor_name = 'Eve' WHERE action = 'e3'", "e3", "is not as it was sealed"},
		"ADetailIsEdited":          {`UPDATE audit_events SET detail = '{"n": 1.5, "why": "other"}' WHERE action = 'e3'`, "e3", "is not as it was sealed"},
		"ATimeIsMovedByALittle":    {"UPDATE audit_events SET at = at - interval '1 microsecond' WHERE action = 'e3'", "e3", "is not as it was sealed"},
		"AnEventIsDeleted":         {"DELETE FROM audit_events WHERE action = 'e3'", "e3", "was deleted"},
		"AnEventMovesToAWorkspace": {"UPDATE audit_events SET workspace_id = gen_random_uuid() WHERE action = 'e3'", "e3", "has another event"},
		"TwoEventsChangePlaces": {`DO $$ DECLARE three audit_events; four audit_events; BEGIN
			SELECT * INTO three FROM audit_events WHERE action = 'e3'; SELECT * INTO four FROM audit_events WHERE action = 'e4';
			UPDATE audit_events SET id = gen_random_uuid() WHERE seq = four.seq;
			UPDATE audit_events SET id = four.id, action = four.action, subject_id = four.subject_id, at = four.at, xid = four.xid WHERE seq = three.seq;
			UPDATE audit_events SET id = three.id, action = three.action, subject_id = three.subject_id, at = three.at, xid = three.xid WHERE seq = four.seq;
			END $$`, "e3", "has another event"},
		"TwoSealsChangePlaces": {`UPDATE audit_seals a SET event_seq = -b.event_seq, event_id = b.event_id FROM audit_seals b
			WHERE a.position + b.position = 7 AND a.position IN (3, 4)`, "", "was deleted"},
		"AnEventAndItsSealAreDeleted": {`WITH gone AS (DELETE FROM audit_events WHERE action = 'e3' RETURNING seq)
			DELETE FROM audit_seals WHERE event_seq = (SELECT seq FROM gone)`, "", "the seals 3 to 3 are gone"},
		"TheFirstIsDeleted": {`WITH gone AS (DELETE FROM audit_events WHERE action = 'e1' RETURNING seq)
			DELETE FROM audit_seals WHERE event_seq = (SELECT seq FROM gone)`, "", "the seals 1 to 1 are gone"},
		"TheEndIsCutOff": {`WITH gone AS (DELETE FROM audit_events WHERE action IN ('e5', 'e6') OR action LIKE 'time%' RETURNING seq)
			DELETE FROM audit_seals WHERE event_seq IN (SELECT seq FROM gone)`, "", "the end is gone: the chain ends at position 4"},
		"EverythingIsGone": {`WITH gone AS (DELETE FROM audit_events RETURNING seq)
			DELETE FROM audit_seals WHERE event_seq IN (SELECT seq FROM gone)`, "", "the end is gone: the chain ends at position 0"},
		"AnEventIsPutIn": {`INSERT INTO audit_events (seq, workspace_id, id, at, actor_kind, actor_id, actor_name, action, subject_kind, subject_id)
			OVERRIDING SYSTEM VALUE SELECT -1, workspace_id, gen_random_uuid(), at, actor_kind, actor_id, actor_name, 'put.in', subject_kind, subject_id
			FROM audit_events WHERE action = 'e3'`, "put.in", "was put among events that were sealed already"},
		"ASealIsEdited":   {"UPDATE audit_seals SET sealed_at = sealed_at - interval '1 day' WHERE position = 3", "e3", "is not as it was sealed"},
		"ADigestIsEdited": {"UPDATE audit_seals SET digest = sha256('x') WHERE position = 3", "e3", "is not as it was sealed"},
		"ASealIsDeleted":  {"DELETE FROM audit_seals WHERE position = 3", "", "the seals 3 to 3 are gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			for i := range 6 {
				b.happen(t, fmt.Sprintf("e%d", i+1))
				b.seal(t)
			}
			b.pass(t)
			require.True(t, b.check(t).Intact())
			var seq int64
			var id uuid.UUID
			if tc.event != "" && tc.event != "put.in" {
				seq, id = b.sequenceOf(t, tc.event)
			}
			b.exec(t, tc.harm)
			if tc.event == "put.in" {
				seq, id = b.sequenceOf(t, tc.event)
			}
			r := b.check(t)
			require.NotEmpty(t, r.Faults)
			require.Contains(t, r.Faults[0].What, tc.want)
			if tc.event != "" {
				require.Equal(t, seq, r.Faults[0].Sequence)
				require.Equal(t, id, r.Faults[0].EventID)
			}
			b.seal(t)
			require.NotEmpty(t, b.check(t).Faults, "the sealer does not cover it up")
		})
	}
}

// Whoever owns the database can make the whole chain anew. Only the heads that
// are kept elsewhere tell.
func TestAChainMadeAnewDiffersFromItsSignedHeads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 4 {
		b.happen(t, fmt.Sprintf("e%d", i+1))
		b.seal(t)
	}
	b.exec(t, "UPDATE audit_events SET actor_name = 'Eve' WHERE action = 'e3'")
	b.exec(t, "DELETE FROM audit_seals")
	b.exec(t, "UPDATE audit_sealer SET low_seq = 0")
	forger := *b.service
	forger.Keep = func(context.Context, string) error { return nil }
	require.NoError(t, forger.Seal(t.Context()))
	r, err := b.service.Check(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, r.Faults, "without heads it cannot be told")
	r = b.check(t)
	require.Len(t, r.Faults, 1)
	require.Contains(t, r.Faults[0].What, "the chain was made anew: position 1 is not what was signed")
}

func TestAnEventThatIsDatedBackIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.happen(t, "before")
	b.seal(t)
	b.exec(t, `INSERT INTO audit_events (workspace_id, id, at, actor_kind, actor_id, actor_name, action, subject_kind, subject_id)
		SELECT workspace_id, gen_random_uuid(), at - interval '3 days', actor_kind, actor_id, actor_name, 'dated.back', subject_kind, subject_id FROM audit_events`)
	b.seal(t)
	r := b.check(t)
	require.Len(t, r.Faults, 1)
	seq, _ := b.sequenceOf(t, "dated.back")
	require.Equal(t, seq, r.Faults[0].Sequence)
	require.Contains(t, r.Faults[0].What, "was written after events of")
}

// A restored database counts its transactions anew; the sealer must not wait
// for numbers that will not come for years.
func TestTheSealerGoesOnInARestoredDatabase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.happen(t, "before")
	b.seal(t)
	b.exec(t, "UPDATE audit_sealer SET next_xid = '99999999999', next_at = now() - interval '1 day'")
	var low int64
	// Other tests' transactions on the same server hold the mark back.
	require.Eventually(t, func() bool {
		b.pass(t)
		require.NoError(t, b.conn.QueryRow(t.Context(), "SELECT low_seq FROM audit_sealer").Scan(&low))
		return low > 0
	}, time.Minute, time.Millisecond)
	require.True(t, b.check(t).Intact())
}

func TestWhatHasRunOutIsSweptAndTheLogStillVerifies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.happen(t, "before")
	b.seal(t)
	require.NoError(t, b.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.DeleteExpired(ctx)
		return err
	}))
	require.True(t, b.check(t).Intact())
	require.NoError(t, b.service.Daily(t.Context()))
	var intact bool
	var position int64
	require.NoError(t, b.conn.QueryRow(t.Context(), "SELECT verified_intact, verified_position FROM audit_sealer").Scan(&intact, &position))
	require.True(t, intact)
	require.EqualValues(t, 1, position)
	b.exec(t, "DELETE FROM audit_events")
	require.NoError(t, b.service.Daily(t.Context()))
	require.NoError(t, b.conn.QueryRow(t.Context(), "SELECT verified_intact FROM audit_sealer").Scan(&intact))
	require.False(t, intact)
}

func TestASealerWithLittleTimeStopsBetweenPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.happen(t, "a")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.NoError(t, b.service.Seal(ctx))
	require.EqualValues(t, 1, b.check(t).Waiting.Events)
	b.seal(t)
	require.Zero(t, b.check(t).Waiting.Events)
}
