-- name: ClockNow :one
SELECT clock_timestamp()::timestamptz AS now;

-- name: HoldTo :exec
-- Local to the transaction (third argument): a pooled connection forgets it.
SELECT set_config('app.workspace_id', sqlc.arg(workspace_id)::text, true),
       set_config('app.person_id', sqlc.arg(person_id)::text, true);

-- name: InsertOutbox :exec
INSERT INTO outbox (id, workspace_id, queue, body, deliver_at, created_at)
SELECT unnest(sqlc.arg(ids)::uuid[]), unnest(sqlc.arg(workspace_ids)::uuid[]), unnest(sqlc.arg(queues)::text[]),
       unnest(sqlc.arg(bodies)::text[])::jsonb, unnest(sqlc.arg(deliver_ats)::timestamptz[]), clock_timestamp();

-- name: MarkOutboxSent :exec
UPDATE outbox SET sent_at = clock_timestamp() WHERE id = ANY (sqlc.arg(ids)::uuid[]) AND sent_at IS NULL;

-- name: DeleteOldOutbox :execrows
-- now(), because an index serves no volatile function: a day's rows are many.
DELETE FROM outbox WHERE sent_at < now() - make_interval(secs => sqlc.arg(keep_seconds)::float8);

-- name: InsertAuditEvents :exec
-- In the order given; the zero id stands for none.
INSERT INTO audit_events (workspace_id, id, at, actor_kind, actor_id, actor_name, action,
                          subject_kind, subject_id, account_id, correlation_id, detail)
SELECT i.workspace_id, i.id, clock_timestamp(), i.actor_kind, i.actor_id, i.actor_name, i.action, i.subject_kind, i.subject_id,
       nullif(i.account_id, '00000000-0000-0000-0000-000000000000'), nullif(i.correlation_id, '00000000-0000-0000-0000-000000000000'),
       i.detail::jsonb
FROM (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(ids)::uuid[]) AS id,
             unnest(sqlc.arg(actor_kinds)::text[]) AS actor_kind, unnest(sqlc.arg(actor_ids)::uuid[]) AS actor_id,
             unnest(sqlc.arg(actor_names)::text[]) AS actor_name, unnest(sqlc.arg(actions)::text[]) AS action,
             unnest(sqlc.arg(subject_kinds)::text[]) AS subject_kind, unnest(sqlc.arg(subject_ids)::uuid[]) AS subject_id,
             unnest(sqlc.arg(account_ids)::uuid[]) AS account_id, unnest(sqlc.arg(correlation_ids)::uuid[]) AS correlation_id,
             unnest(sqlc.arg(details)::text[]) AS detail) i;
