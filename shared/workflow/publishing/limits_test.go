package publishing_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/simulator/fault"
	"rostrum/shared/throttle"
)

func (b *bench) count(t *testing.T, sql string) int {
	t.Helper()
	var n int
	require.NoError(t, b.conn.QueryRow(t.Context(), sql).Scan(&n))
	return n
}

// limit sets what the network allows.
func (b *bench) limit(t *testing.T, limits string) {
	t.Helper()
	answer := httptest.NewRecorder()
	b.net.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/_sim/limits", strings.NewReader(limits)))
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
}

// tick runs the schedule and sends what it handed out for now, as a queue would.
func (b *bench) tick(t *testing.T) {
	t.Helper()
	require.NoError(t, b.service.Tick(t.Context()))
}

func TestTheNetworksWordOnItsQuotasIsKeptAndKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(t, `{"POST /2/tweets": {"user_day": 3, "app_day": 100}}`)
	for _, text := range []string{"one", "two", "three"} {
		b.send(t, b.Scheduled(t, 0, text))
	}
	require.Equal(t, 0, b.count(t, "SELECT remaining FROM account_quotas WHERE used_for = 'post' AND window_seconds = 86400"))
	require.Equal(t, 97, b.count(t, "SELECT remaining FROM app_quotas"))
	// The ledger outlives the process that heard of it; the network is not asked again.
	p := b.Scheduled(t, 0, "four")
	b.send(t, p)
	held := b.Post(t, p.ID)
	require.Equal(t, post.HeldQuota, held.Hold)
	require.Equal(t, post.Scheduled, held.State)
	require.Greater(t, time.Until(*held.NotBefore), 23*time.Hour)
	require.Empty(t, b.Attempts(t, p.ID), "it was not tried")
	require.Len(t, b.audience(), 3)
	// After the reset it goes by itself.
	b.limit(t, `{"POST /2/tweets": {"user_day": 100}}`)
	b.exec(t, "UPDATE account_quotas SET resets_at = clock_timestamp(); UPDATE posts SET not_before = clock_timestamp() WHERE not_before IS NOT NULL")
	b.tick(t)
	require.NotEmpty(t, b.sent.of(t, queue.PublishPost))
	b.send(t, b.Post(t, p.ID))
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
}

// Five calls are not answered; what was not tried yet waits, nothing that may
// be out is sent again, and one post at a time finds out that the network is back.
func TestAnAccountThatIsNotAnsweredRestsUntilOnePostGetsThrough(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Times: throttle.AccountRule().Failures, Action: fault.Action{Kind: fault.Answer, Status: http.StatusServiceUnavailable}})
	var unclear []post.Post
	for i := range throttle.AccountRule().Failures {
		p := b.Scheduled(t, 0, "unclear "+string(rune('A'+i)))
		b.send(t, p)
		unclear = append(unclear, p)
	}
	first, second := b.Scheduled(t, 0, "first"), b.Scheduled(t, 0, "second")
	b.send(t, first)
	b.send(t, second)
	for _, p := range []post.Post{first, second} {
		require.Equal(t, post.HeldAccountTrouble, b.Post(t, p.ID).Hold)
	}
	require.Empty(t, b.audience())
	b.tick(t)
	b.send(t, b.Post(t, first.ID))
	require.Equal(t, post.HeldAccountTrouble, b.Post(t, first.ID).Hold, "not before its time")

	before := len(b.sent.of(t, queue.PublishPost))
	b.exec(t, "UPDATE account_breakers SET retry_at = clock_timestamp()")
	b.tick(t)
	probes := b.sent.of(t, queue.PublishPost)[before:]
	require.Len(t, probes, 1, "one is handed out to try")
	b.send(t, b.Post(t, first.ID))
	require.Equal(t, post.Published, b.Post(t, first.ID).State)
	require.Equal(t, 0, b.count(t, "SELECT count(*) FROM account_breakers WHERE state <> 'closed' OR failures > 0"))
	require.Empty(t, b.Post(t, second.ID).Hold, "closing lets the rest go at once")
	b.send(t, b.Post(t, second.ID))
	require.Equal(t, post.Published, b.Post(t, second.ID).State)
	for _, p := range unclear {
		require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
		require.Len(t, b.Attempts(t, p.ID), 1)
	}
	require.Len(t, b.audience(), 2)
}

// A breaker keeps back what may still go; a post that has become too late for its
// account's rule meanwhile asks its person at once.
func TestWhatIsTooLateDoesNotWaitForABreaker(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Times: throttle.AccountRule().Failures, Action: fault.Action{Kind: fault.Answer, Status: http.StatusServiceUnavailable}})
	for i := range throttle.AccountRule().Failures {
		b.send(t, b.Scheduled(t, 0, "unclear "+string(rune('A'+i))))
	}
	b.exec(t, "UPDATE accounts SET catch_up = 'hold'")
	late, fresh := b.Scheduled(t, -10*time.Minute, "late"), b.Scheduled(t, 0, "fresh")
	b.exec(t, "UPDATE posts SET hold_reason = 'account_trouble', dispatched_revision = revision, dispatched_at = clock_timestamp() WHERE state = 'scheduled'")
	before := len(b.sent.of(t, queue.PublishPost))
	b.tick(t)
	require.Empty(t, b.Post(t, late.ID).Hold)
	require.Equal(t, post.HeldAccountTrouble, b.Post(t, fresh.ID).Hold)
	var handed []uuid.UUID
	for _, e := range b.sent.of(t, queue.PublishPost)[before:] {
		var m queue.Message
		require.NoError(t, json.Unmarshal(e.Body, &m))
		handed = append(handed, m.SubjectID)
	}
	require.ElementsMatch(t, []uuid.UUID{uuid.UUID(late.ID), uuid.UUID(fresh.ID)}, handed, "one to its person, one to try while it is on time")
	b.send(t, b.Post(t, late.ID))
	require.Equal(t, post.HeldLate, b.Post(t, late.ID).Hold)
	require.Empty(t, b.audience())
}

// What is half out is nobody's to decide: it tries the network again whatever the
// rule for late posts is.
func TestAThreadThatWasBegunTriesABreaker(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Times: 1, Match: fault.Match{Method: http.MethodPost, Path: "/2/tweets", Contains: "its end"}, Action: fault.Action{Kind: fault.Answer, Status: http.StatusTooManyRequests}})
	thread := b.Scheduled(t, 0, "its beginning", "its end")
	b.send(t, thread)
	require.Equal(t, post.Scheduled, b.retryNow(t, thread).State)
	b.fault(t, fault.Rule{Times: 1, Action: fault.Action{Kind: fault.Answer, Status: http.StatusServiceUnavailable}})
	b.send(t, b.Scheduled(t, 0, "unclear"))
	b.exec(t, "UPDATE account_breakers SET state = 'open', failures = 5, openings = 1, failing_since = clock_timestamp(), retry_at = clock_timestamp()")
	b.exec(t, "UPDATE accounts SET catch_up = 'hold'")
	b.exec(t, "UPDATE posts SET dispatched_revision = revision, dispatched_at = clock_timestamp() WHERE state = 'scheduled'")
	before := len(b.sent.of(t, queue.PublishPost))
	b.tick(t)
	require.Equal(t, post.HeldAccountTrouble, b.Post(t, thread.ID).Hold)
	require.Len(t, b.sent.of(t, queue.PublishPost)[before:], 1)
	b.send(t, b.Post(t, thread.ID))
	require.Equal(t, post.Published, b.Post(t, thread.ID).State)
	require.Equal(t, []string{"its beginning", "its end"}, b.audienceTexts())
}

func TestRefusalsOpenNoBreaker(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(t, fault.Rule{Preset: "not_permitted"})
	for i := range 3 * throttle.AccountRule().Failures {
		b.send(t, b.Scheduled(t, 0, "refused "+string(rune('A'+i))))
	}
	require.Equal(t, 0, b.count(t, "SELECT count(*) FROM account_breakers"))
}

// A message that lay in the queue through an outage does not jump the drain.
func TestABacklogGoesOutPacedAndWhatIsOnTimePassesIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var late []post.Post
	for i := range 3 {
		late = append(late, b.Scheduled(t, -time.Hour+time.Duration(i)*time.Second, "late "+string(rune('A'+i))))
	}
	b.send(t, late[2])
	held := b.Post(t, late[2].ID)
	require.Equal(t, post.HeldCatchingUp, held.Hold)
	turns := b.sent.of(t, queue.PublishPost)
	require.Len(t, turns, 3, "the sender that met it gave the whole backlog its turns")
	require.InDelta(t, 9, turns[2].Delay.Seconds(), 1.1)
	b.send(t, b.Scheduled(t, 0, "on time"))
	b.send(t, b.Post(t, late[0].ID))
	require.Equal(t, []string{"on time", "late A"}, b.audienceTexts())
	b.exec(t, "UPDATE posts SET not_before = clock_timestamp(), paced_at = clock_timestamp() WHERE not_before IS NOT NULL")
	b.send(t, b.Post(t, late[2].ID))
	require.Equal(t, post.Published, b.Post(t, late[2].ID).State)
	require.Equal(t, post.Scheduled, b.Post(t, late[1].ID).State)
}
