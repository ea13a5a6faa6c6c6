package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/post"
	"rostrum/shared/store/internal/dbsqlc"
)

// NewPost is what a post starts from. Its first version is made with it.
type NewPost struct {
	AccountID    account.ID
	Content      post.Content // canonical
	Note         string
	Actor        audit.Actor
	GroupID      uuid.UUID // zero makes a new group
	IdeaID       *uuid.UUID
	GenerationID *uuid.UUID
	// CorrelationID follows the post; zero makes a new one.
	CorrelationID uuid.UUID
	Schedule      *post.Schedule
}

// InsertPost writes a post in state Draft with its first version and returns
// it. Errors: NotFound (account or idea of another workspace), Unavailable.
func (tx *Tx) InsertPost(ctx context.Context, n NewPost) (post.Post, error) {
	id, versionID := newID(), newID()
	if n.GroupID == uuid.Nil {
		n.GroupID = newID()
	}
	if n.CorrelationID == uuid.Nil {
		n.CorrelationID = newID()
	}
	dueAt, local, zone := scheduleColumns(n.Schedule)
	workspace := n.Actor.WorkspaceID
	err := tx.q.InsertPost(ctx, dbsqlc.InsertPostParams{
		WorkspaceID: workspace, ID: id, AccountID: uuid.UUID(n.AccountID), GroupID: n.GroupID,
		IdeaID: n.IdeaID, GenerationID: n.GenerationID, CorrelationID: n.CorrelationID,
		State: string(post.Draft), VersionID: versionID, DueAt: dueAt, DueLocal: local, DueZone: zone,
	})
	if err != nil {
		return post.Post{}, fmt.Errorf("insert post: %w", classify(err))
	}
	if err := tx.insertVersion(ctx, workspace, versionID, id, 1, n.AccountID, n.Content, n.Note, n.Actor); err != nil {
		return post.Post{}, err
	}
	return tx.Post(ctx, workspace, post.ID(id))
}

// Post returns a post with its current version. Errors: NotFound, Unavailable.
func (tx *Tx) Post(ctx context.Context, workspace uuid.UUID, id post.ID) (post.Post, error) {
	row, err := tx.q.PostByID(ctx, dbsqlc.PostByIDParams{WorkspaceID: workspace, ID: uuid.UUID(id)})
	if err != nil {
		return post.Post{}, fmt.Errorf("load post %s: %w", id, noPost(err))
	}
	return toPost(row.Post, row.Version)
}

// LockPost is Post with the row locked until the transaction ends. Lock and
// read are two statements: one that waits for the lock would join the row as it
// is now with the version of before, and find nothing.
func (tx *Tx) LockPost(ctx context.Context, workspace uuid.UUID, id post.ID) (post.Post, error) {
	if _, err := tx.q.LockPostRow(ctx, dbsqlc.LockPostRowParams{WorkspaceID: workspace, ID: uuid.UUID(id)}); err != nil {
		return post.Post{}, fmt.Errorf("lock post %s: %w", id, noPost(err))
	}
	return tx.Post(ctx, workspace, id)
}

// MovePost moves a post to a state if it stands in one of from, and clears its
// hold. Errors: Conflict (code wrong_state) when it stands elsewhere.
func (tx *Tx) MovePost(ctx context.Context, p post.Post, to post.State, from ...post.State) (post.Post, error) {
	n, err := tx.q.MovePost(ctx, dbsqlc.MovePostParams{
		ToState: string(to), WorkspaceID: p.WorkspaceID, ID: uuid.UUID(p.ID), FromStates: stateNames(from),
	})
	if err != nil {
		return post.Post{}, fmt.Errorf("move post %s to %s: %w", p.ID, to, classify(err))
	}
	if n == 0 {
		return post.Post{}, fmt.Errorf("move post %s to %s: %w", p.ID, to, wrongState())
	}
	return tx.Post(ctx, p.WorkspaceID, p.ID)
}

// AddVersion gives an editable post a new content: it becomes a draft again,
// with a new revision, and a live approval is revoked. Errors: Conflict when
// the post may not be edited any more.
func (tx *Tx) AddVersion(ctx context.Context, p post.Post, c post.Content, note string, actor audit.Actor) (post.Post, error) {
	versionID := newID()
	if err := tx.insertVersion(ctx, p.WorkspaceID, versionID, uuid.UUID(p.ID), p.Version.Number+1, p.AccountID, c, note, actor); err != nil {
		return post.Post{}, err
	}
	var from []post.State
	for _, s := range post.States() {
		if s.Editable() {
			from = append(from, s)
		}
	}
	n, err := tx.q.ReplaceVersion(ctx, dbsqlc.ReplaceVersionParams{
		VersionID: versionID, WorkspaceID: p.WorkspaceID, ID: uuid.UUID(p.ID), FromStates: stateNames(from),
	})
	if err != nil {
		return post.Post{}, fmt.Errorf("edit post %s: %w", p.ID, classify(err))
	}
	if n == 0 {
		return post.Post{}, fmt.Errorf("edit post %s: %w", p.ID, wrongState())
	}
	if err := tx.RevokeApproval(ctx, p, "edited"); err != nil {
		return post.Post{}, err
	}
	return tx.Post(ctx, p.WorkspaceID, p.ID)
}

// SetSchedule gives a post a time, or takes it away with nil, and a new
// revision. Errors: Conflict when the post stands in none of the states.
func (tx *Tx) SetSchedule(ctx context.Context, p post.Post, s *post.Schedule, in ...post.State) (post.Post, error) {
	dueAt, local, zone := scheduleColumns(s)
	n, err := tx.q.SetSchedule(ctx, dbsqlc.SetScheduleParams{
		DueAt: dueAt, DueLocal: local, DueZone: zone, WorkspaceID: p.WorkspaceID, ID: uuid.UUID(p.ID), InStates: stateNames(in),
	})
	if err != nil {
		return post.Post{}, fmt.Errorf("schedule post %s: %w", p.ID, classify(err))
	}
	if n == 0 {
		return post.Post{}, fmt.Errorf("schedule post %s: %w", p.ID, wrongState())
	}
	return tx.Post(ctx, p.WorkspaceID, p.ID)
}

// Approve records the actor's approval of the post's current version, under
// the hash computed from its stored content, with a new revision. It moves no
// state. Errors: Conflict (code already_decided) when an approval is live.
func (tx *Tx) Approve(ctx context.Context, p post.Post, actor audit.Actor) (post.Post, error) {
	err := tx.q.InsertApproval(ctx, dbsqlc.InsertApprovalParams{
		WorkspaceID: p.WorkspaceID, ID: newID(), PostID: uuid.UUID(p.ID), VersionID: p.Version.ID,
		ContentHash: p.Version.Content.Hash(p.AccountID), ActorKind: string(actor.Kind), ActorID: actor.ID, ActorName: actor.Name,
	})
	if constraintOf(err) == "approvals_live" {
		return post.Post{}, apperr.New(apperr.Conflict, "already_decided", "somebody has approved this post already").WithCause(err)
	}
	if err != nil {
		return post.Post{}, fmt.Errorf("approve post %s: %w", p.ID, classify(err))
	}
	if err := tx.q.BumpRevision(ctx, dbsqlc.BumpRevisionParams{WorkspaceID: p.WorkspaceID, ID: uuid.UUID(p.ID)}); err != nil {
		return post.Post{}, fmt.Errorf("approve post %s: %w", p.ID, classify(err))
	}
	return tx.Post(ctx, p.WorkspaceID, p.ID)
}

// RevokeApproval ends a live approval; without one it does nothing.
func (tx *Tx) RevokeApproval(ctx context.Context, p post.Post, reason string) error {
	_, err := tx.q.RevokeApproval(ctx, dbsqlc.RevokeApprovalParams{WorkspaceID: p.WorkspaceID, PostID: uuid.UUID(p.ID), RevokedReason: reason})
	if err != nil {
		return fmt.Errorf("revoke approval of post %s: %w", p.ID, classify(err))
	}
	return nil
}

// LatestApproval returns the newest approval, live or revoked. Errors: NotFound.
func (tx *Tx) LatestApproval(ctx context.Context, workspace uuid.UUID, id post.ID) (post.Approval, error) {
	r, err := tx.q.LatestApproval(ctx, dbsqlc.LatestApprovalParams{WorkspaceID: workspace, PostID: uuid.UUID(id)})
	if err != nil {
		return post.Approval{}, fmt.Errorf("load approval of post %s: %w", id, classify(err))
	}
	return post.Approval{
		ID: r.ID, PostID: id, VersionID: r.VersionID, ContentHash: r.ContentHash,
		Actor:     audit.Actor{Kind: audit.ActorKind(r.ActorKind), ID: r.ActorID, Name: r.ActorName, WorkspaceID: workspace},
		DecidedAt: r.DecidedAt.UTC(), RevokedAt: utcOrNil(r.RevokedAt), RevokedReason: r.RevokedReason,
	}, nil
}

// Versions returns a post's versions, newest first, at most 100.
func (tx *Tx) Versions(ctx context.Context, workspace uuid.UUID, id post.ID) ([]post.Version, error) {
	rows, err := tx.q.VersionsOfPost(ctx, dbsqlc.VersionsOfPostParams{WorkspaceID: workspace, PostID: uuid.UUID(id)})
	if err != nil {
		return nil, fmt.Errorf("list versions of post %s: %w", id, classify(err))
	}
	out := make([]post.Version, len(rows))
	for i, r := range rows {
		if out[i], err = toVersion(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// RecentContents returns what the account said lately or is about to say, by
// post, newest first; except is left out, and so are the other posts of its
// recurrence.
func (tx *Tx) RecentContents(ctx context.Context, workspace uuid.UUID, id account.ID, except post.ID, limit int) ([]post.Content, error) {
	rows, err := tx.q.RecentTextsOfAccount(ctx, dbsqlc.RecentTextsOfAccountParams{
		WorkspaceID: workspace, AccountID: uuid.UUID(id), ExceptPost: uuid.UUID(except), MaxRows: int32(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("list recent texts of account %s: %w", id, classify(err))
	}
	out := make([]post.Content, len(rows))
	for i, r := range rows {
		if out[i], err = decodeContent(r.Content); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (tx *Tx) insertVersion(ctx context.Context, workspace, id, postID uuid.UUID, number int, acc account.ID, c post.Content, note string, actor audit.Actor) error {
	content, err := encodeContent(c)
	if err != nil {
		return err
	}
	err = tx.q.InsertVersion(ctx, dbsqlc.InsertVersionParams{
		WorkspaceID: workspace, ID: id, PostID: postID, Number: int32(number), Content: content, ContentHash: c.Hash(acc),
		Note: note, ActorKind: string(actor.Kind), ActorID: actor.ID, ActorName: actor.Name,
	})
	if err != nil {
		return fmt.Errorf("insert version %d of post %s: %w", number, postID, classify(err))
	}
	return tx.linkMedia(ctx, workspace, id, c)
}

func toVersion(v dbsqlc.Version) (post.Version, error) {
	c, err := decodeContent(v.Content)
	if err != nil {
		return post.Version{}, fmt.Errorf("version %s: %w", v.ID, err)
	}
	return post.Version{
		ID: v.ID, PostID: post.ID(v.PostID), Number: int(v.Number), Content: c, Hash: v.ContentHash, Note: v.Note,
		CreatedBy: audit.Actor{Kind: audit.ActorKind(v.ActorKind), ID: v.ActorID, Name: v.ActorName, WorkspaceID: v.WorkspaceID},
		CreatedAt: v.CreatedAt.UTC(),
	}, nil
}

func toPost(p dbsqlc.Post, v dbsqlc.Version) (post.Post, error) {
	version, err := toVersion(v)
	if err != nil {
		return post.Post{}, err
	}
	out := post.Post{
		ID: post.ID(p.ID), WorkspaceID: p.WorkspaceID, AccountID: account.ID(p.AccountID), GroupID: p.GroupID, IdeaID: p.IdeaID,
		State: post.State(p.State), Revision: p.Revision, ETag: p.Etag, Version: version, CorrelationID: p.CorrelationID,
		Hold: post.HoldReason(p.HoldReason), NotBefore: utcOrNil(p.NotBefore), NeedsPersonAt: utcOrNil(p.NeedsPersonAt),
		AttemptNo: int(p.AttemptNo), PublishedAt: utcOrNil(p.PublishedAt), RemoteURL: p.RemoteUrl,
		FailureCode: p.FailureCode, FailureDetail: p.FailureDetail, CreatedAt: p.CreatedAt.UTC(), UpdatedAt: p.UpdatedAt.UTC(),
	}
	if p.DueAt != nil && p.DueLocal != nil && p.DueZone != nil {
		out.Schedule = &post.Schedule{DueAt: p.DueAt.UTC(), Local: *p.DueLocal, Zone: *p.DueZone}
	}
	if p.LatenessMs != nil {
		out.Lateness = new(time.Duration(*p.LatenessMs) * time.Millisecond)
	}
	return out, nil
}

func scheduleColumns(s *post.Schedule) (dueAt *time.Time, local, zone *string) {
	if s == nil {
		return nil, nil, nil
	}
	return new(s.DueAt.UTC()), new(s.Local), new(s.Zone)
}

func stateNames(states []post.State) []string {
	out := make([]string, len(states))
	for i, s := range states {
		out[i] = string(s)
	}
	return out
}

func utcOrNil(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}

func wrongState() *apperr.Error {
	return apperr.New(apperr.Conflict, "wrong_state", "the post is not in a state that allows this").
		WithHint("Reload: somebody or the sender was faster.")
}

func noPost(err error) error {
	err = classify(err)
	if apperr.Is(err, apperr.NotFound) {
		return apperr.New(apperr.NotFound, "no_such_post", "there is no such post here").WithCause(err)
	}
	return err
}
