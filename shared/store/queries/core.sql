-- name: ClockNow :one
SELECT clock_timestamp()::timestamptz AS now;

-- name: HoldTo :exec
-- Local to the transaction (third argument): a pooled connection forgets it.
SELECT set_config('app.workspace_id', sqlc.arg(workspace_id)::text, true),
       set_config('app.person_id', sqlc.arg(person_id)::text, true);

-- name: InsertOutbox :exec
INSERT INTO outbox (id, workspace_id, queue, body, deliver_at, created_at)
VALUES ($1, $2, $3, $4, $5, clock_timestamp());

-- name: MarkOutboxSent :exec
UPDATE outbox SET sent_at = clock_timestamp() WHERE id = ANY (sqlc.arg(ids)::uuid[]) AND sent_at IS NULL;

-- name: UnsentOutbox :many
-- What was committed but not marked sent. A grace period leaves alone what its
-- writer is sending at this moment; a double is harmless anyway.
SELECT id, workspace_id, queue, body, deliver_at
FROM outbox
WHERE sent_at IS NULL AND created_at < clock_timestamp() - make_interval(secs => sqlc.arg(grace_seconds)::float8)
ORDER BY created_at
LIMIT sqlc.arg(max_rows);

-- name: DeleteOldOutbox :execrows
DELETE FROM outbox WHERE sent_at < clock_timestamp() - make_interval(secs => sqlc.arg(keep_seconds)::float8);

-- name: InsertAuditEvent :exec
INSERT INTO audit_events (workspace_id, id, at, actor_kind, actor_id, actor_name, action,
                          subject_kind, subject_id, account_id, correlation_id, detail)
VALUES ($1, $2, clock_timestamp(), $3, $4, $5, $6, $7, $8, $9, $10, $11);
