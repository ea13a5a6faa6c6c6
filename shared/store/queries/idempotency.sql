-- name: ClaimIdempotencyKey :execrows
INSERT INTO idempotency_keys (workspace_id, principal, route, key, body_hash, created_at, expires_at)
VALUES (sqlc.arg(workspace_id), sqlc.arg(principal), sqlc.arg(route), sqlc.arg(key), sqlc.arg(body_hash), clock_timestamp(),
        clock_timestamp() + make_interval(secs => sqlc.arg(keep_seconds)::float8))
ON CONFLICT (workspace_id, principal, route, key) DO UPDATE
SET body_hash = excluded.body_hash, status = NULL, response = NULL, headers = NULL,
    created_at = excluded.created_at, expires_at = excluded.expires_at
WHERE idempotency_keys.expires_at < clock_timestamp();

-- name: IdempotencyKey :one
SELECT body_hash, status, response, headers,
       extract(epoch FROM clock_timestamp() - created_at)::float8 AS age_seconds
FROM idempotency_keys WHERE workspace_id = $1 AND principal = $2 AND route = $3 AND key = $4;

-- name: AnswerIdempotencyKey :exec
UPDATE idempotency_keys SET status = sqlc.arg(status)::int, response = sqlc.arg(response), headers = sqlc.arg(headers)
WHERE workspace_id = sqlc.arg(workspace_id) AND principal = sqlc.arg(principal) AND route = sqlc.arg(route) AND key = sqlc.arg(key)
  AND status IS NULL;

-- name: ReleaseIdempotencyKey :exec
DELETE FROM idempotency_keys WHERE workspace_id = $1 AND principal = $2 AND route = $3 AND key = $4 AND status IS NULL;
