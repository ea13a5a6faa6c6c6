// Package publishing sends posts: each at most once, on its second, and never
// lost. It owns the protocol of DESIGN §5.
//
// Start reading at Service.Send: read and prepare, wait, intent, call, result.
// The intent is durable before the call and the result after it; whatever lies
// between a death and a result is Unknown, and reconcile.go settles that by
// reading the account back. settle.go is the table of what each outcome means.
// What of the preparation a network sees, and no audience, is in media.go and,
// for networks that publish in two steps, in stage.go; early.go does it ahead of
// time.
// pace.go spreads one workspace's many beside another's few. zones.go keeps planned
// posts on their wall clocks when a zone's rules change.
// tick.go is what a schedule does once a minute so that nothing depends on a
// queue having kept its promise.
package publishing

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/blob"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/gather"
	"rostrum/shared/killpoint"
	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/publication"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/telemetry"
	"rostrum/shared/throttle"
)

const (
	// lease covers the call's deadline, its preparation and a margin for clocks.
	lease = 25 * time.Second
	// callDeadline bounds the one network call; it must be well inside lease.
	callDeadline = 10 * time.Second
	// heldUpAtMost is how long after its intent a call may still begin.
	heldUpAtMost = lease - callDeadline - 2*time.Second
	// lateGrace is how late still counts as on time for the catch-up rule.
	lateGrace = 2 * time.Minute
	// longestWait is how long a sender waits in place for a post to fall due;
	// what is further away goes back on the queue.
	longestWait = 5 * time.Second
	// leaseSpent is the code of a call that was not begun because of ourselves.
	leaseSpent = "lease_spent"
	// reserve is what an invocation keeps back of its time to write a result.
	reserve = 3 * time.Second
)

// TokenSource gives access tokens and hears when the network refused one.
// workflow/refreshing implements it; workflows do not import one another.
type TokenSource interface {
	// AccessToken returns a token that is good for at least a minute, or was renewed
	// a moment ago where the network gives them for less. Errors:
	// Unauthenticated when a person must connect the account again,
	// Unavailable when a token may be had later.
	AccessToken(ctx context.Context, workspace uuid.UUID, id account.ID) (config.Secret, error)
	// Reject makes the next AccessToken fetch a new one.
	Reject(ctx context.Context, workspace uuid.UUID, id account.ID) error
}

// Watch asks the queue to show the message again after d: the watchdog for a
// sender that dies.
type Watch func(ctx context.Context, d time.Duration) error

// Service sends posts.
type Service struct {
	Relay      *outbox.Relay
	Publishers map[account.Network]platform.Publisher
	Tokens     TokenSource
	// Files are where images are kept; nil where there are none.
	Files *blob.Bucket
	Clock clock.Clock
	// Quiet is waited for before each step of a tick, see Between; nil waits for
	// nothing, for clocks that stand still.
	Quiet  func(context.Context) error
	Logger *slog.Logger
	// ReadingAges are the ages at which a published post is read.
	ReadingAges []time.Duration

	reads   gather.Group[store.PostRef, loaded]
	intents gather.Group[store.Intent, judgement]
	results gather.Group[settled, bool]
	pace    pace
	// zonesFollowed says that this process has held what is planned to its zone rules.
	zonesFollowed atomic.Bool
}

// actor is who the audit log names for what this package does. Events about a
// post take their workspace from the post.
func actor(workspace uuid.UUID) audit.Actor { return audit.SystemActor(workspace, "publish") }

// Send handles one message about a post: it sends what is due of it, or finds
// that there is nothing to do. It returns nil when the message has been dealt
// with, whatever became of the post; the post's row says what. Errors:
// Unavailable when the database is away, so that the queue brings the message
// back.
func (s *Service) Send(ctx context.Context, m queue.Message, watch Watch) error {
	ref := store.PostRef{WorkspaceID: m.WorkspaceID, PostID: post.ID(m.SubjectID), CorrelationID: m.CorrelationID}
	view, heard, err := s.load(ctx, ref)
	if err != nil {
		return err
	}
	killpoint.Here("send.loaded")
	if view.Post.State == post.Sending && !view.LeaseLive {
		return s.recover(ctx, store.Ref(view.Post))
	}
	ahead := view.DueIn > s.patience(ctx)
	if why := outdated(m, view, ahead); why != "" {
		return s.drop(ctx, m, view, why)
	}
	switch {
	case ahead && m.Early:
		return s.makeReady(ctx, view)
	case ahead:
		return s.comeBack(ctx, store.Ref(view.Post))
	}
	defer s.pace.enter(m.WorkspaceID)()
	job, err := s.prepare(ctx, view, watch)
	if err != nil || job == nil {
		return err
	}
	killpoint.Here("send.prepared")
	if err := s.waitFor(ctx, view.DueIn-s.Clock.Now().Sub(heard)); err != nil {
		return err
	}
	if err := s.waitFor(ctx, s.pace.turn(m.WorkspaceID, s.Clock.Now())); err != nil {
		return err
	}
	return s.sendParts(ctx, job)
}

// outdated says why a message has nothing to do any more; empty when it has.
// ahead says that the post is not due for a while.
func outdated(m queue.Message, view store.Sending, ahead bool) string {
	p := view.Post
	switch {
	case p.State != post.Scheduled:
		return "state"
	case p.Revision != m.Revision:
		return "revision"
	case m.Turn != 0 && p.NotBefore != nil && p.NotBefore.UnixMicro() > m.Turn:
		return "turn"
	case m.Early && !ahead:
		return "early"
	}
	return ""
}

// waitFor waits in place for a post to fall due.
func (s *Service) waitFor(ctx context.Context, d time.Duration) error {
	if err := s.Clock.Wait(ctx, d); err != nil {
		return apperr.New(apperr.Unavailable, "out_of_time", "the invocation ended before the post was due").WithCause(err)
	}
	return nil
}

// job is one post on its way out in this invocation.
type job struct {
	view      store.Sending
	ref       store.PostRef
	target    platform.Target
	publisher platform.Publisher
	texts     []string
	parts     []post.Part
	// media holds the network's ids of each part's images.
	media [][]string
	// staged holds what each part was staged as, on a network that publishes in
	// two steps, and shown says of which the network says that they are public.
	staged []string
	shown  []bool
	// early says that the post is made ready and not sent.
	early bool
	hash  string
	watch Watch
	// remote holds the network's id of each part that is out.
	remote []string
}

// loaded is what was read of a post, with our clock at the moment it was heard.
type loaded struct {
	view  store.Sending
	found bool
	heard time.Time
}

// load reads a post, in one statement with the others that were just received.
func (s *Service) load(ctx context.Context, ref store.PostRef) (store.Sending, time.Time, error) {
	l, err := s.reads.Do(ctx, ref.WorkspaceID, ref, s.readAll)
	if err == nil && !l.found {
		err = apperr.New(apperr.NotFound, "post_not_found", "there is no post %s here", ref.PostID)
	}
	return l.view, l.heard, err
}

func (s *Service) readAll(ctx context.Context, refs []store.PostRef) ([]loaded, error) {
	var views map[post.ID]store.Sending
	err := s.Relay.Store.ByKey().Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		views, err = tx.LoadSendings(ctx, refs)
		return err
	})
	if err != nil {
		return nil, err
	}
	heard := s.Clock.Now()
	out := make([]loaded, len(refs))
	for i, ref := range refs {
		view, found := views[ref.PostID]
		out[i] = loaded{view, found && view.Post.WorkspaceID == ref.WorkspaceID, heard}
	}
	return out, nil
}

// patience is how long this invocation can wait for a post.
func (s *Service) patience(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(longestWait, deadline.Sub(s.Clock.Now())-callDeadline-reserve)
	}
	return longestWait
}

func (s *Service) drop(ctx context.Context, m queue.Message, view store.Sending, why string) error {
	s.Logger.LogAttrs(ctx, slog.LevelInfo, "message is out of date", slog.String("post_id", m.SubjectID.String()),
		slog.String("why", why), slog.String("state", string(view.Post.State)), slog.Int64("revision", view.Post.Revision),
		slog.Int64("message_revision", m.Revision), slog.String("correlation_id", m.CorrelationID.String()))
	return nil
}

// comeBack puts a post that is not due yet on the queue again.
func (s *Service) comeBack(ctx context.Context, ref store.PostRef) error {
	return s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		due, err := tx.Dispatch(ctx, ref)
		if apperr.Is(err, apperr.Conflict) {
			return nil // Taken off the schedule in the meantime.
		}
		if err != nil {
			return err
		}
		return enqueue(ctx, tx, due)
	})
}

// prepare does everything that can be done before the post is due: nothing in
// it is visible to the audience. It returns no job when the post cannot go now;
// its row then says why.
func (s *Service) prepare(ctx context.Context, view store.Sending, watch Watch) (*job, error) {
	j := &job{view: view, watch: watch}
	if ready, err := s.fill(ctx, j); err != nil || !ready {
		return nil, err
	}
	return j, nil
}

// fill does the work of prepare for a job that is sent now or made ready early.
func (s *Service) fill(ctx context.Context, j *job) (bool, error) {
	view := j.view
	j.ref = store.Ref(view.Post)
	publisher, ok := s.Publishers[view.Network]
	if !ok {
		return false, s.giveUp(ctx, j, "network_not_configured",
			fmt.Sprintf("Rostrum is not set up to post to %s.", view.Network))
	}
	// The hash is of what is stored now and will be sent, not of a column.
	content, err := view.Post.Version.Content.Canonical()
	if err != nil {
		return false, s.giveUp(ctx, j, "bad_content", "The stored text cannot be sent: "+err.Error()+".")
	}
	token, err := s.Tokens.AccessToken(ctx, view.Post.WorkspaceID, view.Post.AccountID)
	if err != nil {
		return false, s.withoutToken(ctx, j, err)
	}
	j.publisher, j.texts, j.parts, j.hash = publisher, content.Texts(), content.Parts, content.Hash(view.Post.AccountID)
	j.target = platform.Target{Network: view.Network, RemoteID: view.RemoteID, Handle: view.Handle, AccessToken: token}
	j.remote, j.media = make([]string, len(content.Parts)), make([][]string, len(content.Parts))
	j.staged, j.shown = make([]string, len(content.Parts)), make([]bool, len(content.Parts))
	for _, a := range view.Attempts {
		if a.State == post.AttemptAccepted && a.Part < len(j.remote) {
			j.remote[a.Part] = a.RemoteID
		}
	}
	if ready, err := s.uploadMedia(ctx, j); err != nil || !ready {
		return false, err
	}
	return s.stage(ctx, j)
}

// withoutToken holds the post: an account that cannot be used now never fails it.
func (s *Service) withoutToken(ctx context.Context, j *job, cause error) error {
	ref := j.ref
	return s.unmoved(ctx, j, func(ctx context.Context, tx *store.Tx, p post.Post) error {
		if apperr.Is(cause, apperr.Unauthenticated) || apperr.Is(cause, apperr.NotFound) {
			return tx.HoldPost(ctx, ref, actor(ref.WorkspaceID), post.HeldReauth)
		}
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "no token now", slog.String("post_id", ref.PostID.String()), slog.String("error", cause.Error()))
		return s.putBack(ctx, tx, j, p, store.Requeue{
			Wait: 15 * time.Second, Hold: post.HeldRetry,
			Code: "token_unavailable", Detail: "The account's sign-in is being renewed; the post goes out as soon as that is done.",
		})
	})
}

// giveUp fails a scheduled post that can never be sent as the job read it.
func (s *Service) giveUp(ctx context.Context, j *job, code, detail string) error {
	return s.unmoved(ctx, j, func(ctx context.Context, tx *store.Tx, _ post.Post) error {
		return s.fail(ctx, tx, j.ref, code, detail)
	})
}

func (s *Service) fail(ctx context.Context, tx *store.Tx, ref store.PostRef, code, detail string) error {
	if err := tx.FailPost(ctx, ref, code, detail); err != nil {
		return err
	}
	return tx.RecordPost(ctx, ref, actor(ref.WorkspaceID), "post.failed", map[string]any{"code": code})
}

// sendParts sends the parts that are not out yet, in their order.
func (s *Service) sendParts(ctx context.Context, j *job) error {
	fence := 0
	for part := range j.texts {
		if j.remote[part] != "" {
			continue
		}
		if fence != 0 && s.patience(ctx) <= 0 {
			return s.handBack(ctx, j, fence)
		}
		sent, err := s.sendPart(ctx, j, part, fence)
		if err != nil || !sent.goOn {
			return err
		}
		killpoint.Here("thread.between_parts")
		fence, j.remote[part] = sent.fence, sent.remoteID
	}
	return nil
}

type sentPart struct {
	goOn     bool
	fence    int
	remoteID string
}

// sendPart takes one part through intent, call and result.
func (s *Service) sendPart(ctx context.Context, j *job, part, fence int) (sentPart, error) {
	in := j.intent(part, fence)
	judged, err := s.intend(ctx, in)
	if err == nil && judged.Hold == post.HeldCatchingUp {
		return sentPart{}, s.drain(ctx)
	}
	if err != nil || judged.Verdict != store.Go {
		return sentPart{}, err
	}
	killpoint.Here("intent.committed")
	begun := judged.heard
	if j.watch != nil {
		if err := j.watch(ctx, lease+time.Second); err != nil {
			// The tick watches too; the watchdog only makes it sooner.
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "watchdog not set", slog.String("post_id", j.ref.PostID.String()), slog.String("error", err.Error()))
		}
	}
	killpoint.Here("call.before")
	outcome, quotas := s.call(ctx, j, in, begun)
	killpoint.Here("call.answered")
	result := settled{
		job: j, intent: in, judged: judged.Judgement, outcome: outcome, quotas: quotas, at: judged.Now.Add(s.Clock.Now().Sub(begun)),
	}
	goOn, err := s.record(ctx, result)
	killpoint.Here("result.committed")
	s.count(ctx, result)
	return sentPart{goOn: goOn, fence: judged.Fence, remoteID: outcome.RemoteID}, err
}

func (j *job) intent(part, fence int) store.Intent {
	replyTo := ""
	if part > 0 {
		replyTo = j.remote[part-1]
	}
	var settling time.Duration
	for _, a := range j.view.Attempts {
		if a.State == post.AttemptAbsent {
			// It was begun in time or by its rule; the rest went into finding out.
			settling = settleWindow
		}
	}
	return store.Intent{
		WorkspaceID: j.ref.WorkspaceID, PostID: j.ref.PostID, AccountID: j.view.Post.AccountID, Revision: j.view.Post.Revision,
		Part: part, AttemptID: uuid.Must(uuid.NewV7()), Fence: fence, Hash: j.hash,
		Fingerprint: post.Fingerprint(j.view.Post.AccountID, j.parts[part], replyTo),
		SinceID:     j.view.SinceID, ReplyTo: replyTo, StagedID: j.staged[part], Lease: lease, Grace: lateGrace, Settling: settling,
	}
}

// judgement is the store's, with our clock at the moment it was heard: from the
// two, later moments are told in the database's time.
type judgement struct {
	store.Judgement
	heard time.Time
}

// intend asks until the answer is not Early, waiting on the monotonic clock in
// between; only the database's clock decides.
func (s *Service) intend(ctx context.Context, in store.Intent) (judgement, error) {
	for {
		j, err := s.intents.Do(ctx, in.WorkspaceID, in, s.begin)
		if apperr.Is(err, apperr.Uncertain) {
			// Asking again with the same attempt id finds whether it stood.
			continue
		}
		if err != nil || j.Verdict != store.Early {
			return j, err
		}
		if j.Wait > s.patience(ctx) {
			return j, s.comeBack(ctx, store.PostRef{WorkspaceID: in.WorkspaceID, PostID: in.PostID, AccountID: in.AccountID})
		}
		if err := s.waitFor(ctx, j.Wait); err != nil {
			return j, err
		}
	}
}

// begin commits the intents of posts in flight in one process together.
func (s *Service) begin(ctx context.Context, ins []store.Intent) ([]judgement, error) {
	out := make([]judgement, len(ins))
	err := s.Relay.ByKey().Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		judged, err := tx.BeginAttempts(ctx, ins, actor(uuid.Nil))
		heard := s.Clock.Now()
		for i, j := range judged {
			out[i] = judgement{Judgement: j, heard: heard}
			killpoint.Here("intent.before_commit")
		}
		return err
	})
	return out, err
}

// call makes the one network call, unless too much of the lease has passed: a
// sandbox that was frozen wakes up here, and its monotonic clock may have slept
// with it. The quotas are what the answer says of them.
func (s *Service) call(ctx context.Context, j *job, in store.Intent, begun time.Time) (outcome platform.Outcome, quotas []throttle.Quota) {
	now := s.Clock.Now()
	elapsed := max(now.Sub(begun), now.Round(0).Sub(begun.Round(0)))
	if elapsed > heldUpAtMost || elapsed < -time.Second {
		return platform.Outcome{Class: platform.NotSent, Code: leaseSpent, Detail: "The sender was held up and did not start the call."}, nil
	}
	if j.shown[in.Part] {
		return platform.Outcome{Class: platform.Unclear, Code: shownAlready, Detail: "The network says that the post is public already; Rostrum looks for it on the account."}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	defer telemetry.Time(ctx, telemetry.CallTime, string(j.view.Network))()
	target := j.target
	target.Heard = func(heard []throttle.Quota) { quotas = append(quotas, heard...) }
	outcome = j.publisher.Publish(killpoint.Calling(ctx), platform.PublishRequest{
		Target: target, Text: j.texts[in.Part], ReplyTo: in.ReplyTo, MediaIDs: j.media[in.Part], StagedID: in.StagedID,
	})
	return outcome, quotas
}

// handBack puts the remainder of a thread back on the queue when the
// invocation's time runs short, if the post is still its sender's: one that was
// frozen wakes up here as well.
func (s *Service) handBack(ctx context.Context, j *job, fence int) error {
	return s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := tx.LockPost(ctx, j.ref.WorkspaceID, j.ref.PostID)
		if err != nil || p.State != post.Sending || p.AttemptNo != fence {
			return err
		}
		if err := tx.RecordPost(ctx, j.ref, actor(p.WorkspaceID), "post.handed_back", nil); err != nil {
			return err
		}
		return s.requeue(ctx, tx, j.ref, p.Revision, store.Requeue{})
	})
}

// requeue takes a post back to scheduled and writes the message for its next try.
func (s *Service) requeue(ctx context.Context, tx *store.Tx, ref store.PostRef, revision int64, q store.Requeue) error {
	at, err := tx.BackToScheduled(ctx, ref, q)
	if err != nil {
		return err
	}
	return enqueue(ctx, tx, store.Due{PostRef: ref, Revision: revision, SendAt: at})
}

// enqueue writes the message that brings a post to a sender just before its time.
func enqueue(ctx context.Context, tx *store.Tx, due store.Due) error {
	return outbox.EnqueueAll(ctx, tx, publication.HandOut(due))
}
