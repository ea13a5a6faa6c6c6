package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/post"
	"rostrum/shared/store/internal/dbsqlc"
)

// ReviewVerdict is what a review came to.
type ReviewVerdict string

// The verdicts.
const (
	// ReviewPass lets a person decide.
	ReviewPass ReviewVerdict = "pass"
	// ReviewChanges keeps the post from being approved.
	ReviewChanges ReviewVerdict = "changes"
)

// Review is one look at one version of a post.
type Review struct {
	ID            uuid.UUID
	PostID        post.ID
	VersionID     uuid.UUID
	VersionNumber int
	Verdict       ReviewVerdict
	// Summary is one sentence for people.
	Summary   string
	Findings  []post.Finding
	CreatedAt time.Time
}

// AddReview records a review with its findings, in their order. It moves no post.
func (tx *Tx) AddReview(ctx context.Context, workspace uuid.UUID, r Review) error {
	id := newID()
	err := tx.q.InsertReview(ctx, dbsqlc.InsertReviewParams{
		WorkspaceID: workspace, ID: id, PostID: uuid.UUID(r.PostID), VersionID: r.VersionID, Verdict: string(r.Verdict), Summary: r.Summary,
	})
	if err != nil {
		return fmt.Errorf("record review of post %s: %w", r.PostID, classify(err))
	}
	for i, f := range r.Findings {
		err := tx.q.InsertFinding(ctx, dbsqlc.InsertFindingParams{
			WorkspaceID: workspace, ID: newID(), ReviewID: id, Position: int32(i), Rule: f.Rule, Severity: string(f.Severity),
			Part: int32(f.Part), StartByte: int32(f.Start), EndByte: int32(f.End), Quote: f.Quote, Message: f.Message,
			Suggestion: f.Suggestion, SourceQuote: f.SourceQuote, SourceUrl: f.SourceURL,
		})
		if err != nil {
			return fmt.Errorf("record finding %d of post %s: %w", i, r.PostID, classify(err))
		}
	}
	return nil
}

// LatestReview returns the newest review of a post with its findings. It may be
// of an earlier version than the current. Errors: NotFound when there is none.
func (tx *Tx) LatestReview(ctx context.Context, workspace uuid.UUID, id post.ID) (Review, error) {
	row, err := tx.q.LatestReview(ctx, dbsqlc.LatestReviewParams{WorkspaceID: workspace, PostID: uuid.UUID(id)})
	if err != nil {
		return Review{}, fmt.Errorf("load review of post %s: %w", id, classify(err))
	}
	found, err := tx.q.FindingsOfReview(ctx, dbsqlc.FindingsOfReviewParams{WorkspaceID: workspace, ReviewID: row.ID})
	if err != nil {
		return Review{}, fmt.Errorf("load findings of post %s: %w", id, classify(err))
	}
	out := Review{
		ID: row.ID, PostID: id, VersionID: row.VersionID, VersionNumber: int(row.Number), Verdict: ReviewVerdict(row.Verdict),
		Summary: row.Summary, CreatedAt: row.CreatedAt.UTC(), Findings: make([]post.Finding, len(found)),
	}
	for i, f := range found {
		out.Findings[i] = post.Finding{
			ID: f.ID, Rule: f.Rule, Severity: post.Severity(f.Severity), Part: int(f.Part), Start: int(f.StartByte), End: int(f.EndByte),
			Quote: f.Quote, Message: f.Message, Suggestion: f.Suggestion, SourceQuote: f.SourceQuote, SourceURL: f.SourceUrl,
		}
	}
	return out, nil
}

// StuckReviews returns at most limit posts, of all workspaces, that have stood
// in review for longer than overdue, the longest first: those behind after, the
// last of the page before or the zero value.
func (tx *Tx) StuckReviews(ctx context.Context, overdue time.Duration, after Stuck, limit int) ([]Stuck, error) {
	rows, err := tx.q.StuckReviews(ctx, dbsqlc.StuckReviewsParams{
		OverdueSeconds: overdue.Seconds(), AfterAt: after.Since, AfterID: after.SubjectID, MaxRows: int32(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("list posts stuck in review: %w", classify(err))
	}
	out := make([]Stuck, len(rows))
	for i, r := range rows {
		out[i] = Stuck{WorkspaceID: r.WorkspaceID, SubjectID: r.ID, CorrelationID: r.CorrelationID, Revision: r.Revision, Since: r.UpdatedAt}
	}
	return out, nil
}
