-- name: InsertSource :exec
INSERT INTO sources (workspace_id, id, account_id, kind, title, url, note, created_at, removed_at)
VALUES (sqlc.arg(workspace_id), sqlc.arg(id), sqlc.arg(account_id), sqlc.arg(kind), sqlc.arg(title), sqlc.arg(url),
        sqlc.arg(note), clock_timestamp(), CASE WHEN sqlc.arg(hidden)::boolean THEN clock_timestamp() END);

-- name: SourceByID :one
SELECT sqlc.embed(s),
       (SELECT count(*) FROM source_items i WHERE i.workspace_id = s.workspace_id AND i.source_id = s.id) AS items
FROM sources s WHERE s.workspace_id = $1 AND s.id = $2 AND s.removed_at IS NULL;

-- name: SourcesOfAccount :many
SELECT sqlc.embed(s),
       (SELECT count(*) FROM source_items i WHERE i.workspace_id = s.workspace_id AND i.source_id = s.id) AS items
FROM sources s WHERE s.workspace_id = $1 AND s.account_id = $2 AND s.removed_at IS NULL
ORDER BY s.id LIMIT 200;

-- name: RemoveSource :execrows
UPDATE sources SET removed_at = clock_timestamp() WHERE workspace_id = $1 AND id = $2 AND removed_at IS NULL;

-- name: FeedsToFetch :many
-- What was fetched within max_age is fresh enough: feeds are not hammered.
SELECT * FROM sources
WHERE workspace_id = sqlc.arg(workspace_id) AND account_id = sqlc.arg(account_id) AND kind = 'feed' AND removed_at IS NULL
  AND (last_fetched_at IS NULL OR last_fetched_at < clock_timestamp() - make_interval(secs => sqlc.arg(max_age_seconds)::float8))
ORDER BY last_fetched_at NULLS FIRST, id LIMIT sqlc.arg(max_rows);

-- name: SaveFetch :exec
-- A problem keeps the validators of the last good answer.
UPDATE sources
SET last_fetched_at = clock_timestamp(), last_problem = sqlc.arg(problem),
    http_etag = CASE WHEN sqlc.arg(problem)::text = '' THEN sqlc.arg(http_etag)::text ELSE http_etag END,
    http_last_modified = CASE WHEN sqlc.arg(problem)::text = '' THEN sqlc.arg(http_last_modified)::text ELSE http_last_modified END
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id);

-- name: UpsertItem :exec
INSERT INTO source_items (workspace_id, id, source_id, account_id, item_key, title, url, body, published_at, fetched_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp())
ON CONFLICT (workspace_id, source_id, item_key) DO UPDATE
SET title = excluded.title, url = excluded.url, body = excluded.body, published_at = excluded.published_at
WHERE (source_items.title, source_items.url, source_items.body) IS DISTINCT FROM (excluded.title, excluded.url, excluded.body);

-- name: UpsertNoteItems :exec
-- A note is a source of one item, which follows its text. A note pasted with a
-- request is a hidden source that only this generation reads.
INSERT INTO source_items (workspace_id, id, source_id, account_id, item_key, title, body, fetched_at)
SELECT s.workspace_id, s.id, s.id, s.account_id, 'note', s.title, s.note, clock_timestamp()
FROM sources s
WHERE s.workspace_id = sqlc.arg(workspace_id) AND s.account_id = sqlc.arg(account_id) AND s.kind = 'note'
  AND (s.removed_at IS NULL OR s.id = sqlc.arg(pasted_source))
ON CONFLICT (workspace_id, source_id, item_key) DO UPDATE
SET title = excluded.title, body = excluded.body
WHERE (source_items.title, source_items.body) IS DISTINCT FROM (excluded.title, excluded.body);

-- name: ItemsToResearch :many
-- The note pasted with the request first, then what no idea rests on yet, the
-- newest first.
SELECT sqlc.embed(i), s.kind,
       EXISTS (SELECT 1 FROM ideas d WHERE d.workspace_id = i.workspace_id AND d.source_item_id = i.id) AS used
FROM source_items i JOIN sources s ON s.workspace_id = i.workspace_id AND s.id = i.source_id
WHERE i.workspace_id = sqlc.arg(workspace_id) AND i.account_id = sqlc.arg(account_id) AND i.body <> ''
  AND (s.removed_at IS NULL OR i.source_id = sqlc.arg(pasted_source))
ORDER BY i.source_id = sqlc.arg(pasted_source) DESC, used, coalesce(i.published_at, i.fetched_at) DESC, i.id DESC
LIMIT sqlc.arg(max_rows);

-- name: ItemByID :one
SELECT sqlc.embed(i), s.kind
FROM source_items i JOIN sources s ON s.workspace_id = i.workspace_id AND s.id = i.source_id
WHERE i.workspace_id = $1 AND i.id = $2;
