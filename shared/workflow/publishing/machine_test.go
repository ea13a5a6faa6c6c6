package publishing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"rostrum/shared/account"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/workflow/deciding"
)

// The machine drives the real sending, reconciling and deciding code over the
// real store, one step of one actor after the other as rapid draws them: two
// senders that may die between any two steps, the tick, the reader, somebody
// who edits, cancels and pauses, and a network that loses answers and takes
// requests late. It is infra/model/sending.pml with the code in the model's
// place. After every step the audience is held against the promises.
type machine struct {
	world   *storetest.World
	conn    *pgx.Conn
	service *Service
	people  *deciding.Service
	clock   *clock.Fake

	rt      *rapid.T
	ctx     context.Context
	id      post.ID
	senders [2]*stepper
	paused  bool
	was     post.State
	texts   int
	broken  error
	trace   []string

	// The network.
	audience   []shown
	travelling []request
	lag        time.Duration
	remoteIDs  int
	inRead     bool
	// partOf says which part of the post a text was written for.
	partOf map[string]int
	// staged is what was staged, on a network that publishes in two steps.
	staged map[string]*stagedText

	// What a test breaks, to see that the machine finds it.
	blindResult, blindIntent, impatient, forgetful bool
	// alone has nobody edit or cancel.
	alone bool
}

// stepper is a sender that does one step at a time.
type stepper struct {
	job    *job
	part   int
	fence  int
	intent store.Intent
	judged judgement
	result *settled
	begun  bool
}

type shown struct {
	platform.RemotePost

	part int
	age  time.Duration
}

// request is one that the network may still take.
type request struct {
	text, replyTo, stagedID string
	age                     time.Duration
}

// lateBy is how long after its sending the network may take a request, and
// reads may lag behind: what settleWindow is made for.
const (
	lateBy  = 55 * time.Second
	readLag = 40 * time.Second
)

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{world: storetest.NewAuditedWorld(t), clock: clock.NewFake(time.Now())}
	var err error
	m.conn, err = pgx.Connect(t.Context(), m.world.URL.Reveal())
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.conn.Close(context.WithoutCancel(t.Context())) })
	logger := slog.New(slog.DiscardHandler)
	m.service = &Service{
		Relay:      &outbox.Relay{Store: m.world.Worker, Sender: deaf{}, Clock: clock.System{}, Logger: logger},
		Publishers: map[account.Network]platform.Publisher{account.X: m},
		Tokens:     tokenOf{}, Clock: m.clock, Logger: logger, ReadingAges: []time.Duration{time.Hour},
	}
	m.people = &deciding.Service{Relay: &outbox.Relay{Store: m.world.API, Sender: deaf{}, Clock: clock.System{}, Logger: logger}}
	return m
}

// deaf is a queue that takes everything and delivers nothing: the machine wakes
// the actors itself.
type deaf struct{}

// Send takes everything.
func (deaf) Send(_ context.Context, envelopes []queue.Envelope) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, len(envelopes))
	for i, e := range envelopes {
		ids[i] = e.ID
	}
	return ids, nil
}

type tokenOf struct{}

// AccessToken always has one.
func (tokenOf) AccessToken(context.Context, uuid.UUID, account.ID) (config.Secret, error) {
	return "token", nil
}

// Reject does nothing.
func (tokenOf) Reject(context.Context, uuid.UUID, account.ID) error { return nil }

// run plays one random story on a fresh post and returns the promise it broke.
func (m *machine) run(t *testing.T, rt *rapid.T) error {
	t.Helper()
	m.rt, m.ctx = rt, t.Context()
	m.senders = [2]*stepper{{}, {}}
	m.audience, m.travelling, m.lag, m.trace, m.broken, m.paused = nil, nil, 0, nil, nil, false
	m.partOf, m.staged = map[string]int{}, map[string]*stagedText{}
	m.exec("UPDATE accounts SET limited_until = NULL")
	m.pause(false)
	p := m.world.Scheduled(t, 0, m.text(0), m.text(1))
	m.id, m.was = p.ID, post.Scheduled
	actions := m.actions()
	for range rapid.IntRange(8, 40).Draw(rt, "steps") {
		name := rapid.SampledFrom(m.names()).Draw(rt, "action")
		m.trace = append(m.trace, name)
		actions[name]()
		m.check()
		if m.broken != nil {
			return fmt.Errorf("%w after %v", m.broken, m.trace)
		}
		if m.was.Final() && m.senders[0].result == nil && m.senders[1].result == nil && len(m.travelling) == 0 {
			break
		}
	}
	m.comeToRest()
	if m.broken != nil {
		return fmt.Errorf("%w after %v and rest", m.broken, m.trace)
	}
	return nil
}

func (m *machine) actions() map[string]func() {
	a := map[string]func(){
		"pass": func() { m.pass(5 * time.Second) }, "lease ends": func() { m.pass(lease + time.Second) },
		"settle": func() { m.pass(settleWindow + time.Second) },
		"tick":   func() { m.must(m.service.Tick(m.ctx)) }, "look": m.look, "late accept": m.acceptLate, "late loss": m.loseLate,
		"edit": m.edit, "approve": m.approve, "cancel": m.cancel, "pause": func() { m.pause(true) }, "unpause": func() { m.pause(false) },
	}
	for i := range m.senders {
		n := strconv.Itoa(i)
		a["load"+n] = func() { m.load(i) }
		a["intent"+n] = func() { m.intend(i) }
		a["call"+n] = func() { m.call(i) }
		a["result"+n] = func() { m.result(i) }
		a["die"+n] = func() { m.senders[i] = &stepper{} }
	}
	return a
}

// names are the actions that can do something now. People act now and then;
// most of the time the senders, the reader and the network are at it.
func (m *machine) names() []string {
	if !m.alone && m.was == post.Scheduled && rapid.IntRange(0, 9).Draw(m.rt, "people") == 9 {
		return []string{"edit", "edit", "cancel", "pause"}
	}
	names := []string{"pass", "tick"}
	if m.paused {
		names = append(names, "unpause", "unpause", "unpause")
	}
	switch m.was {
	case post.Draft:
		return append(names, "approve", "approve", "approve")
	case post.Sending:
		names = append(names, "lease ends", "lease ends", "tick", "tick")
	case post.Unknown:
		names = append(names, "settle", "look", "look", "look")
	default:
	}
	if len(m.travelling) > 0 {
		names = append(names, "late accept", "late loss")
	}
	for i, s := range m.senders {
		n := strconv.Itoa(i)
		switch {
		case s.result != nil:
			names = append(names, "result"+n)
		case s.begun:
			names = append(names, "call"+n, "call"+n, "call"+n, "die"+n)
		case s.job != nil:
			names = append(names, "intent"+n, "intent"+n, "intent"+n)
		case m.was == post.Scheduled:
			names = append(names, "load"+n, "load"+n)
		}
	}
	return names
}

func (m *machine) breaks(format string, args ...any) {
	if m.broken == nil {
		m.broken = fmt.Errorf(format, args...)
	}
}

func (m *machine) must(err error) {
	if err != nil {
		m.breaks("unexpected: %w", err)
	}
}

func (m *machine) exec(sql string, args ...any) {
	_, err := m.conn.Exec(m.ctx, sql, args...)
	m.must(err)
}

func (m *machine) text(part int) string {
	m.texts++
	text := fmt.Sprintf("text %d of part %d", m.texts, part)
	m.partOf[text] = part
	return text
}

func (m *machine) view() store.Sending {
	var view store.Sending
	m.must(m.world.Worker.Across(m.ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		view, err = tx.LoadSending(ctx, m.world.Workspace, m.id)
		return err
	}))
	return view
}

// load is Send up to the intent: what it read may be stale when it goes on.
func (m *machine) load(i int) {
	view := m.view()
	if view.Post.State != post.Scheduled || view.DueIn > longestWait {
		return
	}
	if view.DueIn > 0 {
		m.pass(view.DueIn) // What a sender waits out in place.
	}
	if m.forgetful {
		m.exec("DELETE FROM network_stages")
	}
	j, err := m.service.prepare(m.ctx, view, nil)
	m.must(err)
	if j == nil {
		return
	}
	s := &stepper{job: j, part: slices.Index(j.remote, "")}
	if s.part >= 0 {
		m.senders[i] = s
	}
}

func (m *machine) intend(i int) {
	s := m.senders[i]
	if s.job == nil || s.begun {
		return
	}
	s.intent = s.job.intent(s.part, s.fence)
	if m.blindIntent {
		m.beginBlindly(s)
		return
	}
	var err error
	s.judged, err = m.service.intend(m.ctx, s.intent)
	m.must(err)
	if s.judged.Verdict != store.Go {
		m.senders[i] = &stepper{}
		return
	}
	s.begun = true
	if m.paused {
		m.breaks("an intent was allowed behind a switch")
	}
}

func (m *machine) call(i int) {
	s := m.senders[i]
	if !s.begun || s.result != nil {
		return
	}
	outcome, quotas := m.service.call(m.ctx, s.job, s.intent, s.judged.heard)
	s.result = &settled{job: s.job, intent: s.intent, judged: s.judged.Judgement, outcome: outcome, quotas: quotas, at: s.judged.Now}
}

func (m *machine) result(i int) {
	s := m.senders[i]
	if s.result == nil {
		return
	}
	m.senders[i] = &stepper{}
	if m.blindResult && s.result.outcome.Class == platform.Unclear {
		m.exec("UPDATE attempts SET state = 'unknown', finished_at = clock_timestamp(), remote_id = NULL WHERE id = $1", s.intent.AttemptID)
		m.exec("UPDATE posts SET state = 'unknown', published_at = NULL, reconcile_at = clock_timestamp(), lease_until = NULL WHERE id = $1", uuid.UUID(m.id))
		return
	}
	goOn, err := m.service.record(m.ctx, *s.result)
	m.must(err)
	if goOn && s.part+1 < len(s.job.texts) {
		s.job.remote[s.part] = s.result.outcome.RemoteID
		m.senders[i] = &stepper{job: s.job, part: s.part + 1, fence: s.judged.Fence}
	}
}

// beginBlindly is an intent that records without asking: what the compare-and-
// set is there to prevent.
func (m *machine) beginBlindly(s *stepper) {
	m.exec("UPDATE posts SET state = 'sending', attempt_no = attempt_no + 1, lease_until = clock_timestamp() + interval '25 seconds' WHERE id = $1", uuid.UUID(m.id))
	m.exec(`INSERT INTO attempts (workspace_id, id, post_id, account_id, revision, part, number, state, fingerprint, started_at)
		SELECT workspace_id, $2, id, account_id, revision, $3, 1, 'sending', '', clock_timestamp() FROM posts WHERE id = $1`, uuid.UUID(m.id), s.intent.AttemptID, s.part)
	m.exec(`INSERT INTO audit_events (workspace_id, id, at, actor_kind, actor_id, actor_name, action, subject_kind, subject_id)
		SELECT workspace_id, gen_random_uuid(), clock_timestamp(), 'system', id, 'x', 'attempt.started', 'post', id FROM posts WHERE id = $1`, uuid.UUID(m.id))
	view := m.view()
	s.judged = judgement{Judgement: store.Judgement{Verdict: store.Go, Fence: view.Post.AttemptNo, Now: view.Now}, heard: m.clock.Now()}
	s.begun = true
}

// pass lets time go by: recorded times move into the past, the senders' clock
// forward. What the network may still take or hide, it does before its time is up.
func (m *machine) pass(d time.Duration) {
	for i := range m.audience {
		m.audience[i].age += d
	}
	for i := range m.travelling {
		m.travelling[i].age += d
	}
	for !m.impatient && len(m.travelling) > 0 && slices.ContainsFunc(m.travelling, func(r request) bool { return r.age >= lateBy }) {
		if rapid.Bool().Draw(m.rt, "taken at last") {
			before := len(m.audience)
			m.acceptLate()
			// It was taken in time; how long it has been there since is open.
			for i := before; i < len(m.audience); i++ {
				m.audience[i].age = max(0, d-lateBy)
			}
		} else {
			m.loseLate()
		}
	}
	m.clock.Advance(d)
	seconds := d.Seconds()
	m.exec(`UPDATE posts SET lease_until = lease_until - make_interval(secs => $2), reconcile_at = reconcile_at - make_interval(secs => $2),
		not_before = not_before - make_interval(secs => $2), dispatched_at = dispatched_at - make_interval(secs => $2) WHERE id = $1`, uuid.UUID(m.id), seconds)
	m.exec("UPDATE attempts SET started_at = started_at - make_interval(secs => $2) WHERE post_id = $1 AND state IN ('sending', 'unknown')", uuid.UUID(m.id), seconds)
	m.exec("UPDATE accounts SET limited_until = limited_until - make_interval(secs => $1)", seconds)
	m.exec("UPDATE network_stages SET staged_at = staged_at - make_interval(secs => $1)", seconds)
}

func (m *machine) look() {
	m.exec("UPDATE posts SET reconcile_at = clock_timestamp() WHERE id = $1 AND state = 'unknown'", uuid.UUID(m.id))
	m.must(m.service.Reconcile(m.ctx, queue.Message{
		Version: queue.Version, Kind: queue.ReconcilePost, WorkspaceID: m.world.Workspace, SubjectID: uuid.UUID(m.id),
	}))
}

func TestEveryInterleavingKeepsThePromises(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*machine{"OneStep": newMachine(t), "TwoSteps": newMachine(t).inTwoSteps()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				if err := m.run(t, rt); err != nil {
					rt.Fatal(err)
				}
			})
		})
	}
}

// finds plays stories until one breaks a promise.
func (m *machine) finds(t *testing.T, within int) error {
	t.Helper()
	story := rapid.Custom(func(rt *rapid.T) string {
		if err := m.run(t, rt); err != nil {
			return err.Error()
		}
		return ""
	})
	for seed := range within {
		if broken := story.Example(seed); broken != "" {
			t.Logf("found by story %d: %s", seed, broken)
			return errors.New(broken)
		}
	}
	return nil
}

// Each of these takes one rule out of the code; the machine has to notice.
func TestTheMachineFindsABugThatIsPlanted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		plant func(*machine)
		want  string
	}{
		"TheResultIsNotCompareAndSet": {func(m *machine) { m.blindResult = true }, ""},
		"TheIntentIsNotCompareAndSet": {func(m *machine) { m.blindIntent = true }, ""},
		"AbsenceIsBelievedTooSoon":    {func(m *machine) { m.impatient = true }, "I1"},
		"AnotherIsStagedAfterADoubt":  {func(m *machine) { m.inTwoSteps().impatient, m.forgetful = true, true }, "I1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			tc.plant(m)
			if m.blindIntent || m.blindResult {
				m.ctx = t.Context()
				m.exec("DROP INDEX attempts_single_flight")
				for _, table := range []string{"attempts", "posts"} {
					m.exec("ALTER TABLE " + table + " DISABLE TRIGGER USER")
				}
				m.exec("ALTER TABLE posts DROP CONSTRAINT posts_check2")
			}
			require.ErrorContains(t, m.finds(t, 400), tc.want)
		})
	}
}

// A sender is frozen between two parts; meanwhile the post was taken from it and
// another sends the second. Waking, it has no time left.
func TestASenderThatWakesHandsNothingBackThatIsAnothers(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.ctx = t.Context()
	p := m.world.Scheduled(t, 0, "one", "two")
	m.id = p.ID
	j, err := m.service.prepare(m.ctx, m.view(), nil)
	require.NoError(t, err)
	first, err := m.service.intend(m.ctx, j.intent(0, 0))
	require.NoError(t, err)
	m.exec("UPDATE posts SET lease_until = clock_timestamp() - interval '1 second'")
	m.exec("UPDATE attempts SET state = 'accepted', remote_id = '100', finished_at = clock_timestamp()")
	require.NoError(t, m.service.Tick(m.ctx))
	j.remote[0] = "100"
	second, err := m.service.intend(m.ctx, j.intent(1, 0))
	require.NoError(t, err)
	require.Equal(t, store.Go, second.Verdict)
	require.NoError(t, m.service.handBack(m.ctx, j, first.Fence))
	require.Equal(t, post.Sending, m.view().Post.State)
	require.NoError(t, m.service.handBack(m.ctx, j, second.Fence))
	require.Equal(t, post.Scheduled, m.view().Post.State)
	require.NoError(t, m.broken)
}
