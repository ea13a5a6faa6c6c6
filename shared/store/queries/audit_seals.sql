-- name: ClaimSealing :one
-- The row's lock keeps a second sealer out; it finds no row and goes home.
SELECT low_seq, next_seq, next_xid::text AS next_xid,
       (next_xid <= pg_snapshot_xmin(pg_current_snapshot()) AND next_at < clock_timestamp() - sqlc.arg(settled_seconds)::float8 * interval '1 second')::boolean AS passed,
       (next_xid > pg_snapshot_xmax(pg_current_snapshot()))::boolean AS from_elsewhere,
       clock_timestamp()::timestamptz AS now
FROM audit_sealer FOR UPDATE SKIP LOCKED;

-- name: LastSeal :one
SELECT position, event_seq, event_id, workspace_id, digest, sealed_at FROM audit_seals ORDER BY position DESC LIMIT 1;

-- name: UnsealedEvents :many
-- By what has no seal, not by what is newer than the last: an event that was
-- committed late stands before some that are sealed.
SELECT seq, xid::text AS xid, workspace_id, id, at, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, account_id,
       correlation_id, detail::text AS detail
FROM audit_events e WHERE e.seq > sqlc.arg(after_seq)
  AND NOT EXISTS (SELECT 1 FROM audit_seals s WHERE s.event_seq = e.seq)
ORDER BY e.seq LIMIT sqlc.arg(max_rows);

-- name: InsertSeals :exec
INSERT INTO audit_seals (position, event_seq, event_id, workspace_id, digest, sealed_at)
SELECT unnest(sqlc.arg(positions)::bigint[]), unnest(sqlc.arg(event_seqs)::bigint[]), unnest(sqlc.arg(event_ids)::uuid[]),
       unnest(sqlc.arg(workspace_ids)::uuid[]), unnest(sqlc.arg(digests)::bytea[]), sqlc.arg(sealed_at)::timestamptz;

-- name: MoveSealing :exec
-- low_seq moves only when the mark's transactions have ended; the new mark is set
-- behind what is there now.
UPDATE audit_sealer SET low_seq = CASE WHEN sqlc.arg(passed)::boolean THEN next_seq ELSE low_seq END,
  next_seq = greatest(next_seq, (SELECT coalesce(max(seq), 0) FROM audit_events)),
  next_xid = pg_snapshot_xmax(pg_current_snapshot()), next_at = clock_timestamp()
WHERE next_seq = sqlc.arg(next_seq) AND next_xid = sqlc.arg(next_xid)::text::xid8;

-- name: SealsAfter :many
-- Each seal beside the event that has its number now; one that is gone is all null.
SELECT s.position, s.event_seq, s.event_id, s.workspace_id AS sealed_workspace_id, s.digest, s.sealed_at,
       (e.seq IS NOT NULL)::boolean AS found, coalesce(e.xid::text, '')::text AS xid, e.workspace_id, e.id, e.at,
       coalesce(e.actor_kind, '')::text AS actor_kind, e.actor_id, coalesce(e.actor_name, '')::text AS actor_name,
       coalesce(e.action, '')::text AS action, coalesce(e.subject_kind, '')::text AS subject_kind, e.subject_id,
       e.account_id, e.correlation_id, coalesce(e.detail::text, '')::text AS detail
FROM audit_seals s LEFT JOIN audit_events e ON e.seq = s.event_seq
WHERE s.position > sqlc.arg(after_position) ORDER BY s.position LIMIT sqlc.arg(max_rows);

-- name: PassedOver :many
-- Events without a seal that the sealer has gone past for good: nobody committed
-- them, late or not, while it looked.
SELECT e.seq, e.id, e.at FROM audit_events e
WHERE e.seq <= (SELECT low_seq FROM audit_sealer) AND NOT EXISTS (SELECT 1 FROM audit_seals s WHERE s.event_seq = e.seq)
ORDER BY e.seq LIMIT sqlc.arg(max_rows);

-- name: WaitingForSeal :one
SELECT count(*)::bigint AS waiting, coalesce(min(e.at), clock_timestamp())::timestamptz AS oldest FROM audit_events e
WHERE e.seq > (SELECT low_seq FROM audit_sealer) AND NOT EXISTS (SELECT 1 FROM audit_seals s WHERE s.event_seq = e.seq);

-- name: NoteVerified :exec
UPDATE audit_sealer SET verified_at = clock_timestamp(), verified_position = sqlc.arg(position), verified_intact = sqlc.arg(intact);
