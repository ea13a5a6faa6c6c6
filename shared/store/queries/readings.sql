-- name: PlanReadings :exec
INSERT INTO readings (workspace_id, post_id, age_seconds, due_at)
SELECT i.workspace_id, i.post_id, a.age, i.published_at + make_interval(secs => a.age::float8)
FROM (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(post_ids)::uuid[]) AS post_id,
             unnest(sqlc.arg(published_ats)::timestamptz[]) AS published_at) i
CROSS JOIN (SELECT unnest(sqlc.arg(ages)::bigint[]) AS age) a
ON CONFLICT DO NOTHING;

-- name: ReadingsDue :many
-- Claims due readings: a claimed one is not handed out again for two minutes.
WITH due AS (
  SELECT workspace_id, post_id, age_seconds FROM readings
  WHERE taken_at IS NULL AND given_up_at IS NULL
    AND due_at < now() + make_interval(secs => sqlc.arg(horizon_seconds)::float8)
    AND (dispatched_at IS NULL OR dispatched_at < clock_timestamp() - interval '2 minutes')
  ORDER BY due_at LIMIT sqlc.arg(max_rows) FOR UPDATE SKIP LOCKED
)
UPDATE readings r SET dispatched_at = clock_timestamp()
FROM due, posts p
WHERE r.workspace_id = due.workspace_id AND r.post_id = due.post_id AND r.age_seconds = due.age_seconds
  AND p.workspace_id = r.workspace_id AND p.id = r.post_id
RETURNING r.workspace_id, r.post_id, r.age_seconds, r.due_at, p.correlation_id;

-- name: OpenReadings :many
SELECT age_seconds, due_at, tries, (due_at <= clock_timestamp())::boolean AS is_due FROM readings
WHERE workspace_id = $1 AND post_id = $2 AND taken_at IS NULL AND given_up_at IS NULL
ORDER BY age_seconds;

-- name: SaveReading :execrows
UPDATE readings
SET taken_at = clock_timestamp(), problem = '', tries = tries + 1, impressions = $4, likes = $5, replies = $6, reposts = $7,
    quotes = $8, bookmarks = $9, link_clicks = $10, profile_clicks = $11
WHERE workspace_id = $1 AND post_id = $2 AND age_seconds = $3 AND taken_at IS NULL;

-- name: ReadingProblem :exec
UPDATE readings
SET tries = tries + 1, problem = sqlc.arg(problem),
    given_up_at = CASE WHEN sqlc.arg(give_up)::boolean THEN clock_timestamp() END
WHERE workspace_id = sqlc.arg(workspace_id) AND post_id = sqlc.arg(post_id) AND age_seconds = sqlc.arg(age_seconds) AND taken_at IS NULL;

-- name: ReadingsOfPost :many
SELECT * FROM readings WHERE workspace_id = $1 AND post_id = $2 ORDER BY age_seconds;
