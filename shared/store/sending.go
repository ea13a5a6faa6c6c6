package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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

// LoadSendings reads posts as a sender needs them, all with the same two
// statements. A post that does not exist is not in the answer. Errors:
// Unavailable, Internal.
func (tx *Tx) LoadSendings(ctx context.Context, refs []PostRef) (map[post.ID]Sending, error) {
	workspaces, posts := columnsOf(refs)
	rows, err := tx.q.SendingViews(ctx, dbsqlc.SendingViewsParams{WorkspaceIds: workspaces, PostIds: posts})
	if err != nil {
		return nil, fmt.Errorf("load %d posts for sending: %w", len(refs), classify(err))
	}
	attempts, err := tx.q.AttemptsOfPosts(ctx, dbsqlc.AttemptsOfPostsParams{WorkspaceIds: workspaces, PostIds: posts})
	if err != nil {
		return nil, fmt.Errorf("list attempts of %d posts: %w", len(refs), classify(err))
	}
	byPost := map[uuid.UUID][]post.Attempt{}
	for _, a := range attempts {
		byPost[a.PostID] = append(byPost[a.PostID], toAttempt(a))
	}
	out := make(map[post.ID]Sending, len(rows))
	for _, row := range rows {
		p, err := toPost(row.Post, row.Version)
		if err != nil {
			return nil, err
		}
		s := Sending{
			Post: p, Network: account.Network(row.Network), Handle: row.Handle, RemoteID: row.RemoteID,
			AccountStatus: account.Status(row.AccountStatus), DueIn: time.Duration(row.DueInUs) * time.Microsecond,
			LeaseLive: row.LeaseLive, SinceID: row.SinceID, Attempts: byPost[row.Post.ID], Now: row.Now.UTC(),
		}
		if row.ApprovedVersionID == p.Version.ID {
			s.ApprovedHash = row.ApprovedHash
		}
		out[p.ID] = s
	}
	return out, nil
}

// LoadSending reads one post as a sender needs it. Errors: NotFound, Unavailable.
func (tx *Tx) LoadSending(ctx context.Context, workspace uuid.UUID, id post.ID) (Sending, error) {
	all, err := tx.LoadSendings(ctx, []PostRef{{WorkspaceID: workspace, PostID: id}})
	if err != nil {
		return Sending{}, err
	}
	s, ok := all[id]
	if !ok {
		return Sending{}, fmt.Errorf("load post %s for sending: %w", id, noPost(pgx.ErrNoRows))
	}
	return s, nil
}

// Attempts returns every attempt of a post, by part and number.
func (tx *Tx) Attempts(ctx context.Context, workspace uuid.UUID, id post.ID) ([]post.Attempt, error) {
	rows, err := tx.q.AttemptsOfPosts(ctx, dbsqlc.AttemptsOfPostsParams{WorkspaceIds: []uuid.UUID{workspace}, PostIds: []uuid.UUID{uuid.UUID(id)}})
	if err != nil {
		return nil, fmt.Errorf("list attempts of post %s: %w", id, classify(err))
	}
	out := make([]post.Attempt, len(rows))
	for i, r := range rows {
		out[i] = toAttempt(r)
	}
	return out, nil
}

// columnsOf turns references into the columns that statements over arrays take.
func columnsOf(refs []PostRef) (workspaces, posts []uuid.UUID) {
	workspaces, posts = make([]uuid.UUID, len(refs)), make([]uuid.UUID, len(refs))
	for i, r := range refs {
		workspaces[i], posts[i] = r.WorkspaceID, uuid.UUID(r.PostID)
	}
	return workspaces, posts
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
	// StagedID is what the attempt is to show, on a network that publishes in two
	// steps; the intent is lost when the part has another stage by now.
	StagedID string
	Lease    time.Duration
	// Grace is how late still counts as on time for the catch-up rule, and
	// Settling how much longer, because an earlier attempt had to be proved absent.
	Grace    time.Duration
	Settling time.Duration
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
	// Until is with Held when the hold ends by itself at a known time.
	Until time.Time
	// Reserved is with Go: the calls taken out of quotas, to be given back if
	// this one is not sent.
	Reserved []Reservation
	Fence    int // with Go
	// Tries is how many attempts of this part were recorded before.
	Tries int
	// Now is the database's clock at the judgement.
	Now time.Time
}

// BeginAttempts is the durable intent of several parts: under locks on
// workspaces, accounts and posts it checks of each that everything that allowed
// its post still stands, and records the attempts. Of what it answers Go and
// whose transaction commits, nothing else can send that part until the attempt
// is settled. Two intents for one post are judged one after the other. It
// answers in the order of ins. Errors, each for the whole group: NotFound when
// one of the posts does not exist, Unavailable, Internal.
func (tx *Tx) BeginAttempts(ctx context.Context, ins []Intent, actor audit.Actor) ([]Judgement, error) {
	limits, err := tx.lockAppQuotas(ctx, ins)
	if err != nil {
		return nil, err
	}
	if err := tx.lockForIntents(ctx, ins); err != nil {
		return nil, err
	}
	if err := limits.load(ctx, tx, ins); err != nil {
		return nil, err
	}
	out := make([]Judgement, len(ins))
	left := make([]int, len(ins))
	for i := range left {
		left[i] = i
	}
	for len(left) > 0 {
		var turn, later []int
		seen := map[post.ID]bool{}
		for _, i := range left {
			if seen[ins[i].PostID] {
				later = append(later, i)
				continue
			}
			seen[ins[i].PostID] = true
			turn = append(turn, i)
		}
		if err := tx.judgeAll(ctx, ins, turn, &limits, actor, out); err != nil {
			return nil, err
		}
		left = later
	}
	return out, nil
}

func (tx *Tx) lockForIntents(ctx context.Context, ins []Intent) error {
	refs := make([]PostRef, len(ins))
	for i, in := range ins {
		refs[i] = PostRef{WorkspaceID: in.WorkspaceID, PostID: in.PostID, AccountID: in.AccountID}
	}
	workspaces, accounts := accountsOf(refs)
	if err := tx.q.LockWorkspaces(ctx, workspaces); err != nil {
		return fmt.Errorf("lock workspaces of %d intents: %w", len(ins), classify(err))
	}
	if err := tx.q.LockAccounts(ctx, dbsqlc.LockAccountsParams{WorkspaceIds: workspaces, AccountIds: accounts}); err != nil {
		return fmt.Errorf("lock accounts of %d intents: %w", len(ins), classify(err))
	}
	_, err := tx.LockPosts(ctx, refs)
	return err
}

// accountsOf names the accounts of posts, each once.
func accountsOf(refs []PostRef) (workspaces, accounts []uuid.UUID) {
	type key struct{ workspace, account uuid.UUID }
	seen := map[key]bool{}
	for _, r := range refs {
		k := key{r.WorkspaceID, uuid.UUID(r.AccountID)}
		if !seen[k] {
			seen[k] = true
			workspaces, accounts = append(workspaces, k.workspace), append(accounts, k.account)
		}
	}
	return workspaces, accounts
}

// judgeAll judges the intents of one turn, no two of them for one post, and
// writes what the judgements mean.
func (tx *Tx) judgeAll(ctx context.Context, ins []Intent, turn []int, limits *restraints, actor audit.Actor, out []Judgement) error {
	var arg dbsqlc.JudgeIntentsParams
	for _, i := range turn {
		in := ins[i]
		arg.Numbers = append(arg.Numbers, int32(i))
		arg.WorkspaceIds = append(arg.WorkspaceIds, in.WorkspaceID)
		arg.AccountIds = append(arg.AccountIds, uuid.UUID(in.AccountID))
		arg.PostIds = append(arg.PostIds, uuid.UUID(in.PostID))
		arg.Parts = append(arg.Parts, int32(in.Part))
		arg.AttemptIds = append(arg.AttemptIds, in.AttemptID)
	}
	rows, err := tx.q.JudgeIntents(ctx, arg)
	if err != nil {
		return fmt.Errorf("judge %d intents: %w", len(turn), classify(err))
	}
	if len(rows) < len(turn) {
		return fmt.Errorf("judge %d intents: %w", len(turn), noPost(pgx.ErrNoRows))
	}
	stages, err := tx.stagesOf(ctx, ins, turn)
	if err != nil {
		return err
	}
	var starts []start
	for _, row := range rows {
		in, j := ins[row.N], &out[row.N]
		stagedAt, staged := stages[stagedPart{uuid.UUID(in.PostID), in.Part, in.StagedID}]
		if row.OwnAttempt != "" {
			*j = alreadyBegun(row)
			continue
		}
		*j = judge(in, row)
		if in.StagedID != "" && !staged {
			*j = Judgement{Verdict: Lost}
		}
		j.Now, j.Tries = row.Now.UTC(), int(row.PartAttempts)
		if err := limits.apply(ctx, tx, in, account.Network(row.Network), onTime(in, row), j); err != nil {
			return err
		}
		if j.Verdict == Go {
			starts = append(starts, start{in, row, j, stagedAt})
			continue
		}
		if err := tx.carryOut(ctx, in, actor, row, *j); err != nil {
			return err
		}
	}
	return tx.begin(ctx, starts, actor)
}

// alreadyBegun judges this very attempt asked for again: the COMMIT of an
// earlier asking stood although its answer was lost.
func alreadyBegun(row dbsqlc.JudgeIntentsRow) Judgement {
	if row.OwnAttempt != string(post.AttemptSending) || row.State != string(post.Sending) {
		return Judgement{Verdict: Lost}
	}
	return Judgement{Verdict: Go, Fence: int(row.AttemptNo), Now: row.Now.UTC(), Tries: int(row.PartAttempts) - 1}
}

// judge decides from what the locked rows say. The order matters: what ends
// the matter comes first, what only delays it last.
func judge(in Intent, row dbsqlc.JudgeIntentsRow) Judgement {
	started := in.Fence != 0
	if isLost(in, row) {
		return Judgement{Verdict: Lost}
	}
	if hold := holdOf(in, row); hold != "" {
		return Judgement{Verdict: Held, Hold: hold}
	}
	switch {
	case row.Early && !started:
		return Judgement{Verdict: Early, Wait: time.Duration(row.DueInUs) * time.Microsecond}
	case row.AcceptedParts == 0 && !onTime(in, row):
		return judgeLate(row)
	}
	return Judgement{Verdict: Go}
}

// onTime reports that the post is no later than counts as on time.
func onTime(in Intent, row dbsqlc.JudgeIntentsRow) bool {
	return row.LateMs <= (in.Grace + in.Settling).Milliseconds()
}

// isLost reports that somebody else has the part, or that the post is no
// longer the one the sender read.
func isLost(in Intent, row dbsqlc.JudgeIntentsRow) bool {
	if row.Revision != in.Revision || row.LiveAttempts > 0 {
		return true
	}
	if in.Fence != 0 {
		return row.State != string(post.Sending) || int(row.AttemptNo) != in.Fence
	}
	return row.State != string(post.Scheduled)
}

// holdOf names what keeps the post back whatever the time; empty is nothing.
func holdOf(in Intent, row dbsqlc.JudgeIntentsRow) post.HoldReason {
	switch {
	case in.Hash == "" || row.ApprovedHash != in.Hash:
		return post.HeldContentChanged
	case row.PausedAt != nil:
		return post.HeldPausedWorkspace
	case slices.Contains(row.PausedNetworks, row.Network):
		return post.HeldPausedNetwork
	case row.AccountPausedAt != nil:
		return post.HeldPausedAccount
	case row.Status != string(account.Connected):
		return post.HeldReauth
	case row.Limited:
		return post.HeldRateLimit
	}
	return ""
}

// judgeLate applies the account's catch-up rule to a post of which the
// audience has seen nothing yet.
func judgeLate(row dbsqlc.JudgeIntentsRow) Judgement {
	switch account.CatchUp(row.CatchUp) {
	case account.Drop:
		return Judgement{Verdict: Missed}
	case account.SendWithin:
		if row.LateMs <= int64(row.CatchUpWithinSeconds)*1000 {
			return Judgement{Verdict: Go}
		}
		return Judgement{Verdict: Held, Hold: post.HeldLate}
	case account.Hold:
		return Judgement{Verdict: Held, Hold: post.HeldLate}
	}
	// A rule that this code does not know keeps the post back.
	return Judgement{Verdict: Held, Hold: post.HeldLate}
}

// carryOut writes what a judgement other than Go means, with its audit event.
func (tx *Tx) carryOut(ctx context.Context, in Intent, actor audit.Actor, row dbsqlc.JudgeIntentsRow, j Judgement) error {
	p := PostRef{WorkspaceID: in.WorkspaceID, PostID: in.PostID, AccountID: in.AccountID, CorrelationID: row.CorrelationID}
	switch j.Verdict {
	case Held:
		if row.State == string(post.Sending) {
			wait := time.Duration(0)
			if !j.Until.IsZero() {
				wait = j.Until.Sub(j.Now)
			}
			if _, err := tx.BackToScheduled(ctx, p, Requeue{Hold: j.Hold, Wait: wait}); err != nil {
				return err
			}
			return tx.RecordPost(ctx, p, actor, "post.held", map[string]any{"reason": string(j.Hold)})
		}
		if !j.Until.IsZero() {
			return tx.holdUntil(ctx, p, actor, j.Hold, j.Until)
		}
		return tx.HoldPost(ctx, p, actor, j.Hold)
	case Missed:
		if err := tx.q.MissPost(ctx, dbsqlc.MissPostParams{WorkspaceID: in.WorkspaceID, ID: uuid.UUID(in.PostID)}); err != nil {
			return fmt.Errorf("miss post %s: %w", in.PostID, classify(err))
		}
		return tx.Record(ctx, p.event(actor, "post.missed", map[string]any{"late_ms": row.LateMs}))
	case Early, Lost, Go:
	}
	return nil
}

// start is an intent that was answered Go.
type start struct {
	in  Intent
	row dbsqlc.JudgeIntentsRow
	j   *Judgement
	// stagedAt is when what it is to show was staged.
	stagedAt time.Time
}

// begin records the attempts that may start, with their audit events.
func (tx *Tx) begin(ctx context.Context, starts []start, actor audit.Actor) error {
	if len(starts) == 0 {
		return nil
	}
	var arg dbsqlc.BeginAttemptsParams
	events := make([]audit.Event, len(starts))
	of := make(map[uuid.UUID]*Judgement, len(starts))
	for i, s := range starts {
		in := s.in
		arg.WorkspaceIds = append(arg.WorkspaceIds, in.WorkspaceID)
		arg.PostIds = append(arg.PostIds, uuid.UUID(in.PostID))
		arg.AccountIds = append(arg.AccountIds, uuid.UUID(in.AccountID))
		arg.AttemptIds = append(arg.AttemptIds, in.AttemptID)
		arg.Revisions = append(arg.Revisions, in.Revision)
		arg.Parts = append(arg.Parts, int32(in.Part))
		arg.Numbers = append(arg.Numbers, int32(s.row.PartAttempts)+1)
		arg.Fingerprints = append(arg.Fingerprints, in.Fingerprint)
		arg.SinceIds = append(arg.SinceIds, in.SinceID)
		arg.ReplyTos = append(arg.ReplyTos, in.ReplyTo)
		arg.LeaseSeconds = append(arg.LeaseSeconds, in.Lease.Seconds())
		of[uuid.UUID(in.PostID)] = s.j
		p := PostRef{WorkspaceID: in.WorkspaceID, PostID: in.PostID, AccountID: in.AccountID, CorrelationID: s.row.CorrelationID}
		events[i] = p.event(actor, "attempt.started", map[string]any{"part": in.Part, "number": s.row.PartAttempts + 1, "content_hash": in.Hash})
	}
	rows, err := tx.q.BeginAttempts(ctx, arg)
	if err != nil {
		return fmt.Errorf("record %d attempts: %w", len(starts), classify(err))
	}
	for _, r := range rows {
		of[r.ID].Fence = int(r.AttemptNo)
	}
	if err := tx.saveAttemptStages(ctx, starts); err != nil {
		return err
	}
	return tx.Record(ctx, events...)
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

// PostEvent is an audit event about a post, for those who record several at once.
func PostEvent(r PostRef, actor audit.Actor, action string, detail map[string]any) audit.Event {
	return r.event(actor, action, detail)
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
