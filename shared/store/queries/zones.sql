-- name: ZonedMoments :many
-- The moments to come at which posts are planned, with the wall clocks they were
-- chosen on. UTC has no rules that change. By workspace, whose index has the
-- states; now(), because an index serves no volatile function.
SELECT DISTINCT p.due_zone::text AS due_zone, p.due_local::text AS due_local, p.due_at::timestamptz AS due_at
FROM workspaces w CROSS JOIN LATERAL (
  SELECT s.due_zone, s.due_local, s.due_at FROM posts s
  WHERE s.workspace_id = w.id AND s.state = ANY (sqlc.arg(states)::text[]) AND s.due_at > now() AND s.due_zone <> 'UTC'
) p;

-- name: MoveMoment :many
-- Moves what is still planned for that moment by that clock. A time that moves is
-- a new revision: a message that is under way for the old one is out of date.
UPDATE posts p
SET due_at = sqlc.arg(to_at)::timestamptz, due_local = sqlc.arg(to_local)::text, revision = revision + 1, etag = etag + 1,
    updated_at = clock_timestamp()
FROM workspaces w
WHERE p.workspace_id = w.id AND p.state = ANY (sqlc.arg(states)::text[])
  AND p.due_at = sqlc.arg(from_at)::timestamptz AND p.due_zone = sqlc.arg(zone)::text AND p.due_local = sqlc.arg(from_local)::text
RETURNING p.workspace_id, p.id, p.account_id, p.correlation_id, p.revision, p.state;
