-- name: InsertMedia :exec
INSERT INTO media (workspace_id, id, state, name, type, bytes, actor_kind, actor_id, actor_name, created_at)
VALUES ($1, $2, 'uploading', $3, $4, $5, $6, $7, $8, clock_timestamp());

-- name: MediaByID :one
SELECT * FROM media WHERE workspace_id = $1 AND id = $2 AND state <> 'removed';

-- name: FinishMedia :execrows
UPDATE media
SET state = 'ready', type = sqlc.arg(type), bytes = sqlc.arg(bytes), digest = sqlc.arg(digest)::text, width = sqlc.arg(width)::int,
    height = sqlc.arg(height)::int, ready_at = clock_timestamp()
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND state = 'uploading';

-- name: ListMedia :many
SELECT * FROM media
WHERE workspace_id = sqlc.arg(workspace_id) AND state = 'ready' AND (sqlc.narg(before)::uuid IS NULL OR id < sqlc.narg(before)::uuid)
ORDER BY id DESC LIMIT sqlc.arg(max_rows);

-- name: HoldMedia :many
-- Keeps them from being removed until the version that names them is written.
SELECT * FROM media WHERE workspace_id = sqlc.arg(workspace_id) AND id = ANY (sqlc.arg(ids)::uuid[]) AND state <> 'removed'
ORDER BY id FOR SHARE;

-- name: InsertVersionMedia :exec
INSERT INTO version_media (workspace_id, version_id, media_id)
SELECT sqlc.arg(workspace_id), sqlc.arg(version_id), unnest(sqlc.arg(media_ids)::uuid[]);

-- name: LockMedia :one
SELECT * FROM media WHERE workspace_id = $1 AND id = $2 AND state <> 'removed' FOR UPDATE;

-- name: RemoveMedia :execrows
-- A statement of its own after LockMedia: one that waited for the lock would
-- not see the version that was written meanwhile.
UPDATE media m SET state = 'removed'
WHERE m.workspace_id = $1 AND m.id = $2
  AND NOT EXISTS (SELECT 1 FROM version_media v WHERE v.workspace_id = m.workspace_id AND v.media_id = m.id);

-- name: OrphanedMedia :many
-- What nobody finished within a day, and what no version has shown a week on.
SELECT workspace_id, id FROM media m
WHERE (m.state = 'uploading' AND m.created_at < clock_timestamp() - interval '1 day')
   OR (m.state = 'ready' AND m.ready_at < clock_timestamp() - interval '7 days'
       AND NOT EXISTS (SELECT 1 FROM version_media v WHERE v.workspace_id = m.workspace_id AND v.media_id = m.id))
ORDER BY m.created_at LIMIT $1;

-- name: RemovedMedia :many
SELECT workspace_id, id, digest FROM media WHERE state = 'removed' ORDER BY created_at LIMIT $1;

-- name: DeleteMedia :exec
DELETE FROM media WHERE workspace_id = $1 AND id = $2 AND state = 'removed';

-- name: NetworkMediaOfPost :many
SELECT part, position, digest, alt, remote_id, expires_at FROM network_media
WHERE workspace_id = $1 AND post_id = $2 AND expires_at > clock_timestamp() + interval '1 minute';

-- name: ForgetNetworkMedia :exec
UPDATE network_media SET expires_at = clock_timestamp() WHERE workspace_id = $1 AND post_id = $2;

-- name: SaveNetworkMedia :exec
INSERT INTO network_media (workspace_id, post_id, part, position, digest, alt, remote_id, expires_at, created_at)
VALUES (sqlc.arg(workspace_id), sqlc.arg(post_id), sqlc.arg(part), sqlc.arg(position), sqlc.arg(digest), sqlc.arg(alt), sqlc.arg(remote_id),
        clock_timestamp() + make_interval(secs => sqlc.arg(lives_seconds)::float8), clock_timestamp())
ON CONFLICT (workspace_id, post_id, part, position) DO UPDATE
SET digest = excluded.digest, alt = excluded.alt, remote_id = excluded.remote_id, expires_at = excluded.expires_at, created_at = excluded.created_at;
