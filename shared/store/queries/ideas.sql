-- name: InsertIdea :exec
INSERT INTO ideas (workspace_id, id, account_id, generation_id, source_item_id, title, angle, goal, why, quote,
                   source_title, source_url, state, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'new', clock_timestamp());

-- name: IdeaByID :one
-- The array holds the newest post made of the idea, or nothing.
SELECT sqlc.embed(i),
       ARRAY(SELECT p.id FROM posts p WHERE p.workspace_id = i.workspace_id AND p.idea_id = i.id
             ORDER BY p.created_at DESC LIMIT 1)::uuid[] AS post_ids
FROM ideas i
WHERE i.workspace_id = $1 AND i.id = $2;

-- name: IdeasOfGeneration :many
-- In the order of their rank: ids are made in that order.
SELECT * FROM ideas WHERE workspace_id = $1 AND generation_id = $2 ORDER BY id;

-- name: ListIdeas :many
SELECT sqlc.embed(i),
       ARRAY(SELECT p.id FROM posts p WHERE p.workspace_id = i.workspace_id AND p.idea_id = i.id
             ORDER BY p.created_at DESC LIMIT 1)::uuid[] AS post_ids
FROM ideas i
WHERE i.workspace_id = sqlc.arg(workspace_id)
  AND (sqlc.narg(account_id)::uuid IS NULL OR i.account_id = sqlc.narg(account_id))
  AND (sqlc.arg(state)::text = '' OR i.state = sqlc.arg(state))
  AND (sqlc.narg(before)::uuid IS NULL OR i.id < sqlc.narg(before))
ORDER BY i.id DESC LIMIT sqlc.arg(max_rows);

-- name: MoveIdea :execrows
UPDATE ideas SET state = sqlc.arg(to_state)
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND state = sqlc.arg(from_state);
