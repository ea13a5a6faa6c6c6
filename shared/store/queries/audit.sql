-- name: ChangesAfter :many
-- In the order of transactions, and only of those that can have no older one
-- still open: a late commit is never skipped.
SELECT xid::text AS xid, seq, action, subject_kind, subject_id, account_id FROM audit_events
WHERE workspace_id = sqlc.arg(workspace_id) AND xid < pg_snapshot_xmin(pg_current_snapshot())
  AND (xid, seq) > (sqlc.arg(after_xid)::text::xid8, sqlc.arg(after_seq)::bigint)
ORDER BY audit_events.xid, seq LIMIT sqlc.arg(max_rows);

-- name: ChangesNow :one
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin;

-- name: EventsOfSubject :many
SELECT seq, id, at, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, account_id, correlation_id, detail
FROM audit_events WHERE workspace_id = $1 AND subject_id = $2 ORDER BY seq DESC LIMIT 500;

-- name: EventsOfWorkspace :many
SELECT seq, id, at, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, account_id, correlation_id, detail
FROM audit_events WHERE workspace_id = sqlc.arg(workspace_id) AND seq < sqlc.arg(before_seq)
ORDER BY seq DESC LIMIT sqlc.arg(max_rows);
