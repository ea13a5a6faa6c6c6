package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/audit"
	"rostrum/shared/post"
	"rostrum/shared/store/internal/dbsqlc"
)

// Sending is all that a sender needs to know of a post.
type Sending struct {
	Post          post.Post
	Network       account.Network
	Handle        string
	RemoteID      string // of the account
	AccountStatus account.Status
	// ApprovedHash is the hash of the live approval of the current version;
	// empty when there is none.
	ApprovedHash string
	// DueIn is how long until it may go out, by the database's clock; not
	// positive when it may go now.
	DueIn time.Duration
	// LeaseLive says that a sender holds the post.
	LeaseLive bool
	// SinceID is the newest post of the account that we know; reading back
	// starts there. Empty when there is none.
	SinceID  string
	Attempts []post.Attempt
	// Now is the database's clock at the reading.
	Now time.Time
}

// LoadSending reads a post as a sender needs it. Errors: NotFound, Unavailable.
func (tx *Tx) LoadSending(ctx context.Context, workspace uuid.UUID, id post.ID) (Sending, error) {
	row, err := tx.q.SendingView(ctx, dbsqlc.SendingViewParams{WorkspaceID: workspace, ID: uuid.UUID(id)})
	if err != nil {
		return Sending{}, fmt.Errorf("load post %s for sending: %w", id, noPost(err))
	}
	p, err := toPost(row.Post, row.Version)
	if err != nil {
		return Sending{}, err
	}
	attempts, err := tx.Attempts(ctx, workspace, id)
	if err != nil {
		return Sending{}, err
	}
	s := Sending{
		Post: p, Network: account.Network(row.Network), Handle: row.Handle, RemoteID: row.RemoteID,
		AccountStatus: account.Status(row.AccountStatus), DueIn: time.Duration(row.DueInUs) * time.Microsecond,
		LeaseLive: row.LeaseLive, SinceID: row.SinceID, Attempts: attempts, Now: row.Now.UTC(),
	}
	if row.ApprovedVersionID == p.Version.ID {
		s.ApprovedHash = row.ApprovedHash
	}
	return s, nil
}

// Attempts returns every attempt of a post, by part and number.
func (tx *Tx) Attempts(ctx context.Context, workspace uuid.UUID, id post.ID) ([]post.Attempt, error) {
	rows, err := tx.q.AttemptsOfPost(ctx, dbsqlc.AttemptsOfPostParams{WorkspaceID: workspace, PostID: uuid.UUID(id)})
	if err != nil {
		return nil, fmt.Errorf("list attempts of post %s: %w", id, classify(err))
	}
	out := make([]post.Attempt, len(rows))
	for i, r := range rows {
		out[i] = toAttempt(r)
	}
	return out, nil
}

// Intent asks for leave to send one part.
type Intent struct {
	WorkspaceID uuid.UUID
	PostID      post.ID
	AccountID   account.ID
	Revision    int64
	Part        int
	// AttemptID is made by the caller, so that asking again after a lost
	// COMMIT finds the first asking.
	AttemptID uuid.UUID
	// Fence is 0 to start a post that is scheduled, else the fence that the
	// part before was begun with.
	Fence int
	// Hash is computed from the stored content just now, never read from a column.
	Hash        string
	Fingerprint string
	SinceID     string
	ReplyTo     string
	Lease       time.Duration
	// Grace is how late still counts as on time for the catch-up rule.
	Grace time.Duration
}

// Verdict is the answer to an Intent.
type Verdict string

// The verdicts.
const (
	// Go: the attempt is recorded; the caller must make the call and settle it.
	Go Verdict = "go"
	// Early: not due yet; ask again after Wait.
	Early Verdict = "early"
	// Lost: somebody else has it, it was edited, canceled or sent. Stop.
	Lost Verdict = "lost"
	// Held: a person, a switch or a rule keeps it; the reason stands on the post.
	Held Verdict = "held"
	// Missed: too late for the account's catch-up rule.
	Missed Verdict = "missed"
)

// Judgement is the answer to an Intent with what goes with it.
type Judgement struct {
	Verdict Verdict
	Wait    time.Duration   // with Early
	Hold    post.HoldReason // with Held
	Fence   int             // with Go
	// Tries is how many attempts of this part were recorded before.
	Tries int
	// Now is the database's clock at the judgement.
	Now time.Time
}

// BeginAttempt is the durable intent: under locks on workspace, account and
// post it checks that everything that allowed this post still stands, and
// records the attempt. When it answers Go and the transaction commits, nothing
// else can send this part until the attempt is settled. Locks are taken in the
// order workspace, account, post; callers that group intents sort them so.
// Errors: NotFound, Unavailable.
func (tx *Tx) BeginAttempt(ctx context.Context, in Intent, actor audit.Actor) (Judgement, error) {
	locked, err := tx.q.LockForIntent(ctx, dbsqlc.LockForIntentParams{
		WorkspaceID: in.WorkspaceID, AccountID: uuid.UUID(in.AccountID), PostID: uuid.UUID(in.PostID),
	})
	if err != nil {
		return Judgement{}, fmt.Errorf("lock post %s: %w", in.PostID, noPost(err))
	}
	row, err := tx.q.JudgeIntent(ctx, dbsqlc.JudgeIntentParams{
		Part: int32(in.Part), AttemptID: in.AttemptID, WorkspaceID: in.WorkspaceID, ID: uuid.UUID(in.PostID),
	})
	if err != nil {
		return Judgement{}, fmt.Errorf("judge intent of post %s: %w", in.PostID, noPost(err))
	}
	if row.OwnAttempt != "" {
		return alreadyBegun(row), nil
	}
	j := judge(in, locked, row)
	j.Now, j.Tries = row.Now.UTC(), int(row.PartAttempts)
	return j, tx.carryOut(ctx, in, actor, row, &j)
}

// alreadyBegun judges this very attempt asked for again: the COMMIT of an
// earlier asking stood although its answer was lost.
func alreadyBegun(row dbsqlc.JudgeIntentRow) Judgement {
	if row.OwnAttempt != string(post.AttemptSending) || row.State != string(post.Sending) {
		return Judgement{Verdict: Lost}
	}
	return Judgement{Verdict: Go, Fence: int(row.AttemptNo), Now: row.Now.UTC(), Tries: int(row.PartAttempts) - 1}
}

// judge decides from what the locked rows say. The order matters: what ends
// the matter comes first, what only delays it last.
func judge(in Intent, locked dbsqlc.LockForIntentRow, row dbsqlc.JudgeIntentRow) Judgement {
	started := in.Fence != 0
	if isLost(in, row) {
		return Judgement{Verdict: Lost}
	}
	if hold := holdOf(in, locked, row); hold != "" {
		return Judgement{Verdict: Held, Hold: hold}
	}
	switch {
	case row.Early && !started:
		return Judgement{Verdict: Early, Wait: time.Duration(row.DueInUs) * time.Microsecond}
	case row.AcceptedParts == 0 && row.LateMs > in.Grace.Milliseconds():
		return judgeLate(locked, row)
	}
	return Judgement{Verdict: Go}
}

// isLost reports that somebody else has the part, or that the post is no
// longer the one the sender read.
func isLost(in Intent, row dbsqlc.JudgeIntentRow) bool {
	if row.Revision != in.Revision || row.LiveAttempts > 0 {
		return true
	}
	if in.Fence != 0 {
		return row.State != string(post.Sending) || int(row.AttemptNo) != in.Fence
	}
	return row.State != string(post.Scheduled)
}

// holdOf names what keeps the post back whatever the time; empty is nothing.
func holdOf(in Intent, locked dbsqlc.LockForIntentRow, row dbsqlc.JudgeIntentRow) post.HoldReason {
	switch {
	case in.Hash == "" || row.ApprovedHash != in.Hash:
		return post.HeldContentChanged
	case locked.PausedAt != nil || slices.Contains(locked.PausedNetworks, locked.Network):
		return post.HeldPausedWorkspace
	case locked.AccountPausedAt != nil:
		return post.HeldPausedAccount
	case locked.Status != string(account.Connected):
		return post.HeldReauth
	case locked.Limited:
		return post.HeldRateLimit
	}
	return ""
}

// judgeLate applies the account's catch-up rule to a post of which the
// audience has seen nothing yet.
func judgeLate(locked dbsqlc.LockForIntentRow, row dbsqlc.JudgeIntentRow) Judgement {
	switch account.CatchUp(locked.CatchUp) {
	case account.Drop:
		return Judgement{Verdict: Missed}
	case account.SendWithin:
		if row.LateMs <= int64(locked.CatchUpWithinSeconds)*1000 {
			return Judgement{Verdict: Go}
		}
		return Judgement{Verdict: Held, Hold: post.HeldLate}
	case account.Hold:
		return Judgement{Verdict: Held, Hold: post.HeldLate}
	}
	// A rule that this code does not know keeps the post back.
	return Judgement{Verdict: Held, Hold: post.HeldLate}
}

// carryOut writes what the judgement means, with its audit event.
func (tx *Tx) carryOut(ctx context.Context, in Intent, actor audit.Actor, row dbsqlc.JudgeIntentRow, j *Judgement) error {
	p := PostRef{WorkspaceID: in.WorkspaceID, PostID: in.PostID, AccountID: in.AccountID, CorrelationID: row.CorrelationID}
	switch j.Verdict {
	case Early, Lost:
		return nil
	case Held:
		if row.State == string(post.Sending) {
			_, err := tx.BackToScheduled(ctx, p, Requeue{Hold: j.Hold})
			return err
		}
		return tx.HoldPost(ctx, p, actor, j.Hold)
	case Missed:
		if err := tx.q.MissPost(ctx, dbsqlc.MissPostParams{WorkspaceID: in.WorkspaceID, ID: uuid.UUID(in.PostID)}); err != nil {
			return fmt.Errorf("miss post %s: %w", in.PostID, classify(err))
		}
		return tx.Record(ctx, p.event(actor, "post.missed", map[string]any{"late_ms": row.LateMs}))
	case Go:
	}
	fence, err := tx.q.BeginAttempt(ctx, dbsqlc.BeginAttemptParams{
		LeaseSeconds: in.Lease.Seconds(), WorkspaceID: in.WorkspaceID, PostID: uuid.UUID(in.PostID), AttemptID: in.AttemptID,
		AccountID: uuid.UUID(in.AccountID), Revision: in.Revision, Part: int32(in.Part), Number: int32(row.PartAttempts) + 1,
		Fingerprint: in.Fingerprint, SinceID: in.SinceID, ReplyTo: in.ReplyTo,
	})
	if err != nil {
		return fmt.Errorf("record attempt of post %s part %d: %w", in.PostID, in.Part, classify(err))
	}
	j.Fence = int(fence)
	return tx.Record(ctx, p.event(actor, "attempt.started", map[string]any{"part": in.Part, "number": row.PartAttempts + 1, "content_hash": in.Hash}))
}

// PostRef names a post with what its audit events and messages need.
type PostRef struct {
	WorkspaceID   uuid.UUID
	PostID        post.ID
	AccountID     account.ID
	CorrelationID uuid.UUID
}

// Ref names a loaded post.
func Ref(p post.Post) PostRef {
	return PostRef{WorkspaceID: p.WorkspaceID, PostID: p.ID, AccountID: p.AccountID, CorrelationID: p.CorrelationID}
}

func (r PostRef) event(actor audit.Actor, action string, detail map[string]any) audit.Event {
	actor.WorkspaceID = r.WorkspaceID
	return audit.Event{
		Actor: actor, Action: action, SubjectKind: "post", SubjectID: uuid.UUID(r.PostID),
		AccountID: uuid.UUID(r.AccountID), CorrelationID: r.CorrelationID, Detail: detail,
	}
}

// RecordPost writes an audit event about a post.
func (tx *Tx) RecordPost(ctx context.Context, r PostRef, actor audit.Actor, action string, detail map[string]any) error {
	return tx.Record(ctx, r.event(actor, action, detail))
}

func toAttempt(r dbsqlc.Attempt) post.Attempt {
	a := post.Attempt{
		ID: r.ID, PostID: post.ID(r.PostID), Part: int(r.Part), Number: int(r.Number), State: post.AttemptState(r.State),
		Fingerprint: r.Fingerprint, SinceID: r.SinceID, ReplyTo: r.ReplyTo, StartedAt: r.StartedAt.UTC(),
		FinishedAt: utcOrNil(r.FinishedAt), RemoteURL: r.RemoteUrl, Code: r.Code, Detail: r.Detail, SettledBy: r.SettledBy,
	}
	if r.RemoteID != nil {
		a.RemoteID = *r.RemoteID
	}
	return a
}
