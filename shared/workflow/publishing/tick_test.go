package publishing_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/config"
	"rostrum/shared/post"
	"rostrum/shared/queue"
)

func secret(s string) config.Secret { return config.Secret(s) }

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
