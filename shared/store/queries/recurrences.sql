-- name: InsertRecurrence :exec
INSERT INTO recurrences (workspace_id, id, account_id, content, rule, start_local, zone, note, state, next_at,
                         actor_kind, actor_id, actor_name, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'active', $9, $10, $11, $12, clock_timestamp(), clock_timestamp());

-- name: RecurrenceByID :one
SELECT sqlc.embed(r),
       (SELECT count(*) FROM posts p
        WHERE p.workspace_id = r.workspace_id AND p.recurrence_id = r.id AND p.state = ANY (sqlc.arg(planned_states)::text[])) AS planned
FROM recurrences r WHERE r.workspace_id = sqlc.arg(workspace_id) AND r.id = sqlc.arg(id) AND r.removed_at IS NULL;

-- name: LockRecurrence :one
SELECT id FROM recurrences WHERE workspace_id = $1 AND id = $2 AND removed_at IS NULL FOR UPDATE;

-- name: ListRecurrences :many
SELECT sqlc.embed(r),
       (SELECT count(*) FROM posts p
        WHERE p.workspace_id = r.workspace_id AND p.recurrence_id = r.id AND p.state = ANY (sqlc.arg(planned_states)::text[])) AS planned
FROM recurrences r
WHERE r.workspace_id = sqlc.arg(workspace_id) AND r.removed_at IS NULL
  AND (sqlc.narg(account_id)::uuid IS NULL OR r.account_id = sqlc.narg(account_id))
  AND (sqlc.narg(before)::uuid IS NULL OR r.id < sqlc.narg(before))
ORDER BY r.id DESC LIMIT sqlc.arg(max_rows);

-- name: SaveRecurrence :exec
UPDATE recurrences
SET content = sqlc.arg(content), rule = sqlc.arg(rule), start_local = sqlc.arg(start_local), zone = sqlc.arg(zone),
    note = sqlc.arg(note), state = sqlc.arg(state), next_at = sqlc.narg(next_at), etag = etag + 1, updated_at = clock_timestamp()
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id);

-- name: AdvanceRecurrence :exec
-- Posts were made up to next_at. No etag: nobody's edit is stale for it.
UPDATE recurrences
SET next_at = sqlc.narg(next_at), state = CASE WHEN sqlc.narg(next_at)::timestamptz IS NULL THEN 'ended' ELSE state END,
    updated_at = clock_timestamp()
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id);

-- name: RemoveRecurrence :exec
UPDATE recurrences SET removed_at = clock_timestamp(), state = 'ended', etag = etag + 1, updated_at = clock_timestamp()
WHERE workspace_id = $1 AND id = $2;

-- name: RecurrencesToMake :many
-- now(): an index is searched only by what stands still during the statement.
SELECT workspace_id, id, account_id FROM recurrences
WHERE state = 'active' AND removed_at IS NULL
  AND next_at <= now() + make_interval(secs => sqlc.arg(ahead_seconds)::float8)
ORDER BY next_at, id LIMIT sqlc.arg(max_rows);

-- name: RecurrencesOfAccount :many
SELECT id FROM recurrences
WHERE workspace_id = $1 AND account_id = $2 AND state <> 'ended' AND removed_at IS NULL
ORDER BY id LIMIT 1000;

-- name: MarkOccurrence :exec
UPDATE posts SET recurrence_id = sqlc.arg(recurrence_id), occurrence_local = sqlc.arg(occurrence_local)
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id);

-- name: LeaveRule :exec
UPDATE posts SET occurrence_local = NULL WHERE workspace_id = $1 AND id = $2;

-- name: MadeOccurrences :many
SELECT occurrence_local::text AS occurrence_local FROM posts
WHERE workspace_id = sqlc.arg(workspace_id) AND recurrence_id = sqlc.arg(recurrence_id)::uuid
  AND occurrence_local = ANY (sqlc.arg(asked)::text[]);

-- name: PostsOfRecurrence :many
SELECT id, coalesce(occurrence_local, '')::text AS occurrence_local FROM posts
WHERE workspace_id = sqlc.arg(workspace_id) AND recurrence_id = sqlc.arg(recurrence_id)::uuid
  AND state = ANY (sqlc.arg(states)::text[])
ORDER BY id LIMIT 5000;

-- name: PlannedPosts :many
-- Locked in the order of their ids, behind their account: those whose time is
-- still to come and was chosen on the clocks of the zone.
SELECT id, due_at::timestamptz AS due_at, due_local::text AS due_local FROM posts
WHERE workspace_id = sqlc.arg(workspace_id) AND account_id = sqlc.arg(account_id) AND due_zone = sqlc.arg(zone)::text
  AND due_at > clock_timestamp() AND state = ANY (sqlc.arg(states)::text[])
ORDER BY id FOR UPDATE;

-- name: ReplanPosts :exec
-- A time that moves is a new revision; one that is only written otherwise is not.
UPDATE posts p
SET due_at = n.due_at, due_local = n.due_local, due_zone = sqlc.arg(zone)::text,
    revision = p.revision + (p.due_at <> n.due_at)::int, etag = p.etag + 1, updated_at = clock_timestamp()
FROM (SELECT unnest(sqlc.arg(ids)::uuid[]) AS id, unnest(sqlc.arg(due_ats)::timestamptz[]) AS due_at,
             unnest(sqlc.arg(due_locals)::text[]) AS due_local) n
WHERE p.workspace_id = sqlc.arg(workspace_id) AND p.id = n.id;

-- name: SiblingTexts :many
-- What the other posts of the post's recurrence say.
SELECT v.content
FROM posts s
JOIN posts p ON p.workspace_id = s.workspace_id AND p.recurrence_id = s.recurrence_id AND p.id <> s.id
JOIN versions v ON v.workspace_id = p.workspace_id AND v.id = p.version_id
WHERE s.workspace_id = sqlc.arg(workspace_id) AND s.id = sqlc.arg(id) AND p.state NOT IN ('rejected', 'canceled')
ORDER BY p.due_at DESC LIMIT sqlc.arg(max_rows);
