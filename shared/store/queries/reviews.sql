-- name: InsertReview :exec
INSERT INTO reviews (workspace_id, id, post_id, version_id, verdict, summary, created_at)
VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp());

-- name: InsertFinding :exec
-- One by one: COPY does not work under row-level security.
INSERT INTO findings (workspace_id, id, review_id, position, rule, severity, part, start_byte, end_byte, quote, message,
                      suggestion, source_quote, source_url)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: LatestReview :one
SELECT r.id, r.version_id, r.verdict, r.summary, r.created_at, v.number
FROM reviews r JOIN versions v ON v.workspace_id = r.workspace_id AND v.id = r.version_id
WHERE r.workspace_id = $1 AND r.post_id = $2 ORDER BY r.created_at DESC, r.id DESC LIMIT 1;

-- name: FindingsOfReview :many
SELECT * FROM findings WHERE workspace_id = $1 AND review_id = $2 ORDER BY position;

-- name: StuckReviews :many
SELECT workspace_id, id, revision, correlation_id, updated_at FROM posts
WHERE state = 'in_review' AND updated_at < clock_timestamp() - make_interval(secs => sqlc.arg(overdue_seconds)::float8)
  AND (updated_at, id) > (sqlc.arg(after_at)::timestamptz, sqlc.arg(after_id)::uuid)
ORDER BY updated_at, id LIMIT sqlc.arg(max_rows);
