-- name: ConnectAccount :one
-- A known account is connected again under the id it has; its profile stays.
INSERT INTO accounts (workspace_id, id, network, handle, remote_id, status, display_name, time_zone, created_at, updated_at)
VALUES (sqlc.arg(workspace_id), sqlc.arg(id), sqlc.arg(network), sqlc.arg(handle), sqlc.arg(remote_id), 'connected',
        sqlc.arg(display_name), sqlc.arg(time_zone), clock_timestamp(), clock_timestamp())
ON CONFLICT (workspace_id, network, remote_id) DO UPDATE
SET handle = excluded.handle, status = 'connected', etag = accounts.etag + 1, updated_at = clock_timestamp()
RETURNING *;

-- name: AccountByID :one
SELECT * FROM accounts WHERE workspace_id = $1 AND id = $2;

-- name: LockAccount :one
-- Not FOR UPDATE: rows that only refer to the account must not wait.
SELECT * FROM accounts WHERE workspace_id = $1 AND id = $2 FOR NO KEY UPDATE;

-- name: AccountsOfWorkspace :many
SELECT * FROM accounts WHERE workspace_id = $1 ORDER BY created_at, id LIMIT 500;

-- name: SaveProfile :one
UPDATE accounts
SET display_name = sqlc.arg(display_name), time_zone = sqlc.arg(time_zone), goals = sqlc.arg(goals)::text[],
    interests = sqlc.arg(interests)::text[], projects = sqlc.arg(projects), audience = sqlc.arg(audience), voice = sqlc.arg(voice),
    guidelines = sqlc.arg(guidelines), banned_words = sqlc.arg(banned_words)::text[], slots = sqlc.arg(slots),
    posts_per_week = sqlc.arg(posts_per_week), min_gap_seconds = sqlc.arg(min_gap_seconds), catch_up = sqlc.arg(catch_up),
    catch_up_within_seconds = sqlc.arg(catch_up_within_seconds), etag = etag + 1, updated_at = clock_timestamp()
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND etag = sqlc.arg(etag)
RETURNING *;

-- name: PauseAccount :one
UPDATE accounts
SET paused_at = coalesce(paused_at, clock_timestamp()), pause_reason = $3, etag = etag + 1, updated_at = clock_timestamp()
WHERE workspace_id = $1 AND id = $2
RETURNING *;

-- name: ResumeAccount :one
UPDATE accounts SET paused_at = NULL, pause_reason = '', etag = etag + 1, updated_at = clock_timestamp()
WHERE workspace_id = $1 AND id = $2
RETURNING *;

-- name: TakenTimes :many
-- When the accounts say something or mean to, for the gap and the free slots.
SELECT account_id, id, due_at::timestamptz AS due_at FROM posts
WHERE workspace_id = sqlc.arg(workspace_id) AND account_id = ANY (sqlc.arg(account_ids)::uuid[])
  AND due_at >= sqlc.arg(from_time)::timestamptz AND due_at < sqlc.arg(to_time)::timestamptz
  AND state NOT IN ('rejected', 'canceled', 'failed', 'missed')
ORDER BY due_at LIMIT 10000;
