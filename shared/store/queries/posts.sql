-- name: InsertPost :exec
INSERT INTO posts (workspace_id, id, account_id, group_id, idea_id, generation_id, correlation_id, state, version_id,
                   due_at, due_local, due_zone, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, clock_timestamp(), clock_timestamp());

-- name: InsertVersion :exec
INSERT INTO versions (workspace_id, id, post_id, number, content, content_hash, note, actor_kind, actor_id, actor_name, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp());

-- name: PostByID :one
SELECT sqlc.embed(p), sqlc.embed(v)
FROM posts p JOIN versions v ON v.workspace_id = p.workspace_id AND v.id = p.version_id
WHERE p.workspace_id = $1 AND p.id = $2;

-- name: MovePost :execrows
UPDATE posts
SET state = sqlc.arg(to_state), etag = etag + 1, updated_at = clock_timestamp(),
    hold_reason = '', needs_person_at = NULL, not_before = NULL
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND state = ANY (sqlc.arg(from_states)::text[]);

-- name: ReplaceVersion :execrows
UPDATE posts
SET version_id = sqlc.arg(version_id), state = 'draft', revision = revision + 1, etag = etag + 1,
    updated_at = clock_timestamp(), hold_reason = '', needs_person_at = NULL, not_before = NULL,
    failure_code = '', failure_detail = ''
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND state = ANY (sqlc.arg(from_states)::text[]);

-- name: SetSchedule :execrows
-- A new time is a new revision: messages of the old one are dropped.
UPDATE posts
SET due_at = sqlc.narg(due_at), due_local = sqlc.narg(due_local), due_zone = sqlc.narg(due_zone),
    revision = revision + 1, etag = etag + 1, updated_at = clock_timestamp(),
    hold_reason = '', needs_person_at = NULL, not_before = NULL
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND state = ANY (sqlc.arg(in_states)::text[]);

-- name: BumpRevision :exec
UPDATE posts SET revision = revision + 1, etag = etag + 1, updated_at = clock_timestamp()
WHERE workspace_id = $1 AND id = $2;

-- name: VersionsOfPost :many
SELECT workspace_id, id, post_id, number, content, content_hash, note, actor_kind, actor_id, actor_name, created_at
FROM versions WHERE workspace_id = $1 AND post_id = $2 ORDER BY number DESC LIMIT 100;

-- name: InsertApproval :exec
INSERT INTO approvals (workspace_id, id, post_id, version_id, content_hash, actor_kind, actor_id, actor_name, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp());

-- name: RevokeApproval :execrows
UPDATE approvals SET revoked_at = clock_timestamp(), revoked_reason = $3
WHERE workspace_id = $1 AND post_id = $2 AND revoked_at IS NULL;

-- name: LatestApproval :one
SELECT id, version_id, content_hash, actor_kind, actor_id, actor_name, decided_at, revoked_at, revoked_reason
FROM approvals WHERE workspace_id = $1 AND post_id = $2
ORDER BY decided_at DESC LIMIT 1;

-- name: RecentTextsOfAccount :many
-- What the account said lately or is about to say, for the near-duplicate
-- check; posts of one recurrence are meant to be alike, and are left out.
SELECT p.id, v.content
FROM posts p JOIN versions v ON v.workspace_id = p.workspace_id AND v.id = p.version_id
WHERE p.workspace_id = $1 AND p.account_id = $2 AND p.id <> sqlc.arg(except_post)
  AND p.state NOT IN ('rejected', 'canceled')
  AND (p.recurrence_id IS NULL OR p.recurrence_id IS DISTINCT FROM (
    SELECT s.recurrence_id FROM posts s WHERE s.workspace_id = p.workspace_id AND s.id = sqlc.arg(except_post)))
ORDER BY p.updated_at DESC LIMIT sqlc.arg(max_rows);
