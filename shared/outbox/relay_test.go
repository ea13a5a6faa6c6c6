package outbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/clock"
	"rostrum/shared/outbox"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sender takes what take lets it, and remembers.
type sender struct {
	mu   sync.Mutex
	sent []queue.Envelope
	take func(queue.Envelope) bool
}

func (s *sender) Send(_ context.Context, envelopes []queue.Envelope) ([]uuid.UUID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []uuid.UUID
	for _, e := range envelopes {
		if s.take != nil && !s.take(e) {
			continue
		}
		s.sent = append(s.sent, e)
		ids = append(ids, e.ID)
	}
	if len(ids) < len(envelopes) {
		return ids, errors.New("the queue is away")
	}
	return ids, nil
}

type bundle struct {
	*storetest.World
	relay  *outbox.Relay
	sender *sender
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{World: storetest.NewWorld(t), sender: &sender{}}
	b.relay = &outbox.Relay{Store: b.API, Sender: b.sender, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)}
	return b
}

func (b *bundle) message() queue.Message {
	return queue.Message{Kind: queue.PublishPost, WorkspaceID: b.Workspace, SubjectID: uuid.New(), Revision: 3, CorrelationID: uuid.New()}
}

// unsent counts the rows that are not marked, however young.
func (b *bundle) unsent(t *testing.T) int {
	t.Helper()
	n := 0
	require.NoError(t, b.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		rows, err := tx.Unsent(ctx, 0, 1000)
		n = len(rows)
		return err
	}))
	return n
}

func TestWhatIsLeftForAnotherFunctionIsToldWithItsCorrelationID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var logged bytes.Buffer
	b.relay.Logger = telemetry.NewLogger(&logged, "info")
	m := b.message()
	require.NoError(t, b.relay.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		return outbox.Enqueue(ctx, tx, queue.Publish, m, time.Now())
	}))
	require.Contains(t, logged.String(), `"msg":"message left"`)
	require.Contains(t, logged.String(), `"correlation_id":"`+m.CorrelationID.String()+`"`)
}

func TestMessagesCarryTheTraceOfTheirWriter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var none *telemetry.Tracer
	ctx, span := none.Start(t.Context(), "request", telemetry.Server, "")
	defer span.End("")
	require.NoError(t, b.relay.InWorkspace(ctx, b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		return outbox.Enqueue(ctx, tx, queue.Publish, b.message(), time.Now())
	}))
	require.Len(t, b.sender.sent, 1)
	require.NotEmpty(t, b.sender.sent[0].Traceparent)
	require.Equal(t, telemetry.Traceparent(ctx), b.sender.sent[0].Traceparent)
}

func TestCommittedMessagesAreSentAndMarked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	m := b.message()
	require.NoError(t, b.relay.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		require.Empty(t, b.sender.sent, "nothing leaves before the commit")
		return outbox.Enqueue(ctx, tx, queue.Publish, m, now.Add(90*time.Second))
	}))
	require.Len(t, b.sender.sent, 1)
	e := b.sender.sent[0]
	require.Equal(t, queue.Publish, e.Queue)
	require.Equal(t, b.Workspace.String(), e.Group)
	require.GreaterOrEqual(t, e.Delay, 80*time.Second)
	require.Less(t, e.Delay, 90*time.Second, "never later than asked for")
	var got queue.Message
	require.NoError(t, json.Unmarshal(e.Body, &got))
	m.Version = 1
	require.Equal(t, m, got)
	require.Zero(t, b.unsent(t))
}

func TestRolledBackMessagesNeverLeave(t *testing.T) {
	t.Parallel()
	b := setup(t)
	boom := errors.New("boom")
	err := b.relay.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		if err := outbox.Enqueue(ctx, tx, queue.Review, b.message(), time.Now()); err != nil {
			return err
		}
		return boom
	})
	require.ErrorIs(t, err, boom)
	require.Empty(t, b.sender.sent)
	require.Zero(t, b.unsent(t))
}

func TestWhatTheQueueDidNotTakeIsLeftToTheSweep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.sender.take = func(e queue.Envelope) bool { return e.Queue != queue.Metrics }
	require.NoError(t, b.relay.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		if err := outbox.Enqueue(ctx, tx, queue.Review, b.message(), time.Now()); err != nil {
			return err
		}
		return outbox.Enqueue(ctx, tx, queue.Metrics, b.message(), time.Now())
	}), "the state is committed, so the caller has nothing to repeat")
	require.Equal(t, 1, b.unsent(t))

	worker := &outbox.Relay{Store: b.Worker, Sender: b.sender, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)}
	n, err := worker.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "its writer may be sending it right now")

	b.age(t, time.Minute)
	n, err = worker.Sweep(t.Context())
	require.Error(t, err, "the queue is still away")
	require.Zero(t, n)
	b.sender.take = nil
	n, err = worker.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Zero(t, b.unsent(t))
	require.Equal(t, queue.Metrics, b.sender.sent[1].Queue)
	n, err = worker.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestSweepTakesMoreThanOnePage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.sender.take = func(queue.Envelope) bool { return false }
	const rows = 1100
	require.NoError(t, b.relay.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		for range rows {
			if err := outbox.Enqueue(ctx, tx, queue.Review, b.message(), time.Now()); err != nil {
				return err
			}
		}
		return nil
	}))
	b.age(t, time.Minute)
	b.sender.take = nil
	worker := &outbox.Relay{Store: b.Worker, Sender: b.sender, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)}
	n, err := worker.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, rows, n)
	require.Zero(t, b.unsent(t))
}

// One queue is away and its rows are the oldest: those of the others behind them
// leave all the same.
func TestAQueueThatIsAwayKeepsNoOthersRowsBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const away = 600
	b.sender.take = func(queue.Envelope) bool { return false }
	enqueue := func(n int, q queue.Name) {
		all := make([]outbox.Delivery, n)
		for i := range all {
			all[i] = outbox.Delivery{Queue: q, Message: b.message(), At: time.Now()}
		}
		require.NoError(t, b.relay.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
			return outbox.EnqueueAll(ctx, tx, all)
		}))
	}
	enqueue(1, queue.Review)
	enqueue(away, queue.Metrics)
	enqueue(1, queue.Publish)
	b.age(t, time.Minute)
	b.sender.take = func(e queue.Envelope) bool { return e.Queue != queue.Metrics }
	worker := &outbox.Relay{Store: b.Worker, Sender: b.sender, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)}
	n, err := worker.Sweep(t.Context())
	require.Error(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, away, b.unsent(t))
}

// hurried is a clock that goes ten seconds further each time it is looked at.
type hurried struct {
	clock.System

	looks *time.Duration
}

func (h hurried) Now() time.Time {
	*h.looks += 10 * time.Second
	return time.Now().Add(*h.looks)
}

// Between the reading of the database's clock and the sending lies a commit.
func TestADelayIsShorterByTheTimeThatTheCommitTook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.relay.Clock = hurried{looks: new(time.Duration)}
	require.NoError(t, b.relay.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		return outbox.Enqueue(ctx, tx, queue.Publish, b.message(), now.Add(90*time.Second))
	}))
	require.Len(t, b.sender.sent, 1)
	require.LessOrEqual(t, b.sender.sent[0].Delay, 80*time.Second)
}

func TestAcrossCarriesMessagesOfSeveralWorkspaces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other, _ := b.AddWorkspace(t, "Other", "bo@example.com")
	worker := &outbox.Relay{Store: b.Worker, Sender: b.sender, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)}
	require.NoError(t, worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, workspace := range []uuid.UUID{b.Workspace, other} {
			m := b.message()
			m.WorkspaceID = workspace
			if err := outbox.Enqueue(ctx, tx, queue.Publish, m, time.Now()); err != nil {
				return err
			}
		}
		return nil
	}))
	require.Len(t, b.sender.sent, 2)
	require.NotEqual(t, b.sender.sent[0].Group, b.sender.sent[1].Group)
	require.Zero(t, b.unsent(t))
}

// age makes every row look written earlier.
func (b *bundle) age(t *testing.T, by time.Duration) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.URL.Reveal())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	_, err = conn.Exec(t.Context(), "UPDATE outbox SET created_at = created_at - make_interval(secs => $1)", by.Seconds())
	require.NoError(t, err)
}
