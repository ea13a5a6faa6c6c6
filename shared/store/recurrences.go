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

// RecurrenceState says whether a recurrence makes posts.
type RecurrenceState string

// The states of a recurrence. One that is over stays over.
const (
	RecurrenceActive RecurrenceState = "active"
	RecurrencePaused RecurrenceState = "paused"
	RecurrenceEnded  RecurrenceState = "ended"
)

// Recurrence is a post that is made anew on each date of a rule.
type Recurrence struct {
	ID          uuid.UUID
	WorkspaceID uuid.UUID
	AccountID   account.ID
	Content     post.Content // canonical
	// Rule, StartLocal and Zone are what schedule.NewRecurrence takes.
	Rule, StartLocal, Zone string
	Note                   string
	State                  RecurrenceState
	// NextAt is the first occurrence that no post was made of; nil when none is left.
	NextAt *time.Time
	ETag   int64
	// CreatedBy is the author of its posts.
	CreatedBy            audit.Actor
	CreatedAt, UpdatedAt time.Time
	// Planned counts its posts that are not out and not over.
	Planned int
}

// RecurrenceRef names a recurrence and its account.
type RecurrenceRef struct {
	WorkspaceID, ID uuid.UUID
	AccountID       account.ID
}

// UndecidedStates are those of a post that nobody has approved and that may yet be.
func UndecidedStates() []post.State {
	return []post.State{post.Draft, post.InReview, post.ChangesRequested, post.AwaitingApproval}
}

// PlannedStates are UndecidedStates and those of an approved post that waits
// for its time.
func PlannedStates() []post.State {
	return append(UndecidedStates(), post.Approved, post.Scheduled)
}

// AddRecurrence writes an active recurrence, by r.CreatedBy in its workspace,
// and returns it. Errors: NotFound (account of another workspace), Unavailable.
func (tx *Tx) AddRecurrence(ctx context.Context, r Recurrence) (Recurrence, error) {
	content, err := encodeContent(r.Content)
	if err != nil {
		return Recurrence{}, err
	}
	id, by := newID(), r.CreatedBy
	err = tx.q.InsertRecurrence(ctx, dbsqlc.InsertRecurrenceParams{
		WorkspaceID: by.WorkspaceID, ID: id, AccountID: uuid.UUID(r.AccountID), Content: content, Rule: r.Rule,
		StartLocal: r.StartLocal, Zone: r.Zone, Note: r.Note, NextAt: utcOrNil(r.NextAt),
		ActorKind: string(by.Kind), ActorID: by.ID, ActorName: by.Name,
	})
	if err != nil {
		return Recurrence{}, fmt.Errorf("add recurrence: %w", classify(err))
	}
	return tx.Recurrence(ctx, by.WorkspaceID, id)
}

// Recurrence returns a recurrence that was not removed. Errors: NotFound (code
// no_such_recurrence).
func (tx *Tx) Recurrence(ctx context.Context, workspace, id uuid.UUID) (Recurrence, error) {
	row, err := tx.q.RecurrenceByID(ctx, dbsqlc.RecurrenceByIDParams{
		WorkspaceID: workspace, ID: id, PlannedStates: stateNames(PlannedStates()),
	})
	if err != nil {
		return Recurrence{}, fmt.Errorf("load recurrence %s: %w", id, noRecurrence(err))
	}
	return toRecurrence(row.Recurrence, row.Planned)
}

// LockRecurrence is Recurrence with the row locked until the transaction ends.
// Its account's row is locked first.
func (tx *Tx) LockRecurrence(ctx context.Context, workspace, id uuid.UUID) (Recurrence, error) {
	if _, err := tx.q.LockRecurrence(ctx, dbsqlc.LockRecurrenceParams{WorkspaceID: workspace, ID: id}); err != nil {
		return Recurrence{}, fmt.Errorf("lock recurrence %s: %w", id, noRecurrence(err))
	}
	return tx.Recurrence(ctx, workspace, id)
}

// Recurrences returns at most limit recurrences before one, newest first; a nil
// account means all of them, a nil before starts with the newest.
func (tx *Tx) Recurrences(ctx context.Context, workspace uuid.UUID, of *account.ID, before *uuid.UUID, limit int) ([]Recurrence, error) {
	rows, err := tx.q.ListRecurrences(ctx, dbsqlc.ListRecurrencesParams{
		WorkspaceID: workspace, AccountID: optionalAccount(of), Before: before, MaxRows: int32(limit),
		PlannedStates: stateNames(PlannedStates()),
	})
	if err != nil {
		return nil, fmt.Errorf("list recurrences: %w", classify(err))
	}
	out := make([]Recurrence, len(rows))
	for i, r := range rows {
		if out[i], err = toRecurrence(r.Recurrence, r.Planned); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// SaveRecurrence writes what may change of a locked recurrence, with a new
// etag: content, rule, start, zone, note, state and next occurrence.
func (tx *Tx) SaveRecurrence(ctx context.Context, r Recurrence) error {
	content, err := encodeContent(r.Content)
	if err != nil {
		return err
	}
	err = tx.q.SaveRecurrence(ctx, dbsqlc.SaveRecurrenceParams{
		WorkspaceID: r.WorkspaceID, ID: r.ID, Content: content, Rule: r.Rule, StartLocal: r.StartLocal, Zone: r.Zone,
		Note: r.Note, State: string(r.State), NextAt: utcOrNil(r.NextAt),
	})
	if err != nil {
		return fmt.Errorf("save recurrence %s: %w", r.ID, classify(err))
	}
	return nil
}

// AdvanceRecurrence says that posts were made up to the next occurrence; with
// nil there is none left and the recurrence has ended.
func (tx *Tx) AdvanceRecurrence(ctx context.Context, workspace, id uuid.UUID, next *time.Time) error {
	err := tx.q.AdvanceRecurrence(ctx, dbsqlc.AdvanceRecurrenceParams{WorkspaceID: workspace, ID: id, NextAt: utcOrNil(next)})
	if err != nil {
		return fmt.Errorf("advance recurrence %s: %w", id, classify(err))
	}
	return nil
}

// RemoveRecurrence takes a recurrence off every list; its posts stay.
func (tx *Tx) RemoveRecurrence(ctx context.Context, workspace, id uuid.UUID) error {
	if err := tx.q.RemoveRecurrence(ctx, dbsqlc.RemoveRecurrenceParams{WorkspaceID: workspace, ID: id}); err != nil {
		return fmt.Errorf("remove recurrence %s: %w", id, classify(err))
	}
	return nil
}

// RecurrencesToMake returns at most limit active recurrences, of whichever
// workspace, with an occurrence within ahead of which no post was made.
func (tx *Tx) RecurrencesToMake(ctx context.Context, ahead time.Duration, limit int) ([]RecurrenceRef, error) {
	rows, err := tx.q.RecurrencesToMake(ctx, dbsqlc.RecurrencesToMakeParams{AheadSeconds: ahead.Seconds(), MaxRows: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list recurrences to make: %w", classify(err))
	}
	out := make([]RecurrenceRef, len(rows))
	for i, r := range rows {
		out[i] = RecurrenceRef{WorkspaceID: r.WorkspaceID, ID: r.ID, AccountID: account.ID(r.AccountID)}
	}
	return out, nil
}

// RecurrencesOf returns the ids of the account's recurrences that have not ended.
func (tx *Tx) RecurrencesOf(ctx context.Context, workspace uuid.UUID, of account.ID) ([]uuid.UUID, error) {
	ids, err := tx.q.RecurrencesOfAccount(ctx, dbsqlc.RecurrencesOfAccountParams{WorkspaceID: workspace, AccountID: uuid.UUID(of)})
	if err != nil {
		return nil, fmt.Errorf("list recurrences of account %s: %w", of, classify(err))
	}
	return ids, nil
}

// MarkOccurrence says which occurrence of a recurrence a new post is: asked is
// the wall clock by the rule. Errors: Conflict when there is a post of it.
func (tx *Tx) MarkOccurrence(ctx context.Context, p post.Post, recurrence uuid.UUID, asked string) error {
	err := tx.q.MarkOccurrence(ctx, dbsqlc.MarkOccurrenceParams{
		WorkspaceID: p.WorkspaceID, ID: uuid.UUID(p.ID), RecurrenceID: &recurrence, OccurrenceLocal: &asked,
	})
	if constraintOf(err) == "posts_occurrence" {
		return apperr.New(apperr.Conflict, "occurrence_made", "there is a post for this date already").WithCause(err)
	}
	if err != nil {
		return fmt.Errorf("mark post %s as an occurrence: %w", p.ID, classify(err))
	}
	return nil
}

// LeaveRule says that the rule of its recurrence no longer comes to the post's
// date, so that a later rule may make that date anew.
func (tx *Tx) LeaveRule(ctx context.Context, p post.Post) error {
	if err := tx.q.LeaveRule(ctx, dbsqlc.LeaveRuleParams{WorkspaceID: p.WorkspaceID, ID: uuid.UUID(p.ID)}); err != nil {
		return fmt.Errorf("take post %s out of its rule: %w", p.ID, classify(err))
	}
	return nil
}

// MadeOccurrences returns which of the wall clocks a post was made of, in
// whatever state it is by now.
func (tx *Tx) MadeOccurrences(ctx context.Context, workspace, recurrence uuid.UUID, asked []string) ([]string, error) {
	made, err := tx.q.MadeOccurrences(ctx, dbsqlc.MadeOccurrencesParams{WorkspaceID: workspace, RecurrenceID: recurrence, Asked: asked})
	if err != nil {
		return nil, fmt.Errorf("list occurrences of %s: %w", recurrence, classify(err))
	}
	return made, nil
}

// MadePost is a post of a recurrence with the wall clock by the rule, which is
// empty when the rule has changed since.
type MadePost struct {
	ID    post.ID
	Asked string
}

// PostsOfRecurrence returns the posts of a recurrence that stand in one of the
// states, at most 5000.
func (tx *Tx) PostsOfRecurrence(ctx context.Context, workspace, recurrence uuid.UUID, states ...post.State) ([]MadePost, error) {
	rows, err := tx.q.PostsOfRecurrence(ctx, dbsqlc.PostsOfRecurrenceParams{
		WorkspaceID: workspace, RecurrenceID: recurrence, States: stateNames(states),
	})
	if err != nil {
		return nil, fmt.Errorf("list posts of recurrence %s: %w", recurrence, classify(err))
	}
	out := make([]MadePost, len(rows))
	for i, r := range rows {
		out[i] = MadePost{ID: post.ID(r.ID), Asked: r.OccurrenceLocal}
	}
	return out, nil
}

// SiblingContents returns what the other posts of the post's recurrence say, the
// last due first; nothing for a post that is of none.
func (tx *Tx) SiblingContents(ctx context.Context, workspace uuid.UUID, id post.ID, limit int) ([]post.Content, error) {
	rows, err := tx.q.SiblingTexts(ctx, dbsqlc.SiblingTextsParams{WorkspaceID: workspace, ID: uuid.UUID(id), MaxRows: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list siblings of post %s: %w", id, classify(err))
	}
	out := make([]post.Content, len(rows))
	for i, r := range rows {
		if out[i], err = decodeContent(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// PlannedTime is when a post is due.
type PlannedTime struct {
	PostID post.ID
	DueAt  time.Time
	Local  string
}

// PlannedPosts returns and locks the account's posts that are still to go out,
// at a time to come that was chosen on the clocks of zone. The account's row is
// locked before.
func (tx *Tx) PlannedPosts(ctx context.Context, workspace uuid.UUID, of account.ID, zone string) ([]PlannedTime, error) {
	rows, err := tx.q.PlannedPosts(ctx, dbsqlc.PlannedPostsParams{
		WorkspaceID: workspace, AccountID: uuid.UUID(of), Zone: zone, States: stateNames(PlannedStates()),
	})
	if err != nil {
		return nil, fmt.Errorf("list planned posts of account %s: %w", of, classify(err))
	}
	out := make([]PlannedTime, len(rows))
	for i, r := range rows {
		out[i] = PlannedTime{PostID: post.ID(r.ID), DueAt: r.DueAt.UTC(), Local: r.DueLocal}
	}
	return out, nil
}

// ReplanPosts writes the locked posts' times on the clocks of zone. A post whose
// instant moves has a new revision; one whose instant stays has not, so that a
// sender that is about to send it is not stopped.
func (tx *Tx) ReplanPosts(ctx context.Context, workspace uuid.UUID, zone string, times []PlannedTime) error {
	arg := dbsqlc.ReplanPostsParams{WorkspaceID: workspace, Zone: zone}
	for _, t := range times {
		arg.Ids = append(arg.Ids, uuid.UUID(t.PostID))
		arg.DueAts = append(arg.DueAts, t.DueAt.UTC())
		arg.DueLocals = append(arg.DueLocals, t.Local)
	}
	if err := tx.q.ReplanPosts(ctx, arg); err != nil {
		return fmt.Errorf("replan %d posts: %w", len(times), classify(err))
	}
	return nil
}

func toRecurrence(r dbsqlc.Recurrence, planned int64) (Recurrence, error) {
	content, err := decodeContent(r.Content)
	if err != nil {
		return Recurrence{}, fmt.Errorf("recurrence %s: %w", r.ID, err)
	}
	return Recurrence{
		ID: r.ID, WorkspaceID: r.WorkspaceID, AccountID: account.ID(r.AccountID), Content: content, Rule: r.Rule,
		StartLocal: r.StartLocal, Zone: r.Zone, Note: r.Note, State: RecurrenceState(r.State), NextAt: utcOrNil(r.NextAt), ETag: r.Etag,
		CreatedBy: audit.Actor{Kind: audit.ActorKind(r.ActorKind), ID: r.ActorID, Name: r.ActorName, WorkspaceID: r.WorkspaceID},
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Planned: int(planned),
	}, nil
}

func noRecurrence(err error) error {
	err = classify(err)
	if apperr.Is(err, apperr.NotFound) {
		return apperr.New(apperr.NotFound, "no_such_recurrence", "there is no such recurrence here").WithCause(err)
	}
	return err
}
