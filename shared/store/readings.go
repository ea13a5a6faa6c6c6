package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/engagement"
	"rostrum/shared/post"
	"rostrum/shared/store/internal/dbsqlc"
)

// PlanReadings writes down at which ages published posts are to be read.
// Planning one twice is harmless.
func (tx *Tx) PlanReadings(ctx context.Context, all []Publication, ages []time.Duration) error {
	if len(all) == 0 {
		return nil
	}
	workspaces, posts, ats := publicationColumns(all)
	err := tx.q.PlanReadings(ctx, dbsqlc.PlanReadingsParams{WorkspaceIds: workspaces, PostIds: posts, PublishedAts: ats, Ages: wholeSeconds(ages)})
	if err != nil {
		return fmt.Errorf("plan readings of %d posts: %w", len(all), classify(err))
	}
	return nil
}

// DueReading is one reading that was just claimed.
type DueReading struct {
	PostRef
	Age   time.Duration
	DueAt time.Time
}

// ReadingsDue claims readings that fall due within the horizon; a claimed one
// is not returned again for two minutes.
func (tx *Tx) ReadingsDue(ctx context.Context, horizon time.Duration, limit int) ([]DueReading, error) {
	rows, err := tx.q.ReadingsDue(ctx, dbsqlc.ReadingsDueParams{HorizonSeconds: horizon.Seconds(), MaxRows: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("claim due readings: %w", classify(err))
	}
	out := make([]DueReading, len(rows))
	for i, r := range rows {
		out[i] = DueReading{
			PostRef: PostRef{WorkspaceID: r.WorkspaceID, PostID: post.ID(r.PostID), CorrelationID: r.CorrelationID},
			Age:     time.Duration(r.AgeSeconds) * time.Second, DueAt: r.DueAt.UTC(),
		}
	}
	return out, nil
}

// OpenReading is a planned reading that was not taken yet.
type OpenReading struct {
	Age   time.Duration
	Tries int
	Due   bool
}

// OpenReadings returns a post's readings that are still to be taken, by age.
func (tx *Tx) OpenReadings(ctx context.Context, r PostRef) ([]OpenReading, error) {
	rows, err := tx.q.OpenReadings(ctx, dbsqlc.OpenReadingsParams{WorkspaceID: r.WorkspaceID, PostID: uuid.UUID(r.PostID)})
	if err != nil {
		return nil, fmt.Errorf("list open readings of post %s: %w", r.PostID, classify(err))
	}
	out := make([]OpenReading, len(rows))
	for i, row := range rows {
		out[i] = OpenReading{Age: time.Duration(row.AgeSeconds) * time.Second, Tries: int(row.Tries), Due: row.IsDue}
	}
	return out, nil
}

// SaveReading writes the numbers of one age once and reports whether they were new.
func (tx *Tx) SaveReading(ctx context.Context, r PostRef, age time.Duration, n engagement.Numbers) (bool, error) {
	rows, err := tx.q.SaveReading(ctx, dbsqlc.SaveReadingParams{
		WorkspaceID: r.WorkspaceID, PostID: uuid.UUID(r.PostID), AgeSeconds: int64(age / time.Second),
		Impressions: n.Impressions, Likes: n.Likes, Replies: n.Replies, Reposts: n.Reposts, Quotes: n.Quotes,
		Bookmarks: n.Bookmarks, LinkClicks: n.LinkClicks, ProfileClicks: n.ProfileClicks,
	})
	if err != nil {
		return false, fmt.Errorf("save reading of post %s: %w", r.PostID, classify(err))
	}
	return rows == 1, nil
}

// ReadingProblem records that a reading did not come, and gives it up when told to.
func (tx *Tx) ReadingProblem(ctx context.Context, r PostRef, age time.Duration, problem string, giveUp bool) error {
	err := tx.q.ReadingProblem(ctx, dbsqlc.ReadingProblemParams{
		Problem: problem, GiveUp: giveUp, WorkspaceID: r.WorkspaceID, PostID: uuid.UUID(r.PostID), AgeSeconds: int64(age / time.Second),
	})
	if err != nil {
		return fmt.Errorf("record reading problem of post %s: %w", r.PostID, classify(err))
	}
	return nil
}

// Readings returns a post's readings by age, those not taken yet included.
func (tx *Tx) Readings(ctx context.Context, workspace uuid.UUID, id post.ID) ([]engagement.Reading, error) {
	rows, err := tx.q.ReadingsOfPost(ctx, dbsqlc.ReadingsOfPostParams{WorkspaceID: workspace, PostID: uuid.UUID(id)})
	if err != nil {
		return nil, fmt.Errorf("list readings of post %s: %w", id, classify(err))
	}
	out := make([]engagement.Reading, len(rows))
	for i, r := range rows {
		out[i] = engagement.Reading{
			Age: time.Duration(r.AgeSeconds) * time.Second, DueAt: r.DueAt.UTC(), TakenAt: utcOrNil(r.TakenAt), Problem: r.Problem,
			Numbers: engagement.Numbers{
				Impressions: r.Impressions, Likes: r.Likes, Replies: r.Replies, Reposts: r.Reposts, Quotes: r.Quotes,
				Bookmarks: r.Bookmarks, LinkClicks: r.LinkClicks, ProfileClicks: r.ProfileClicks,
			},
		}
	}
	return out, nil
}

func wholeSeconds(ds []time.Duration) []int64 {
	out := make([]int64, len(ds))
	for i, d := range ds {
		out[i] = int64(d / time.Second)
	}
	return out
}
