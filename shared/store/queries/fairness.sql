-- What the tick takes up, tenant by tenant: the first of each workspace, then the
-- second of each, and so on. However much one of them has waiting, the others'
-- are among the first rows.

-- name: PlanDispatch :many
-- The posts that fall due within the horizon and are to be handed out; those
-- that cannot wait half a minute come first. now(), the transaction's start,
-- because an index serves no volatile function. A post is handed out once a
-- revision; again only when it is overdue by 30 s and nobody is at it, which is
-- what makes losing every queue harmless. Of a workspace with several posts on
-- their way out at this moment it is taken to wait in the queue behind them, for
-- a minute: beside a flood each tick would hand out all of it anew.
-- handed_us tells whether somebody hands
-- it out between the plan and its turn.
WITH waiting AS (
  SELECT workspace_id, id, account_id, due_at, not_before, paced_at, hold_reason, revision, dispatched_at
  FROM posts
  WHERE state = 'scheduled' AND (dispatched_revision IS DISTINCT FROM revision)::int = 1
    AND due_at < now() + make_interval(secs => sqlc.arg(horizon_seconds)::float8)
  UNION ALL
  SELECT workspace_id, id, account_id, due_at, not_before, paced_at, hold_reason, revision, dispatched_at
  FROM posts
  WHERE state = 'scheduled' AND dispatched_revision = revision
    AND due_at < now() + make_interval(secs => CASE WHEN sqlc.arg(queues_lost)::boolean THEN sqlc.arg(horizon_seconds)::float8 ELSE -30 END)
    AND ((greatest(due_at, not_before) < clock_timestamp() - interval '30 seconds'
          AND dispatched_at < clock_timestamp() - interval '30 seconds'
          AND (greatest(due_at, not_before) < clock_timestamp() - interval '60 seconds'
               OR workspace_id NOT IN (SELECT b.workspace_id FROM posts b WHERE b.state = 'sending' AND b.lease_until > now()
                                       GROUP BY b.workspace_id HAVING count(*) >= 5)))
         OR (sqlc.arg(queues_lost)::boolean AND dispatched_at < sqlc.arg(lost_before)::timestamptz))
)
SELECT d.workspace_id, d.id, d.revision, d.handed_us FROM (
  SELECT p.workspace_id, p.id, p.due_at, p.revision, coalesce((extract(epoch FROM p.dispatched_at) * 1000000)::bigint, 0)::bigint AS handed_us,
         p.due_at > now() + interval '30 seconds' AS can_wait,
         row_number() OVER (PARTITION BY p.workspace_id, p.due_at > now() + interval '30 seconds' ORDER BY p.due_at, p.id) AS turn
  FROM waiting p JOIN accounts a ON a.workspace_id = p.workspace_id AND a.id = p.account_id
  WHERE (p.not_before IS NULL OR p.not_before < clock_timestamp() + make_interval(secs => sqlc.arg(horizon_seconds)::float8))
    AND p.hold_reason NOT IN ('workspace_paused', 'network_paused', 'account_paused', 'account_needs_reconnect', 'rate_limited',
                              'network_trouble', 'account_trouble', 'late_needs_decision', 'content_not_as_approved', 'found_late')
    -- What is of a backlog waits for its turn in the drain: in_backlog, written out
    -- for a backlog of 100,000, for each of which calling it takes 30 microseconds.
    AND NOT (p.due_at < now() - make_interval(secs => sqlc.arg(grace_seconds)::float8)
             AND (p.paced_at IS NULL OR p.paced_at < now() - make_interval(secs => sqlc.arg(grace_seconds)::float8))
             AND a.catch_up = 'send_within' AND p.due_at >= now() - make_interval(secs => a.catch_up_within_seconds)
             AND NOT EXISTS (SELECT FROM attempts t WHERE t.workspace_id = p.workspace_id AND t.post_id = p.id AND t.state = 'accepted'))
) d
ORDER BY d.can_wait, d.turn, d.due_at, d.id
LIMIT sqlc.arg(max_rows);

-- name: DispatchPlanned :many
-- Marks planned posts as handed out, those that are still as the plan saw them,
-- and returns these.
WITH due AS (
  SELECT p.workspace_id, p.id FROM posts p
  JOIN (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(ids)::uuid[]) AS id,
               unnest(sqlc.arg(revisions)::bigint[]) AS revision, unnest(sqlc.arg(handed_us)::bigint[]) AS handed_us) plan
    ON plan.workspace_id = p.workspace_id AND plan.id = p.id
  WHERE p.state = 'scheduled' AND p.revision = plan.revision
    AND coalesce((extract(epoch FROM p.dispatched_at) * 1000000)::bigint, 0) = plan.handed_us
  FOR UPDATE OF p SKIP LOCKED
)
UPDATE posts p SET dispatched_revision = p.revision, dispatched_at = clock_timestamp()
FROM due WHERE p.workspace_id = due.workspace_id AND p.id = due.id
RETURNING p.workspace_id, p.id, p.revision, p.correlation_id, greatest(p.due_at, p.not_before)::timestamptz AS send_at,
          EXISTS (SELECT 1 FROM version_media m WHERE m.workspace_id = p.workspace_id AND m.version_id = p.version_id)::boolean AS illustrated;

-- name: ExpiredLeases :many
SELECT d.workspace_id, d.id FROM (
  SELECT workspace_id, id, lease_until, row_number() OVER (PARTITION BY workspace_id ORDER BY lease_until, id) AS turn
  FROM posts WHERE state = 'sending' AND lease_until < now()
) d
ORDER BY d.turn, d.lease_until LIMIT sqlc.arg(max_rows);

-- name: ReconcilesDue :many
SELECT d.workspace_id, d.id, d.correlation_id, d.reconcile_at::timestamptz AS reconcile_at FROM (
  SELECT workspace_id, id, correlation_id, reconcile_at, row_number() OVER (PARTITION BY workspace_id ORDER BY reconcile_at, id) AS turn
  FROM posts WHERE state = 'unknown' AND reconcile_at < now() - make_interval(secs => sqlc.arg(overdue_seconds)::float8)
) d
ORDER BY d.turn, d.reconcile_at LIMIT sqlc.arg(max_rows);

-- name: UnsentOutbox :many
-- What was committed but not marked sent. A grace period leaves alone what its
-- writer is sending at this moment; a double is harmless anyway.
SELECT d.id, d.workspace_id, d.queue, d.body, d.deliver_at FROM (
  SELECT o.*, row_number() OVER (PARTITION BY o.workspace_id ORDER BY o.created_at, o.id) AS turn
  FROM outbox o
  WHERE o.sent_at IS NULL AND o.created_at < clock_timestamp() - make_interval(secs => sqlc.arg(grace_seconds)::float8)
) d
ORDER BY d.turn, d.created_at
LIMIT sqlc.arg(max_rows);
