package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rostrum/shared/account"
	"rostrum/shared/post"
)

// PostSummary is a post as lists show it: with its account and the counts of
// its review, in one query.
type PostSummary struct {
	ID            post.ID
	WorkspaceID   uuid.UUID
	AccountID     account.ID
	Network       account.Network
	Handle        string
	AccountName   string
	State         post.State
	Revision      int64
	ETag          int64
	FirstPart     string
	Parts         int
	Schedule      *post.Schedule
	Hold          post.HoldReason
	HoldFacts     post.HoldFacts
	NeedsPerson   bool
	PublishedAt   *time.Time
	Lateness      *time.Duration
	RemoteURL     string
	FailureCode   string
	FailureDetail string
	// Blocks, Warns and Notes count the findings of the newest review of the
	// current version.
	Blocks, Warns, Notes int
	// FromAgent says that an agent wrote the first version.
	FromAgent bool
	// RecurrenceID is the recurrence it was made of; nil when it is of none.
	RecurrenceID *uuid.UUID
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// summaryFrom is the projection of every list of posts. It is the one text of
// SQL outside queries/: each list adds its own condition and order, all of them
// constants of this file.
const summaryFrom = `
SELECT p.id, p.workspace_id, p.account_id, a.network, a.handle, a.display_name, p.state, p.revision, p.etag,
       coalesce(v.content->'parts'->0->>'text', ''), jsonb_array_length(v.content->'parts'),
       p.due_at, p.due_local, p.due_zone, p.hold_reason, p.needs_person_at IS NOT NULL,
       p.published_at, p.lateness_ms, p.remote_url, p.failure_code, p.failure_detail,
       coalesce(f.blocks, 0), coalesce(f.warns, 0), coalesce(f.notes, 0),
       p.generation_id IS NOT NULL, p.recurrence_id, p.created_at, p.updated_at
FROM posts p
JOIN accounts a ON a.workspace_id = p.workspace_id AND a.id = p.account_id
JOIN versions v ON v.workspace_id = p.workspace_id AND v.id = p.version_id
LEFT JOIN LATERAL (
  SELECT count(*) FILTER (WHERE fi.severity = 'block') AS blocks, count(*) FILTER (WHERE fi.severity = 'warn') AS warns,
         count(*) FILTER (WHERE fi.severity = 'note') AS notes
  FROM findings fi
  WHERE fi.workspace_id = p.workspace_id AND fi.review_id = (
    SELECT r.id FROM reviews r
    WHERE r.workspace_id = p.workspace_id AND r.post_id = p.id AND r.version_id = p.version_id
    ORDER BY r.created_at DESC LIMIT 1)
) f ON true
`

// PostFilter narrows a list of posts. The zero value lists all.
type PostFilter struct {
	States    []post.State
	AccountID *account.ID
	// RecurrenceID lists the posts made of one recurrence.
	RecurrenceID *uuid.UUID
	// Contains is a piece of the text of any part, case ignored.
	Contains string
	// OldestFirst lists what has waited longest first; else the newest change is first.
	OldestFirst bool
	After       *PostPlace
}

// PostPlace is a place in a list of posts: behind the post with this change.
type PostPlace struct {
	UpdatedAt time.Time
	ID        uuid.UUID
}

const (
	listWhere = `
WHERE p.workspace_id = $1
  AND ($2::text[] IS NULL OR p.state = ANY ($2))
  AND ($3::uuid IS NULL OR p.account_id = $3)
  AND ($4 = '' OR EXISTS (SELECT 1 FROM jsonb_array_elements(v.content->'parts') part
                          WHERE position(lower($4) IN lower(part->>'text')) > 0))
  AND ($8::uuid IS NULL OR p.recurrence_id = $8)
`
	listNewest = summaryFrom + listWhere + `
  AND ($5::timestamptz IS NULL OR (p.updated_at, p.id) < ($5, $6::uuid))
ORDER BY p.updated_at DESC, p.id DESC LIMIT $7`
	listOldest = summaryFrom + listWhere + `
  AND ($5::timestamptz IS NULL OR (p.updated_at, p.id) > ($5, $6::uuid))
ORDER BY p.updated_at, p.id LIMIT $7`
)

// Posts returns at most limit posts that pass the filter. Errors: Unavailable.
func (tx *Tx) Posts(ctx context.Context, workspace uuid.UUID, f PostFilter, limit int) ([]PostSummary, error) {
	var states []string
	if len(f.States) > 0 {
		states = stateNames(f.States)
	}
	var accountID *uuid.UUID
	if f.AccountID != nil {
		accountID = new(uuid.UUID(*f.AccountID))
	}
	var placeTime *time.Time
	var placeID *uuid.UUID
	if f.After != nil {
		placeTime, placeID = &f.After.UpdatedAt, &f.After.ID
	}
	sql := listNewest
	if f.OldestFirst {
		sql = listOldest
	}
	out, err := tx.summaries(ctx, sql, workspace, states, accountID, f.Contains, placeTime, placeID, limit, f.RecurrenceID)
	if err != nil {
		return nil, fmt.Errorf("list posts: %w", err)
	}
	return out, nil
}

const calendarPosts = summaryFrom + `
WHERE p.workspace_id = $1 AND p.due_at >= $2 AND p.due_at < $3
  AND ($4::uuid IS NULL OR p.account_id = $4)
  AND p.state NOT IN ('rejected', 'canceled')
ORDER BY p.due_at, p.id LIMIT $5`

// PostsDue returns at most limit posts due in [from, to), earliest first;
// rejected and canceled ones are left out. A nil id means every account.
func (tx *Tx) PostsDue(ctx context.Context, workspace uuid.UUID, id *account.ID, from, to time.Time, limit int) ([]PostSummary, error) {
	var accountID *uuid.UUID
	if id != nil {
		accountID = new(uuid.UUID(*id))
	}
	out, err := tx.summaries(ctx, calendarPosts, workspace, from, to, accountID, limit)
	if err != nil {
		return nil, fmt.Errorf("list posts due from %s: %w", from, err)
	}
	return out, nil
}

const onePost = summaryFrom + `WHERE p.workspace_id = $1 AND p.id = $2`

// PostSummary returns one post as lists show it. Errors: NotFound, Unavailable.
func (tx *Tx) PostSummary(ctx context.Context, workspace uuid.UUID, id post.ID) (PostSummary, error) {
	out, err := tx.summaries(ctx, onePost, workspace, uuid.UUID(id))
	if err == nil && len(out) == 0 {
		err = noPost(pgx.ErrNoRows)
	}
	if err != nil {
		return PostSummary{}, fmt.Errorf("load post %s: %w", id, err)
	}
	return out[0], nil
}

// Attention is one reason for a person to look, with how many posts have it
// and the first few.
type Attention struct {
	Count int
	Posts []PostSummary
}

// The conditions of Today. A held post is one that is scheduled and waits for
// a person, a switch or a breaker; what goes by itself in a while is left out.
const (
	needsApproval = `p.state = 'awaiting_approval'`
	needsResolve  = `p.state = 'unknown'`
	needsRelease  = `p.state = 'scheduled' AND p.hold_reason NOT IN ('', 'retrying', 'rate_limited', 'quota_used_up', 'catching_up')`
	needsRewrite  = `p.state = 'changes_requested'`
	hasFailed     = `p.state IN ('failed', 'missed')`
	isNext        = `p.state IN ('scheduled', 'sending') AND p.due_at IS NOT NULL`
	hasGoneOut    = `p.state = 'published'`
)

// Today is what a person wants to see first.
type Today struct {
	AwaitingApproval, Unknown, Held, ChangesRequested Attention
	NextOut                                           []PostSummary
	Failed                                            []PostSummary
	Published                                         []PostSummary
}

// Today returns what needs a person, what goes out next and what went out
// last. Errors: Unavailable.
func (tx *Tx) Today(ctx context.Context, workspace uuid.UUID) (Today, error) {
	var t Today
	if err := tx.countAttention(ctx, workspace, &t); err != nil {
		return Today{}, err
	}
	for _, list := range []struct {
		into  *[]PostSummary
		skip  bool
		where string
		order string
		limit int
	}{
		{&t.AwaitingApproval.Posts, t.AwaitingApproval.Count == 0, needsApproval, `p.updated_at, p.id`, 5},
		{&t.Unknown.Posts, t.Unknown.Count == 0, needsResolve, `p.updated_at, p.id`, 5},
		{&t.Held.Posts, t.Held.Count == 0, needsRelease, `p.due_at, p.id`, 5},
		{&t.ChangesRequested.Posts, t.ChangesRequested.Count == 0, needsRewrite, `p.updated_at, p.id`, 5},
		{&t.NextOut, false, isNext, `p.due_at, p.id`, 8},
		{&t.Failed, false, hasFailed, `p.updated_at DESC, p.id DESC`, 5},
		{&t.Published, false, hasGoneOut, `p.updated_at DESC, p.id DESC`, 5},
	} {
		if list.skip {
			continue
		}
		sql := summaryFrom + `WHERE p.workspace_id = $1 AND ` + list.where + ` ORDER BY ` + list.order + ` LIMIT $2`
		posts, err := tx.summaries(ctx, sql, workspace, list.limit)
		if err != nil {
			return Today{}, fmt.Errorf("list posts of today: %w", err)
		}
		*list.into = posts
	}
	return t, nil
}

func (tx *Tx) countAttention(ctx context.Context, workspace uuid.UUID, t *Today) error {
	const sql = `SELECT count(*) FILTER (WHERE ` + needsApproval + `), count(*) FILTER (WHERE ` + needsResolve + `),
       count(*) FILTER (WHERE ` + needsRelease + `), count(*) FILTER (WHERE ` + needsRewrite + `)
FROM posts p WHERE p.workspace_id = $1 AND p.state IN ('awaiting_approval', 'unknown', 'scheduled', 'changes_requested')`
	err := tx.pgx.QueryRow(ctx, sql, workspace).
		Scan(&t.AwaitingApproval.Count, &t.Unknown.Count, &t.Held.Count, &t.ChangesRequested.Count)
	if err != nil {
		return fmt.Errorf("count what needs a person: %w", classify(err))
	}
	return nil
}

func (tx *Tx) summaries(ctx context.Context, sql string, args ...any) ([]PostSummary, error) {
	rows, err := tx.pgx.Query(ctx, sql, args...)
	if err != nil {
		return nil, classify(err)
	}
	out, err := pgx.CollectRows(rows, scanSummary)
	if err != nil {
		return nil, classify(err)
	}
	return out, tx.fillHolds(ctx, out)
}

func scanSummary(row pgx.CollectableRow) (PostSummary, error) {
	var (
		s          PostSummary
		dueAt      *time.Time
		local, zon *string
		latenessMS *int64
	)
	err := row.Scan(
		(*uuid.UUID)(&s.ID), &s.WorkspaceID, (*uuid.UUID)(&s.AccountID), &s.Network, &s.Handle, &s.AccountName, &s.State, &s.Revision, &s.ETag,
		&s.FirstPart, &s.Parts, &dueAt, &local, &zon, &s.Hold, &s.NeedsPerson,
		&s.PublishedAt, &latenessMS, &s.RemoteURL, &s.FailureCode, &s.FailureDetail,
		&s.Blocks, &s.Warns, &s.Notes, &s.FromAgent, &s.RecurrenceID, &s.CreatedAt, &s.UpdatedAt,
	)
	if err != nil {
		return PostSummary{}, err //nolint:wrapcheck // classified by summaries
	}
	if dueAt != nil && local != nil && zon != nil {
		s.Schedule = &post.Schedule{DueAt: dueAt.UTC(), Local: *local, Zone: *zon}
	}
	if latenessMS != nil {
		s.Lateness = new(time.Duration(*latenessMS) * time.Millisecond)
	}
	s.PublishedAt = utcOrNil(s.PublishedAt)
	s.CreatedAt, s.UpdatedAt = s.CreatedAt.UTC(), s.UpdatedAt.UTC()
	return s, nil
}

// Lateness is how late posts went out, over the last seven days.
type Lateness struct {
	Count         int
	P50, P95, P99 time.Duration
}

// RecentLateness returns how late posts went out in the last seven days; the
// Count is 0 when none did.
func (tx *Tx) RecentLateness(ctx context.Context, workspace uuid.UUID) (Lateness, error) {
	// now() and not clock_timestamp(): an index is searched only by what stands
	// still during the statement.
	const sql = `SELECT count(*), coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY lateness_ms), 0),
       coalesce(percentile_disc(0.95) WITHIN GROUP (ORDER BY lateness_ms), 0),
       coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY lateness_ms), 0)
FROM posts WHERE workspace_id = $1 AND state = 'published' AND lateness_ms IS NOT NULL
  AND due_at > now() - interval '7 days' AND due_at <= now()`
	var l Lateness
	var p50, p95, p99 int64
	if err := tx.pgx.QueryRow(ctx, sql, workspace).Scan(&l.Count, &p50, &p95, &p99); err != nil {
		return Lateness{}, fmt.Errorf("read lateness: %w", classify(err))
	}
	l.P50, l.P95, l.P99 = time.Duration(p50)*time.Millisecond, time.Duration(p95)*time.Millisecond, time.Duration(p99)*time.Millisecond
	return l, nil
}

// Reach is the newest numbers of a published post.
type Reach struct {
	Impressions, Likes *int64
}

// NewestReach returns the newest reading of each of the posts that has one.
func (tx *Tx) NewestReach(ctx context.Context, workspace uuid.UUID, ids []post.ID) (map[post.ID]Reach, error) {
	const sql = `SELECT DISTINCT ON (post_id) post_id, impressions, likes FROM readings
WHERE workspace_id = $1 AND post_id = ANY ($2) AND taken_at IS NOT NULL ORDER BY post_id, age_seconds DESC`
	raw := make([]uuid.UUID, len(ids))
	for i, id := range ids {
		raw[i] = uuid.UUID(id)
	}
	rows, err := tx.pgx.Query(ctx, sql, workspace, raw)
	if err != nil {
		return nil, fmt.Errorf("read newest reach: %w", classify(err))
	}
	out := map[post.ID]Reach{}
	var id uuid.UUID
	var r Reach
	_, err = pgx.ForEachRow(rows, []any{&id, &r.Impressions, &r.Likes}, func() error {
		out[post.ID(id)] = r
		r = Reach{}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read newest reach: %w", classify(err))
	}
	return out, nil
}
