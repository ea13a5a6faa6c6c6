-- name: InsertGeneration :exec
INSERT INTO generations (workspace_id, id, account_id, requested_by_kind, requested_by_id, requested_by_name, wanted, note,
                         idea_id, state, progress, correlation_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'queued', $10, $11, clock_timestamp());

-- name: GenerationByID :one
SELECT sqlc.embed(g),
       ARRAY(SELECT p.id FROM posts p WHERE p.workspace_id = g.workspace_id AND p.generation_id = g.id ORDER BY p.id)::uuid[] AS post_ids
FROM generations g WHERE g.workspace_id = $1 AND g.id = $2;

-- name: ListGenerations :many
SELECT sqlc.embed(g),
       ARRAY(SELECT p.id FROM posts p WHERE p.workspace_id = g.workspace_id AND p.generation_id = g.id ORDER BY p.id)::uuid[] AS post_ids
FROM generations g
WHERE g.workspace_id = sqlc.arg(workspace_id)
  AND (sqlc.narg(account_id)::uuid IS NULL OR g.account_id = sqlc.narg(account_id))
  AND (NOT sqlc.arg(unfinished)::boolean OR g.state IN ('queued', 'running'))
  AND (sqlc.narg(before)::uuid IS NULL OR g.id < sqlc.narg(before))
ORDER BY g.id DESC LIMIT sqlc.arg(max_rows);

-- name: ClaimGeneration :one
-- One worker at a time: tries is the fence, every later write names it.
UPDATE generations
SET state = 'running', tries = tries + 1, not_before = NULL,
    lease_until = clock_timestamp() + make_interval(secs => sqlc.arg(lease_seconds)::float8)
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND state IN ('queued', 'running')
  AND (lease_until IS NULL OR lease_until <= clock_timestamp())
  AND (not_before IS NULL OR not_before <= clock_timestamp() + interval '1 second')
RETURNING tries, lease_until::timestamptz AS lease_until;

-- name: GenerationWait :one
-- When a generation that could not be claimed is worth another look.
SELECT (state IN ('queued', 'running'))::boolean AS unfinished,
       coalesce(greatest(lease_until, not_before), clock_timestamp())::timestamptz AS wait_until
FROM generations WHERE workspace_id = $1 AND id = $2;

-- name: HoldGeneration :one
-- Locks the row and proves that this try still owns it.
SELECT drafts_made FROM generations
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND state = 'running' AND tries = sqlc.arg(tries)
FOR UPDATE;

-- name: SaveProgress :exec
UPDATE generations SET progress = sqlc.arg(progress), drafts_made = drafts_made + sqlc.arg(drafts)
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id);

-- name: FinishGeneration :exec
UPDATE generations
SET state = sqlc.arg(state), progress = sqlc.arg(progress), finished_at = clock_timestamp(), lease_until = NULL, not_before = NULL
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id);

-- name: YieldGeneration :one
UPDATE generations
SET state = 'queued', progress = sqlc.arg(progress), lease_until = NULL,
    not_before = clock_timestamp() + make_interval(secs => sqlc.arg(wait_seconds)::float8)
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id)
RETURNING not_before::timestamptz AS not_before;

-- name: StuckGenerations :many
-- Nobody works on these and their message should have come long ago.
SELECT workspace_id, id, correlation_id, created_at FROM generations
WHERE state IN ('queued', 'running')
  AND greatest(created_at, lease_until, not_before) < clock_timestamp() - make_interval(secs => sqlc.arg(overdue_seconds)::float8)
  AND (created_at, id) > (sqlc.arg(after_at)::timestamptz, sqlc.arg(after_id)::uuid)
ORDER BY created_at, id LIMIT sqlc.arg(max_rows);

-- name: AccountsToFill :many
-- Accounts whose calendar is emptier than they want: what is on its way and
-- not far off counts, whether or not it has a time. One whose last generation
-- just failed is left alone for a while.
SELECT a.workspace_id, a.id, (a.posts_per_week - planned.n)::int AS missing
FROM accounts a
JOIN workspaces w ON w.id = a.workspace_id AND w.paused_at IS NULL AND NOT a.network = ANY (w.paused_networks)
CROSS JOIN LATERAL (
  SELECT count(*) AS n FROM posts p
  WHERE p.workspace_id = a.workspace_id AND p.account_id = a.id
    AND p.state IN ('draft', 'in_review', 'awaiting_approval', 'changes_requested', 'approved', 'scheduled')
    AND (p.due_at IS NULL OR p.due_at < clock_timestamp() + interval '14 days')
) planned
WHERE a.status = 'connected' AND a.paused_at IS NULL AND a.posts_per_week > planned.n
  AND NOT EXISTS (
    SELECT 1 FROM generations g
    WHERE g.workspace_id = a.workspace_id AND g.account_id = a.id
      AND (g.state IN ('queued', 'running')
           OR (g.finished_at > clock_timestamp() - make_interval(secs => sqlc.arg(rest_seconds)::float8)
               AND (g.state = 'failed' OR g.drafts_made = 0))))
ORDER BY planned.n, a.id LIMIT sqlc.arg(max_rows);

-- name: UnfinishedGenerations :one
SELECT count(*) FROM generations WHERE workspace_id = $1 AND account_id = $2 AND state IN ('queued', 'running');
