-- name: InsertTokens :exec
INSERT INTO account_tokens (workspace_id, account_id, version, access_sealed, refresh_sealed, scopes, expires_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
ON CONFLICT (workspace_id, account_id) DO UPDATE
SET version = excluded.version, access_sealed = excluded.access_sealed, refresh_sealed = excluded.refresh_sealed,
    scopes = excluded.scopes, expires_at = excluded.expires_at, updated_at = clock_timestamp(),
    refresh_lease_until = NULL, refresh_lease_id = NULL, refresh_unclear_at = NULL
WHERE account_tokens.version < excluded.version;

-- name: TokensOfAccounts :many
SELECT t.*, a.network, a.status,
       (t.expires_at - clock_timestamp() < interval '0')::boolean AS expired,
       (t.refresh_lease_until IS NOT NULL AND t.refresh_lease_until > clock_timestamp())::boolean AS lease_live,
       clock_timestamp()::timestamptz AS now
FROM (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(account_ids)::uuid[]) AS account_id) i
JOIN account_tokens t ON t.workspace_id = i.workspace_id AND t.account_id = i.account_id
JOIN accounts a ON a.workspace_id = t.workspace_id AND a.id = t.account_id;

-- name: TokenVersion :one
SELECT version FROM account_tokens WHERE workspace_id = $1 AND account_id = $2 FOR UPDATE;

-- name: LeaseRefresh :execrows
UPDATE account_tokens
SET refresh_lease_id = sqlc.arg(lease_id), refresh_lease_until = clock_timestamp() + make_interval(secs => sqlc.arg(lease_seconds)::float8)
WHERE workspace_id = sqlc.arg(workspace_id) AND account_id = sqlc.arg(account_id) AND version = sqlc.arg(version)
  AND (refresh_lease_until IS NULL OR refresh_lease_until < clock_timestamp());

-- name: SaveRefreshed :execrows
UPDATE account_tokens
SET version = version + 1, access_sealed = sqlc.arg(access_sealed), refresh_sealed = sqlc.arg(refresh_sealed),
    scopes = sqlc.arg(scopes), expires_at = sqlc.arg(expires_at), updated_at = clock_timestamp(),
    refresh_lease_until = NULL, refresh_lease_id = NULL, refresh_unclear_at = NULL
WHERE workspace_id = sqlc.arg(workspace_id) AND account_id = sqlc.arg(account_id) AND version = sqlc.arg(from_version);

-- name: EndRefreshLease :exec
UPDATE account_tokens
SET refresh_lease_until = CASE WHEN sqlc.arg(keep_seconds)::float8 > 0
                               THEN clock_timestamp() + make_interval(secs => sqlc.arg(keep_seconds)::float8) END,
    refresh_lease_id = NULL,
    refresh_unclear_at = CASE WHEN sqlc.arg(unclear)::boolean THEN coalesce(refresh_unclear_at, clock_timestamp()) ELSE refresh_unclear_at END
WHERE workspace_id = sqlc.arg(workspace_id) AND account_id = sqlc.arg(account_id) AND refresh_lease_id = sqlc.arg(lease_id);

-- name: TokensToRefresh :many
-- A token was taken at updated_at, so that it lives from there to its end.
SELECT t.workspace_id, t.account_id
FROM account_tokens t JOIN accounts a ON a.workspace_id = t.workspace_id AND a.id = t.account_id
WHERE a.status = 'connected' AND t.refresh_sealed IS NOT NULL
  AND t.expires_at < clock_timestamp() + greatest(
        make_interval(secs => sqlc.arg(least_seconds)::float8), (t.expires_at - t.updated_at) * sqlc.arg(share)::float8)
  AND (t.refresh_lease_until IS NULL OR t.refresh_lease_until < clock_timestamp())
ORDER BY t.expires_at LIMIT sqlc.arg(max_rows);

-- name: ExpireToken :exec
-- The network refused the access token although it should still be good.
UPDATE account_tokens SET expires_at = least(expires_at, clock_timestamp()), updated_at = clock_timestamp()
WHERE workspace_id = $1 AND account_id = $2;
