-- What lies ready on networks that publish in two steps. Posts of other
-- networks come to none of these.

-- name: StagesOfPost :many
-- attempted: an attempt was begun that was to show it.
SELECT s.part, s.content_hash, s.remote_id, s.tries, s.staged_at, (s.ready_at IS NOT NULL)::boolean AS ready,
       (s.expires_at > clock_timestamp() + interval '1 minute')::boolean AS alive,
       (extract(epoch FROM clock_timestamp() - s.staged_at))::float8 AS age_seconds,
       EXISTS (SELECT 1 FROM attempt_stages a
               WHERE a.workspace_id = s.workspace_id AND a.post_id = s.post_id AND a.remote_id = s.remote_id)::boolean AS attempted
FROM network_stages s WHERE s.workspace_id = $1 AND s.post_id = $2;

-- name: SaveStage :execrows
-- A compare-and-set: of two who staged the same part, one has it kept; and what
-- an attempt was begun with makes room only for one who read that it was.
INSERT INTO network_stages AS s (workspace_id, post_id, part, content_hash, remote_id, tries, staged_at, expires_at)
VALUES (sqlc.arg(workspace_id), sqlc.arg(post_id), sqlc.arg(part), sqlc.arg(content_hash), sqlc.arg(remote_id), sqlc.arg(tries),
        clock_timestamp(), clock_timestamp() + make_interval(secs => sqlc.arg(lives_seconds)::float8))
ON CONFLICT (workspace_id, post_id, part) DO UPDATE
SET content_hash = excluded.content_hash, remote_id = excluded.remote_id, tries = excluded.tries, staged_at = excluded.staged_at,
    ready_at = NULL, expires_at = excluded.expires_at
WHERE s.remote_id = sqlc.arg(was_remote_id)
  AND (sqlc.arg(was_attempted)::boolean OR NOT EXISTS (
        SELECT 1 FROM attempt_stages a WHERE a.workspace_id = s.workspace_id AND a.post_id = s.post_id AND a.remote_id = s.remote_id));

-- name: StageReady :exec
UPDATE network_stages SET ready_at = coalesce(ready_at, clock_timestamp())
WHERE workspace_id = $1 AND post_id = $2 AND part = $3 AND remote_id = $4;

-- name: DropStage :execrows
UPDATE network_stages s SET remote_id = '', ready_at = NULL
WHERE s.workspace_id = sqlc.arg(workspace_id) AND s.post_id = sqlc.arg(post_id) AND s.part = sqlc.arg(part)
  AND s.remote_id = sqlc.arg(was_remote_id)
  AND (sqlc.arg(was_attempted)::boolean OR NOT EXISTS (
        SELECT 1 FROM attempt_stages a WHERE a.workspace_id = s.workspace_id AND a.post_id = s.post_id AND a.remote_id = s.remote_id));

-- name: RestartStages :exec
UPDATE network_stages SET tries = 0 WHERE workspace_id = $1 AND post_id = $2;

-- name: StagesOfPosts :many
SELECT s.post_id, s.part, s.remote_id, s.staged_at
FROM (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(post_ids)::uuid[]) AS post_id) i
JOIN network_stages s ON s.workspace_id = i.workspace_id AND s.post_id = i.post_id;

-- name: SaveAttemptStages :exec
INSERT INTO attempt_stages (workspace_id, attempt_id, post_id, remote_id, staged_at)
SELECT unnest(sqlc.arg(workspace_ids)::uuid[]), unnest(sqlc.arg(attempt_ids)::uuid[]), unnest(sqlc.arg(post_ids)::uuid[]),
       unnest(sqlc.arg(remote_ids)::text[]), unnest(sqlc.arg(staged_ats)::timestamptz[]);

-- name: AttemptStages :many
SELECT attempt_id, remote_id, staged_at FROM attempt_stages WHERE workspace_id = $1 AND post_id = $2;
