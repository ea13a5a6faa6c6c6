package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/post"
	"rostrum/shared/store/internal/dbsqlc"
)

// Settlement is how an attempt ended.
type Settlement struct {
	AttemptID uuid.UUID
	To        post.AttemptState
	RemoteID  string // with AttemptAccepted
	RemoteURL string
	Code      string
	Detail    string
	RequestID string
	// SettledBy is empty for the network's own answer, else "read_back" or "person".
	SettledBy string
	// At is when it ended; zero is now.
	At time.Time
}

// SettleAttempt writes how an attempt ended. From sending it may end any way;
// from unknown only as accepted or absent. Saying the same twice is no error.
// Errors: Conflict (code attempt_settled) when it is settled otherwise, or
// (code remote_id_taken) when another attempt owns the remote id.
func (tx *Tx) SettleAttempt(ctx context.Context, workspace uuid.UUID, s Settlement) error {
	from := []string{string(post.AttemptSending)}
	if s.To == post.AttemptAccepted || s.To == post.AttemptAbsent {
		from = append(from, string(post.AttemptUnknown))
	}
	var remoteID *string
	if s.RemoteID != "" {
		remoteID = &s.RemoteID
	}
	var at *time.Time
	if !s.At.IsZero() {
		at = new(s.At.UTC())
	}
	n, err := tx.q.SettleAttempt(ctx, dbsqlc.SettleAttemptParams{
		ToState: string(s.To), FinishedAt: at, RemoteID: remoteID, RemoteUrl: s.RemoteURL, Code: s.Code, Detail: s.Detail,
		RequestID: s.RequestID, SettledBy: s.SettledBy, WorkspaceID: workspace, ID: s.AttemptID, FromStates: from,
	})
	if constraintOf(err) == "attempts_remote" {
		return remoteIDTaken(err)
	}
	if err != nil {
		return fmt.Errorf("settle attempt %s as %s: %w", s.AttemptID, s.To, classify(err))
	}
	if n == 1 {
		return nil
	}
	a, err := tx.q.AttemptByID(ctx, dbsqlc.AttemptByIDParams{WorkspaceID: workspace, ID: s.AttemptID})
	if err != nil {
		return fmt.Errorf("settle attempt %s: %w", s.AttemptID, classify(err))
	}
	same := a.State == string(s.To) && (s.RemoteID == "" || a.RemoteID != nil && *a.RemoteID == s.RemoteID)
	if same {
		return nil
	}
	return apperr.New(apperr.Conflict, "attempt_settled", "the attempt is settled as %s", a.State)
}

func remoteIDTaken(cause error) error {
	return apperr.New(apperr.Conflict, "remote_id_taken", "another post owns that post on the network").WithCause(cause)
}

// LiveAttempt returns the post's attempt that is sending or unknown, and false
// when there is none.
func (tx *Tx) LiveAttempt(ctx context.Context, r PostRef) (post.Attempt, bool, error) {
	row, err := tx.q.LiveAttempt(ctx, dbsqlc.LiveAttemptParams{WorkspaceID: r.WorkspaceID, PostID: uuid.UUID(r.PostID)})
	if err != nil {
		if err := classify(err); apperr.KindOf(err) != apperr.NotFound {
			return post.Attempt{}, false, fmt.Errorf("find live attempt of post %s: %w", r.PostID, err)
		}
		return post.Attempt{}, false, nil
	}
	return toAttempt(row), true, nil
}

// LockedPost is what a result is checked against.
type LockedPost struct {
	State     post.State
	AttemptNo int
}

// LockPosts locks posts for this transaction alone, in the order of their ids,
// and returns them as they are under the lock. Errors: NotFound when one of them
// does not exist, Unavailable.
func (tx *Tx) LockPosts(ctx context.Context, refs []PostRef) (map[post.ID]LockedPost, error) {
	refs = eachOnce(refs)
	workspaces, posts := columnsOf(refs)
	rows, err := tx.q.LockPosts(ctx, dbsqlc.LockPostsParams{WorkspaceIds: workspaces, PostIds: posts})
	if err != nil {
		return nil, fmt.Errorf("lock %d posts: %w", len(refs), classify(err))
	}
	if len(rows) < len(refs) {
		return nil, fmt.Errorf("lock %d posts: %w", len(refs), noPost(pgx.ErrNoRows))
	}
	out := make(map[post.ID]LockedPost, len(rows))
	for _, r := range rows {
		out[post.ID(r.ID)] = LockedPost{State: post.State(r.State), AttemptNo: int(r.AttemptNo)}
	}
	return out, nil
}

func eachOnce(refs []PostRef) []PostRef {
	seen := make(map[post.ID]bool, len(refs))
	return slices.DeleteFunc(slices.Clone(refs), func(r PostRef) bool {
		was := seen[r.PostID]
		seen[r.PostID] = true
		return was
	})
}

// LockAccounts locks the accounts of these posts, in the order of their ids, for
// a transaction that may change them. It comes before LockPosts.
func (tx *Tx) LockAccounts(ctx context.Context, refs []PostRef) error {
	workspaces, accounts := accountsOf(refs)
	err := tx.q.LockAccountsToChange(ctx, dbsqlc.LockAccountsToChangeParams{WorkspaceIds: workspaces, AccountIds: accounts})
	if err != nil {
		return fmt.Errorf("lock accounts of %d posts: %w", len(refs), classify(err))
	}
	return nil
}

// Acceptance is the network's own word that it took a part.
type Acceptance struct {
	PostRef
	AttemptID uuid.UUID
	RemoteID  string
	RemoteURL string
	Code      string
	Detail    string
	RequestID string
	At        time.Time
}

// SettleAccepted is SettleAttempt for parts that were accepted. Errors are
// those of SettleAttempt, each for the whole group.
func (tx *Tx) SettleAccepted(ctx context.Context, all []Acceptance) error {
	if len(all) == 0 {
		return nil
	}
	var arg dbsqlc.SettleAcceptedParams
	left := make(map[uuid.UUID]Acceptance, len(all))
	for _, a := range all {
		arg.WorkspaceIds = append(arg.WorkspaceIds, a.WorkspaceID)
		arg.AttemptIds = append(arg.AttemptIds, a.AttemptID)
		arg.FinishedAts = append(arg.FinishedAts, a.At.UTC())
		arg.RemoteIds = append(arg.RemoteIds, a.RemoteID)
		arg.RemoteUrls = append(arg.RemoteUrls, a.RemoteURL)
		arg.Codes = append(arg.Codes, a.Code)
		arg.Details = append(arg.Details, a.Detail)
		arg.RequestIds = append(arg.RequestIds, a.RequestID)
		left[a.AttemptID] = a
	}
	done, err := tx.q.SettleAccepted(ctx, arg)
	if constraintOf(err) == "attempts_remote" {
		return remoteIDTaken(err)
	}
	if err != nil {
		return fmt.Errorf("settle %d attempts as accepted: %w", len(all), classify(err))
	}
	for _, id := range done {
		delete(left, id)
	}
	for _, a := range left {
		err := tx.SettleAttempt(ctx, a.WorkspaceID, Settlement{
			AttemptID: a.AttemptID, To: post.AttemptAccepted, RemoteID: a.RemoteID, RemoteURL: a.RemoteURL,
			Code: a.Code, Detail: a.Detail, RequestID: a.RequestID, At: a.At,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Publication is a post of which the last part is out.
type Publication struct {
	PostRef
	At time.Time
}

// FinishPosts marks posts published at the given times; the lateness of each is
// that of its first part. Errors: NotFound when the first part of one of them is
// not accepted, Unavailable.
func (tx *Tx) FinishPosts(ctx context.Context, all []Publication) error {
	if len(all) == 0 {
		return nil
	}
	workspaces, posts, ats := publicationColumns(all)
	n, err := tx.q.FinishPosts(ctx, dbsqlc.FinishPostsParams{WorkspaceIds: workspaces, PostIds: posts, PublishedAts: ats})
	if err != nil {
		return fmt.Errorf("finish %d posts: %w", len(all), classify(err))
	}
	if int(n) < len(all) {
		return fmt.Errorf("finish %d posts: %w", len(all), apperr.New(apperr.NotFound, "not_found", "the first part of a post is not accepted"))
	}
	return nil
}

func publicationColumns(all []Publication) (workspaces, posts []uuid.UUID, ats []time.Time) {
	for _, p := range all {
		workspaces, posts, ats = append(workspaces, p.WorkspaceID), append(posts, uuid.UUID(p.PostID)), append(ats, p.At.UTC())
	}
	return workspaces, posts, ats
}

// RenewLeases keeps posts with their senders, from sending or unknown, while
// parts are left.
func (tx *Tx) RenewLeases(ctx context.Context, refs []PostRef, lease time.Duration) error {
	if len(refs) == 0 {
		return nil
	}
	workspaces, posts := columnsOf(refs)
	err := tx.q.RenewLeases(ctx, dbsqlc.RenewLeasesParams{LeaseSeconds: lease.Seconds(), WorkspaceIds: workspaces, PostIds: posts})
	if err != nil {
		return fmt.Errorf("renew leases of %d posts: %w", len(refs), classify(err))
	}
	return nil
}

// Requeue says how a post waits for its next try.
type Requeue struct {
	Wait        time.Duration
	Hold        post.HoldReason
	NeedsPerson bool
	Code        string
	Detail      string
}

// BackToScheduled takes a post that has something left to send and nothing in
// flight back to scheduled, marks it handed out, and returns when the next try
// may start. The caller writes the message in the same transaction.
func (tx *Tx) BackToScheduled(ctx context.Context, r PostRef, q Requeue) (time.Time, error) {
	at, err := tx.q.BackToScheduled(ctx, dbsqlc.BackToScheduledParams{
		WaitSeconds: q.Wait.Seconds(), HoldReason: string(q.Hold), NeedsPerson: q.NeedsPerson, FailureCode: q.Code, FailureDetail: q.Detail,
		WorkspaceID: r.WorkspaceID, ID: uuid.UUID(r.PostID),
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("requeue post %s: %w", r.PostID, classify(err))
	}
	return at.UTC(), nil
}

// FailPost ends a post's sending with a reason for people.
func (tx *Tx) FailPost(ctx context.Context, r PostRef, code, detail string) error {
	err := tx.q.FailPost(ctx, dbsqlc.FailPostParams{FailureCode: code, FailureDetail: detail, WorkspaceID: r.WorkspaceID, ID: uuid.UUID(r.PostID)})
	if err != nil {
		return fmt.Errorf("fail post %s: %w", r.PostID, classify(err))
	}
	return nil
}

// PostBecomesUnknown marks a post whose part may or may not be public and
// returns when to read the account back first.
func (tx *Tx) PostBecomesUnknown(ctx context.Context, r PostRef, wait time.Duration, code, detail string) (time.Time, error) {
	at, err := tx.q.PostBecomesUnknown(ctx, dbsqlc.PostBecomesUnknownParams{
		WaitSeconds: wait.Seconds(), FailureCode: code, FailureDetail: detail, WorkspaceID: r.WorkspaceID, ID: uuid.UUID(r.PostID),
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("mark post %s unknown: %w", r.PostID, classify(err))
	}
	return at.UTC(), nil
}

// HoldPost writes why a scheduled post is not going out. A late one needs a person.
func (tx *Tx) HoldPost(ctx context.Context, r PostRef, actor audit.Actor, hold post.HoldReason) error {
	err := tx.q.HoldPost(ctx, dbsqlc.HoldPostParams{
		HoldReason: string(hold), NeedsPerson: slices.Contains(needsPerson(), hold),
		WorkspaceID: r.WorkspaceID, ID: uuid.UUID(r.PostID),
	})
	if err != nil {
		return fmt.Errorf("hold post %s: %w", r.PostID, classify(err))
	}
	return tx.RecordPost(ctx, r, actor, "post.held", map[string]any{"reason": string(hold)})
}

// needsPerson lists the holds that only a person can end.
func needsPerson() []post.HoldReason {
	return []post.HoldReason{post.HeldLate, post.HeldContentChanged, post.HeldReauth, post.HeldFoundLate}
}

// LimitAccount keeps the whole account back for a while; a longer limit stays.
func (tx *Tx) LimitAccount(ctx context.Context, workspace uuid.UUID, id account.ID, wait time.Duration) error {
	err := tx.q.LimitAccount(ctx, dbsqlc.LimitAccountParams{WaitSeconds: wait.Seconds(), WorkspaceID: workspace, ID: uuid.UUID(id)})
	if err != nil {
		return fmt.Errorf("limit account %s: %w", id, classify(err))
	}
	return nil
}

// AccountNeedsReauth marks a connected account as needing a person to connect
// it again and reports whether it was connected.
func (tx *Tx) AccountNeedsReauth(ctx context.Context, workspace uuid.UUID, id account.ID, actor audit.Actor, why string) (bool, error) {
	n, err := tx.q.AccountNeedsReauth(ctx, dbsqlc.AccountNeedsReauthParams{WorkspaceID: workspace, ID: uuid.UUID(id)})
	if err != nil {
		return false, fmt.Errorf("mark account %s: %w", id, classify(err))
	}
	if n == 0 {
		return false, nil
	}
	actor.WorkspaceID = workspace
	return true, tx.Record(ctx, audit.Event{
		Actor: actor, Action: "account.needs_reconnect", SubjectKind: "account", SubjectID: uuid.UUID(id), AccountID: uuid.UUID(id),
		Detail: map[string]any{"why": why},
	})
}

// Due is a post that was just marked as handed out.
type Due struct {
	PostRef
	Revision int64
	SendAt   time.Time
	// Illustrated says that the post shows images; it may be false where a post
	// is handed out for no other time than now.
	Illustrated bool
}

// Dispatch marks one scheduled post as handed out; the caller writes the
// message in the same transaction. Errors: Conflict when it is not scheduled.
func (tx *Tx) Dispatch(ctx context.Context, r PostRef) (Due, error) {
	row, err := tx.q.DispatchPost(ctx, dbsqlc.DispatchPostParams{WorkspaceID: r.WorkspaceID, ID: uuid.UUID(r.PostID)})
	if err != nil {
		if err := classify(err); apperr.KindOf(err) != apperr.NotFound {
			return Due{}, fmt.Errorf("dispatch post %s: %w", r.PostID, err)
		}
		return Due{}, fmt.Errorf("dispatch post %s: %w", r.PostID, wrongState())
	}
	r.CorrelationID = row.CorrelationID
	return Due{PostRef: r, Revision: row.Revision, SendAt: row.SendAt.UTC(), Illustrated: row.Illustrated}, nil
}

// ExpiredLeases returns posts whose sender has not been heard of.
func (tx *Tx) ExpiredLeases(ctx context.Context, limit int) ([]PostRef, error) {
	rows, err := tx.q.ExpiredLeases(ctx, int32(limit))
	if err != nil {
		return nil, fmt.Errorf("list expired leases: %w", classify(err))
	}
	out := make([]PostRef, len(rows))
	for i, r := range rows {
		out[i] = PostRef{WorkspaceID: r.WorkspaceID, PostID: post.ID(r.ID)}
	}
	return out, nil
}

// Reconcile is a claimed look at an unknown post.
type Reconcile struct {
	Tries       int // this one included
	CleanReads  int // before this one
	NeedsPerson bool
}

// ClaimReconcile takes the turn to read an unknown post's account back, for
// the length of the lease, and reports false when it is not due or not unknown.
func (tx *Tx) ClaimReconcile(ctx context.Context, r PostRef, lease time.Duration) (Reconcile, bool, error) {
	row, err := tx.q.ClaimReconcile(ctx, dbsqlc.ClaimReconcileParams{LeaseSeconds: lease.Seconds(), WorkspaceID: r.WorkspaceID, ID: uuid.UUID(r.PostID)})
	if err != nil {
		if err := classify(err); apperr.KindOf(err) != apperr.NotFound {
			return Reconcile{}, false, fmt.Errorf("claim reconcile of post %s: %w", r.PostID, err)
		}
		return Reconcile{}, false, nil
	}
	return Reconcile{Tries: int(row.ReconcileTries), CleanReads: int(row.CleanReads), NeedsPerson: row.NeedsPersonAt != nil}, true, nil
}

// NextReconcile sets when to look again and what the looks so far came to.
func (tx *Tx) NextReconcile(ctx context.Context, r PostRef, wait time.Duration, cleanReads int, detail string, needsPerson bool) error {
	err := tx.q.NextReconcile(ctx, dbsqlc.NextReconcileParams{
		WaitSeconds: wait.Seconds(), CleanReads: int32(cleanReads), FailureDetail: detail, NeedsPerson: needsPerson,
		WorkspaceID: r.WorkspaceID, ID: uuid.UUID(r.PostID),
	})
	if err != nil {
		return fmt.Errorf("set next reconcile of post %s: %w", r.PostID, classify(err))
	}
	return nil
}

// ReconcilesDue returns unknown posts whose look is overdue by more than the given time.
func (tx *Tx) ReconcilesDue(ctx context.Context, overdue time.Duration, limit int) ([]Due, error) {
	rows, err := tx.q.ReconcilesDue(ctx, dbsqlc.ReconcilesDueParams{OverdueSeconds: overdue.Seconds(), MaxRows: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list due reconciles: %w", classify(err))
	}
	out := make([]Due, len(rows))
	for i, r := range rows {
		out[i] = Due{PostRef: PostRef{WorkspaceID: r.WorkspaceID, PostID: post.ID(r.ID), CorrelationID: r.CorrelationID}, SendAt: r.ReconcileAt.UTC()}
	}
	return out, nil
}

// OwnedRemoteIDs returns which of the remote ids belong to a recorded attempt
// of the account.
func (tx *Tx) OwnedRemoteIDs(ctx context.Context, workspace uuid.UUID, id account.ID, remoteIDs []string) (map[string]bool, error) {
	rows, err := tx.q.OwnedRemoteIDs(ctx, dbsqlc.OwnedRemoteIDsParams{WorkspaceID: workspace, AccountID: uuid.UUID(id), RemoteIds: remoteIDs})
	if err != nil {
		return nil, fmt.Errorf("list owned remote ids of account %s: %w", id, classify(err))
	}
	out := make(map[string]bool, len(rows))
	for _, r := range rows {
		out[r] = true
	}
	return out, nil
}
