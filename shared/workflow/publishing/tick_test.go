package publishing_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/simulator/fault"
	"rostrum/shared/telemetry/telemetrytest"
	"rostrum/shared/workflow/publishing"
)

func secret(s string) config.Secret { return config.Secret(s) }

func TestEachStepOfATickWaitsForAQuietMoment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	over := errors.New("the invocation is over")
	waits, handedAt := 0, 0
	b.service.Quiet = func(context.Context) error {
		if waits++; handedAt == 0 && len(b.sent.of(t, queue.PublishPost)) > 0 {
			handedAt = waits
		}
		return nil
	}
	b.Scheduled(t, time.Minute, "hello")
	require.NoError(t, b.service.Tick(t.Context()))
	require.Greater(t, handedAt, 1, "others came before")
	require.Greater(t, waits, handedAt, "and after")

	b.Scheduled(t, time.Minute, "another")
	b.service.Quiet = func(context.Context) error { return over }
	require.ErrorIs(t, b.service.Tick(t.Context()), over)
	require.Len(t, b.sent.of(t, queue.PublishPost), 1)
}

func TestATickBeginsBetweenTheSecondsThatPostsAreDueAt(t *testing.T) {
	t.Parallel()
	second := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for into := time.Duration(0); into < time.Second; into += 50 * time.Millisecond {
		at := second.Add(into)
		wait := publishing.Between(at)
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.LessOrEqual(t, wait, 800*time.Millisecond, "what is to be handed out does not wait for long")
		begins := time.Duration(at.Add(wait).Nanosecond())
		require.GreaterOrEqual(t, begins, 100*time.Millisecond, "those of the second have gone out")
		require.LessOrEqual(t, begins, 300*time.Millisecond, "those of the next have not begun")
	}
}

func TestTenTicksAtOnceHandOutEachPostOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 30 {
		b.Scheduled(t, time.Duration(i)*time.Second, "hello")
	}
	b.Scheduled(t, time.Hour, "not yet")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { require.NoError(t, b.service.Tick(t.Context())) })
	}
	wg.Wait()
	seen := map[uuid.UUID]int{}
	for _, e := range b.sent.of(t, queue.PublishPost) {
		m, err := queue.Decode(e.Body)
		require.NoError(t, err)
		seen[m.SubjectID]++
	}
	require.Len(t, seen, 30)
	for id, n := range seen {
		require.Equal(t, 1, n, id)
	}
}

func TestAMessageArrivesASecondBeforeItsPostIsDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Scheduled(t, 100*time.Second, "hello")
	require.NoError(t, b.service.Tick(t.Context()))
	e := b.sent.of(t, queue.PublishPost)[0]
	arrives := time.Now().Add(e.Delay)
	require.True(t, arrives.Before(p.Schedule.DueAt), "it must be there before the post is due")
	require.Less(t, p.Schedule.DueAt.Sub(arrives), 3*time.Second)
	require.Equal(t, b.Workspace.String(), e.Group, "the fair-queue group is the workspace")
}

func TestAQueueThatWasDownLosesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.sent.down = true
	p := b.Scheduled(t, 0, "hello")
	require.NoError(t, b.service.Tick(t.Context()))
	require.Empty(t, b.sent.of(t, queue.PublishPost))
	b.sent.down = false
	require.NoError(t, b.service.Tick(t.Context()))
	require.Empty(t, b.sent.of(t, queue.PublishPost), "its writer might be sending it")
	b.exec(t, "UPDATE outbox SET created_at = created_at - interval '11 seconds'")
	require.NoError(t, b.service.Tick(t.Context()))
	require.Len(t, b.sent.of(t, queue.PublishPost), 1)
	b.send(t, p)
	require.Equal(t, []string{"hello"}, b.audienceTexts())
}

func TestAStartWithEmptyQueuesHandsOutAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Scheduled(t, time.Minute, "hello")
	require.NoError(t, b.service.Tick(t.Context()))
	require.NoError(t, b.service.Recover(t.Context()))
	require.Len(t, b.sent.of(t, queue.PublishPost), 2)
	require.NoError(t, b.service.Tick(t.Context()))
	require.Len(t, b.sent.of(t, queue.PublishPost), 2)
}

func TestAnOverdueLookIsAskedForAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Scheduled(t, 0, "hello")
	b.begun(t, p, 0, "")
	b.leaseEnds(t)
	require.NoError(t, b.service.Tick(t.Context()))
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
	asked := len(b.sent.of(t, queue.ReconcilePost))
	b.exec(t, "UPDATE posts SET reconcile_at = reconcile_at - interval '1 minute'")
	require.NoError(t, b.service.Tick(t.Context()))
	require.Len(t, b.sent.of(t, queue.ReconcilePost), asked+1)
}

// off is the system's clock, moved.
type off struct {
	clock.System

	by time.Duration
}

func (c off) Now() time.Time { return c.System.Now().Add(c.by) }

// An alarm hangs on the word.
func TestATickSaysWhenItsClockIsOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for by, says := range map[time.Duration]bool{0: false, time.Minute: true, -time.Minute: true} {
		var log bytes.Buffer
		b.service.Clock, b.service.Logger = off{by: by}, slog.New(slog.NewJSONHandler(&log, nil))
		require.NoError(t, b.service.Tick(t.Context()))
		require.Equal(t, says, strings.Contains(log.String(), `"msg":"clock is off"`), "%s: %s", by, log.String())
	}
}

// Alarms hang on these: what nobody looks after must show within a minute.
func TestATickMeasuresWhatSomebodyMayHaveToLookAfter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, measured := telemetrytest.Measured(t, nil)
	require.NoError(t, b.service.Tick(ctx))
	calm := measured()
	for _, name := range []string{"posts_held", "posts_unknown", "unknown_age_s", "posts_need_person", "need_person_age_s", "breakers_open", "posts_dispatched"} {
		require.Equal(t, []float64{0}, calm[name], name)
	}
	require.Len(t, calm["tick_ms"], 1)
	require.NotEmpty(t, calm["db_ms"])

	lost, asked := b.Scheduled(t, 0, "lost"), b.Scheduled(t, 0, "asked")
	b.fault(t, fault.Rule{Preset: "server_error", Times: 2})
	b.send(t, lost)
	b.send(t, asked)
	b.exec(t, "UPDATE attempts SET started_at = started_at - interval '10 minutes' WHERE post_id = $1", uuid.UUID(lost.ID))
	b.exec(t, "UPDATE posts SET needs_person_at = clock_timestamp() - interval '5 minutes' WHERE id = $1 AND state = 'unknown'", uuid.UUID(asked.ID))
	early, held := b.Scheduled(t, time.Minute, "not due yet"), b.Scheduled(t, -10*time.Second, "held")
	b.exec(t, "UPDATE posts SET hold_reason = 'out_of_credit', not_before = now() + interval '1 hour' WHERE id = ANY ($1)", []uuid.UUID{uuid.UUID(early.ID), uuid.UUID(held.ID)})
	b.exec(t, "INSERT INTO network_breakers (network, state, failing_since, retry_at, changed_at) SELECT n, 'open', now(), now() + interval '1 hour', now() FROM unnest(ARRAY['x', 'nobody posts there']) n ON CONFLICT (network) DO UPDATE SET state = 'open', retry_at = excluded.retry_at")
	b.exec(t, "INSERT INTO account_breakers (workspace_id, account_id, state, failing_since, retry_at, changed_at) VALUES ($1, $2, 'open', now(), now() + interval '1 hour', now()) ON CONFLICT (workspace_id, account_id) DO UPDATE SET state = 'open', failing_since = now(), retry_at = excluded.retry_at", b.Workspace, uuid.UUID(b.Account.ID))
	require.NoError(t, b.service.Tick(ctx))
	got := measured()
	require.Equal(t, []float64{2}, got["breakers_open"])
	require.Equal(t, []float64{1}, got["posts_held"])
	require.Equal(t, []float64{2}, got["posts_unknown"])
	require.InDelta(t, 600, got["unknown_age_s"][0], 30)
	require.Equal(t, []float64{1}, got["posts_need_person"])
	require.InDelta(t, 300, got["need_person_age_s"][0], 30)
}
