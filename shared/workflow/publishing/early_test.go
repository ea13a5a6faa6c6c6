package publishing_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/blob"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/simulator/fault"
)

// early brings a post by the message that comes ahead of its time.
func (b *bench) early(t *testing.T, p post.Post) {
	t.Helper()
	m := b.message(p, queue.PublishPost)
	m.Early = true
	require.NoError(t, b.service.Send(t.Context(), m, nil))
}

// fallsDue brings a post's time, which by itself nothing may move.
func (b *bench) fallsDue(t *testing.T, p post.Post) {
	t.Helper()
	b.exec(t, "SET session_replication_role = replica")
	b.exec(t, "UPDATE posts SET due_at = date_trunc('second', clock_timestamp()), not_before = NULL WHERE id = $1", uuid.UUID(p.ID))
	b.exec(t, "SET session_replication_role = DEFAULT")
}

func (b *bench) uploaded() int { return b.net.Faults().Requests()["POST /2/media/upload"] }

// left are the messages about a post that were put on the queue, in their order.
func (b *bench) left(t *testing.T) (messages []queue.Message, delays []time.Duration) {
	t.Helper()
	for _, e := range b.sent.of(t, queue.PublishPost) {
		var m queue.Message
		require.NoError(t, json.Unmarshal(e.Body, &m))
		messages, delays = append(messages, m), append(delays, e.Delay)
	}
	return messages, delays
}

func TestImagesAreBroughtToTheNetworkAheadAndThePostGoesAtItsTime(t *testing.T) {
	t.Parallel()
	b := withFiles(t)
	p := b.illustratedIn(t, time.Minute, []post.Media{b.keep(t, 1), b.keep(t, 2)})
	b.early(t, p)
	require.Equal(t, 2, b.uploaded())
	require.Empty(t, b.audience())
	require.Empty(t, b.Attempts(t, p.ID))
	after := b.Post(t, p.ID)
	require.Equal(t, post.Scheduled, after.State)
	require.Empty(t, after.Hold)
	require.Empty(t, b.sent.of(t, queue.PublishPost), "the message that sends is on its way already")

	b.fallsDue(t, p)
	b.send(t, p)
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
	require.Len(t, b.audience()[0].Media, 2)
	require.Equal(t, 2, b.uploaded(), "nothing is left but the one visible call")
}

func TestThePostWaitsForNothingOfTheEarlyMessage(t *testing.T) {
	t.Parallel()
	b := withFiles(t)
	p := b.illustrated(t, []post.Media{b.keep(t, 1)})
	b.early(t, p)
	require.Empty(t, b.audience(), "the early message never sends, and a late one does nothing")
	require.Zero(t, b.uploaded())
	b.send(t, p)
	require.Len(t, b.audience()[0].Media, 1)
}

func TestPostsWithImagesAreHandedOutTwiceAndOthersOnce(t *testing.T) {
	t.Parallel()
	b := withFiles(t)
	b.Scheduled(t, 2*time.Minute, "hello")
	illustrated := b.illustratedIn(t, 2*time.Minute, []post.Media{b.keep(t, 1)})
	require.NoError(t, b.service.Tick(t.Context()))
	messages, delays := b.left(t)
	require.Len(t, messages, 3)
	early := 0
	for i, m := range messages {
		want := 118 * time.Second
		if m.Early {
			require.Equal(t, uuid.UUID(illustrated.ID), m.SubjectID)
			want = 29 * time.Second
			early++
		}
		require.InDelta(t, want.Seconds(), delays[i].Seconds(), 2)
	}
	require.Equal(t, 1, early)
}

func TestAnUploadThatFailsAheadSaysSoAndMakesNothingLate(t *testing.T) {
	t.Parallel()
	b := withFiles(t)
	p := b.illustratedIn(t, time.Minute, []post.Media{b.keep(t, 1)})
	b.fault(t, fault.Rule{Preset: "server_error", Match: uploads(), Times: 1})
	b.early(t, p)
	held := b.Post(t, p.ID)
	require.Equal(t, post.Scheduled, held.State)
	require.Equal(t, post.HeldRetry, held.Hold)
	require.Equal(t, "upload_failed", held.FailureCode)
	messages, delays := b.left(t)
	require.Len(t, messages, 1)
	require.True(t, messages[0].Early, "there is time for another early visit")
	require.InDelta(t, 15, delays[0].Seconds(), 1)

	b.early(t, held)
	ready := b.Post(t, p.ID)
	require.Empty(t, ready.Hold, "what an earlier visit said is over")
	require.Empty(t, ready.FailureCode)
	messages, delays = b.left(t)
	require.False(t, messages[1].Early)
	require.InDelta(t, 58, delays[1].Seconds(), 2)
	require.Empty(t, b.audience())
}

func TestAFileThatIsGoneIsToldAheadOfTime(t *testing.T) {
	t.Parallel()
	b := withFiles(t)
	m := b.keep(t, 1)
	p := b.illustratedIn(t, time.Minute, []post.Media{m})
	require.NoError(t, b.service.Files.Delete(t.Context(), blob.MediaKey(b.Workspace, m.ID, m.Digest)))
	b.early(t, p)
	require.Equal(t, "media_missing", b.Post(t, p.ID).FailureCode)
}

func TestWhatPeopleDoBetweenReadyAndDueWins(t *testing.T) {
	t.Parallel()
	b := withFiles(t)
	held := b.illustratedIn(t, time.Minute, []post.Media{b.keep(t, 1)})
	b.exec(t, "UPDATE posts SET hold_reason = 'account_paused' WHERE id = $1", uuid.UUID(held.ID))
	b.early(t, held)
	require.Zero(t, b.uploaded(), "what is kept back is left alone")

	p := b.illustratedIn(t, time.Minute, []post.Media{b.keep(t, 2)})
	b.early(t, p)
	b.exec(t, "UPDATE posts SET revision = revision + 1 WHERE id = $1", uuid.UUID(p.ID))
	b.early(t, p)
	b.exec(t, "UPDATE accounts SET paused_at = clock_timestamp()")
	b.fallsDue(t, p)
	b.send(t, p)
	b.send(t, b.Post(t, p.ID))
	require.Empty(t, b.audience())
	require.Equal(t, post.HeldPausedAccount, b.Post(t, p.ID).Hold)
	b.exec(t, "UPDATE accounts SET paused_at = NULL")
	b.send(t, b.Post(t, p.ID))
	require.Len(t, b.audience(), 1)
	require.Equal(t, 1, b.uploaded())
}

// Code is rolled out before its migration was: what concerns no staged post asks
// for none of it.
func TestPostsOfOtherNetworksNeedNothingOfStages(t *testing.T) {
	t.Parallel()
	b := withFiles(t)
	b.exec(t, "DROP TABLE attempt_stages, network_stages")
	p := b.illustratedIn(t, time.Minute, []post.Media{b.keep(t, 1)})
	b.early(t, p)
	b.fallsDue(t, p)
	b.fault(t, fault.Rule{Preset: "accepted_reset", Times: 1})
	b.send(t, p)
	b.look(t, p)
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
	text := b.Scheduled(t, 0, "hello")
	b.send(t, text)
	require.Equal(t, post.Published, b.Post(t, text.ID).State)
	require.NoError(t, b.service.Tick(t.Context()))
}
