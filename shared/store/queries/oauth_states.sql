-- name: InsertOAuthState :exec
INSERT INTO oauth_states (workspace_id, id, state_hash, session_id, network, account_id, verifier_sealed, time_zone, created_at, expires_at)
VALUES (sqlc.arg(workspace_id), sqlc.arg(id), sqlc.arg(state_hash), sqlc.arg(session_id), sqlc.arg(network), sqlc.narg(account_id),
        sqlc.arg(verifier_sealed), sqlc.arg(time_zone), clock_timestamp(), clock_timestamp() + make_interval(secs => sqlc.arg(keep_seconds)::float8));

-- name: UseOAuthState :one
-- One statement finds and burns it: of two callbacks with one state, one wins.
UPDATE oauth_states SET used_at = clock_timestamp()
WHERE workspace_id = sqlc.arg(workspace_id) AND state_hash = sqlc.arg(state_hash) AND session_id = sqlc.arg(session_id)
  AND used_at IS NULL AND expires_at > clock_timestamp()
RETURNING id, network, account_id, verifier_sealed, time_zone;
