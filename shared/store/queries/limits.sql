-- name: LockLowAppQuotas :many
-- The app's quotas of which little is left, for the intents of these accounts.
-- Only then is the row locked: while there is plenty, nobody stands in line for
-- it. It is the first lock of an intent.
SELECT network, window_seconds, max_calls, remaining, resets_at
FROM app_quotas
WHERE network IN (SELECT a.network FROM accounts a WHERE a.id = ANY (sqlc.arg(account_ids)::uuid[]))
  AND used_for = 'post' AND resets_at > clock_timestamp() AND remaining <= greatest(10, max_calls / 10)
ORDER BY network, window_seconds
FOR UPDATE;

-- name: LockLowAccountQuotas :many
SELECT workspace_id, account_id, window_seconds, max_calls, remaining, resets_at
FROM account_quotas
WHERE (workspace_id, account_id) IN (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]), unnest(sqlc.arg(account_ids)::uuid[]))
  AND used_for = 'post' AND resets_at > clock_timestamp() AND remaining <= greatest(10, max_calls / 4)
ORDER BY workspace_id, account_id, window_seconds
FOR UPDATE;

-- name: TakeAppQuota :exec
UPDATE app_quotas SET remaining = greatest(remaining - sqlc.arg(calls)::int, 0)
WHERE network = sqlc.arg(network) AND used_for = 'post' AND window_seconds = sqlc.arg(window_seconds);

-- name: TakeAccountQuota :exec
UPDATE account_quotas SET remaining = greatest(remaining - sqlc.arg(calls)::int, 0)
WHERE workspace_id = sqlc.arg(workspace_id) AND account_id = sqlc.arg(account_id) AND used_for = 'post'
  AND window_seconds = sqlc.arg(window_seconds);

-- name: GiveAppQuotaBack :exec
-- Of the same window only: a new one has counted nothing for this call.
UPDATE app_quotas SET remaining = least(remaining + 1, max_calls)
WHERE network = sqlc.arg(network) AND used_for = 'post' AND window_seconds = sqlc.arg(window_seconds)
  AND resets_at = sqlc.arg(resets_at);

-- name: GiveAccountQuotaBack :exec
UPDATE account_quotas SET remaining = least(remaining + 1, max_calls)
WHERE workspace_id = sqlc.arg(workspace_id) AND account_id = sqlc.arg(account_id) AND used_for = 'post'
  AND window_seconds = sqlc.arg(window_seconds) AND resets_at = sqlc.arg(resets_at);

-- name: LearnAppQuotas :exec
-- What the answers said, where it matters: a window that is new, little left, a
-- fiftieth less than was known, or nothing heard for a minute. The rest is read
-- and not written, so that the one row of an app is no place to queue. Within a
-- window what is left never rises: an answer that was overtaken says nothing.
WITH heard AS (
  SELECT unnest(sqlc.arg(networks)::text[]) AS network, unnest(sqlc.arg(uses)::text[]) AS used_for,
         unnest(sqlc.arg(windows)::int[]) AS window_seconds, unnest(sqlc.arg(limits)::int[]) AS max_calls,
         unnest(sqlc.arg(remainings)::int[]) AS remaining, unnest(sqlc.arg(resets)::timestamptz[]) AS resets_at
)
INSERT INTO app_quotas AS q (network, used_for, window_seconds, max_calls, remaining, resets_at, seen_at)
SELECT h.network, h.used_for, h.window_seconds, h.max_calls, h.remaining, h.resets_at, clock_timestamp()
FROM heard h
LEFT JOIN app_quotas k ON k.network = h.network AND k.used_for = h.used_for AND k.window_seconds = h.window_seconds
WHERE k.network IS NULL OR h.resets_at > k.resets_at + interval '5 seconds' OR k.resets_at <= clock_timestamp()
   OR (h.resets_at >= k.resets_at - interval '5 seconds'
       AND (h.max_calls <> k.max_calls OR k.seen_at < clock_timestamp() - interval '1 minute'
            OR (h.remaining < k.remaining AND (k.remaining - h.remaining >= k.max_calls / 50 OR h.remaining <= greatest(10, k.max_calls / 10)))))
ORDER BY h.network, h.used_for, h.window_seconds
ON CONFLICT (network, used_for, window_seconds) DO UPDATE
SET max_calls = excluded.max_calls, seen_at = excluded.seen_at,
    remaining = CASE WHEN excluded.resets_at > q.resets_at + interval '5 seconds' THEN excluded.remaining
                     ELSE least(q.remaining, excluded.remaining, excluded.max_calls) END,
    resets_at = CASE WHEN excluded.resets_at > q.resets_at + interval '5 seconds' THEN excluded.resets_at ELSE q.resets_at END
WHERE excluded.resets_at >= q.resets_at - interval '5 seconds';

-- name: LearnAccountQuotas :exec
WITH heard AS (
  SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(account_ids)::uuid[]) AS account_id,
         unnest(sqlc.arg(uses)::text[]) AS used_for, unnest(sqlc.arg(windows)::int[]) AS window_seconds,
         unnest(sqlc.arg(limits)::int[]) AS max_calls, unnest(sqlc.arg(remainings)::int[]) AS remaining,
         unnest(sqlc.arg(resets)::timestamptz[]) AS resets_at
)
INSERT INTO account_quotas AS q (workspace_id, account_id, used_for, window_seconds, max_calls, remaining, resets_at, seen_at)
SELECT h.workspace_id, h.account_id, h.used_for, h.window_seconds, h.max_calls, h.remaining, h.resets_at, clock_timestamp()
FROM heard h
LEFT JOIN account_quotas k ON k.workspace_id = h.workspace_id AND k.account_id = h.account_id
  AND k.used_for = h.used_for AND k.window_seconds = h.window_seconds
WHERE k.account_id IS NULL OR h.resets_at > k.resets_at + interval '5 seconds' OR k.resets_at <= clock_timestamp()
   OR (h.resets_at >= k.resets_at - interval '5 seconds'
       AND (h.max_calls <> k.max_calls OR k.seen_at < clock_timestamp() - interval '1 minute'
            OR (h.remaining < k.remaining AND (k.remaining - h.remaining >= k.max_calls / 20 OR h.remaining <= greatest(10, k.max_calls / 4)))))
ORDER BY h.workspace_id, h.account_id, h.used_for, h.window_seconds
ON CONFLICT (workspace_id, account_id, used_for, window_seconds) DO UPDATE
SET max_calls = excluded.max_calls, seen_at = excluded.seen_at,
    remaining = CASE WHEN excluded.resets_at > q.resets_at + interval '5 seconds' THEN excluded.remaining
                     ELSE least(q.remaining, excluded.remaining, excluded.max_calls) END,
    resets_at = CASE WHEN excluded.resets_at > q.resets_at + interval '5 seconds' THEN excluded.resets_at ELSE q.resets_at END
WHERE excluded.resets_at >= q.resets_at - interval '5 seconds';

-- name: RestraintsOf :many
-- Of these posts, those that a breaker or the drain may keep back. With all
-- breakers closed and nothing late there are none, and nothing is locked. The
-- due time is asked first: in_backlog reads tables, so no statement takes it in
-- and each call of it is planned.
WITH asked AS (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(post_ids)::uuid[]) AS post_id)
SELECT p.id AS post_id, a.network, clock_timestamp()::timestamptz AS now,
       (p.due_at < now() - make_interval(secs => sqlc.arg(grace_seconds)::float8)
        AND in_backlog(p.workspace_id, p.id, p.account_id, p.due_at, p.paced_at, make_interval(secs => sqlc.arg(grace_seconds)::float8)))::boolean AS backlog,
       coalesce(nb.state, 'closed')::text AS network_state, nb.retry_at AS network_retry_at, nb.probe_until AS network_probe_until,
       coalesce(ab.state, 'closed')::text AS account_state, ab.retry_at AS account_retry_at, ab.probe_until AS account_probe_until
FROM asked i
JOIN posts p ON p.workspace_id = i.workspace_id AND p.id = i.post_id
JOIN accounts a ON a.workspace_id = p.workspace_id AND a.id = p.account_id
LEFT JOIN network_breakers nb ON nb.network = a.network AND nb.state <> 'closed'
LEFT JOIN account_breakers ab ON ab.workspace_id = a.workspace_id AND ab.account_id = a.id AND ab.state <> 'closed'
WHERE nb.network IS NOT NULL OR ab.account_id IS NOT NULL
   OR (p.due_at < now() - make_interval(secs => sqlc.arg(grace_seconds)::float8)
       AND in_backlog(p.workspace_id, p.id, p.account_id, p.due_at, p.paced_at, make_interval(secs => sqlc.arg(grace_seconds)::float8)));

-- name: LockNetworkBreaker :one
SELECT * FROM network_breakers WHERE network = $1 FOR UPDATE;

-- name: LockAccountBreaker :one
SELECT * FROM account_breakers WHERE workspace_id = $1 AND account_id = $2 FOR UPDATE;

-- name: AcceptedSince :one
-- Whether one of these accounts got a post out since then.
SELECT EXISTS (
  SELECT 1 FROM accounts a JOIN attempts t ON t.workspace_id = a.workspace_id AND t.account_id = a.id
  WHERE a.id = ANY (sqlc.arg(account_ids)::uuid[]) AND t.state = 'accepted' AND t.finished_at >= sqlc.arg(since)::timestamptz
)::boolean;

-- name: SeedNetworkBreaker :exec
INSERT INTO network_breakers (network, state, changed_at) VALUES ($1, 'closed', clock_timestamp()) ON CONFLICT DO NOTHING;

-- name: SeedAccountBreaker :exec
INSERT INTO account_breakers (workspace_id, account_id, state, changed_at) VALUES ($1, $2, 'closed', clock_timestamp()) ON CONFLICT DO NOTHING;

-- name: PutNetworkBreaker :exec
UPDATE network_breakers
SET state = sqlc.arg(state), failures = sqlc.arg(failures), account_ids = sqlc.arg(account_ids), failing_since = sqlc.narg(failing_since),
    last_failure_at = sqlc.narg(last_failure_at), openings = sqlc.arg(openings), retry_at = sqlc.narg(retry_at),
    probe_id = sqlc.narg(probe_id), probe_until = sqlc.narg(probe_until), last_code = sqlc.arg(last_code),
    changed_at = CASE WHEN state = sqlc.arg(state) THEN changed_at ELSE clock_timestamp() END
WHERE network = sqlc.arg(network);

-- name: PutAccountBreaker :exec
UPDATE account_breakers
SET state = sqlc.arg(state), failures = sqlc.arg(failures), failing_since = sqlc.narg(failing_since),
    last_failure_at = sqlc.narg(last_failure_at), openings = sqlc.arg(openings), retry_at = sqlc.narg(retry_at),
    probe_id = sqlc.narg(probe_id), probe_until = sqlc.narg(probe_until), last_code = sqlc.arg(last_code),
    changed_at = CASE WHEN state = sqlc.arg(state) THEN changed_at ELSE clock_timestamp() END
WHERE workspace_id = sqlc.arg(workspace_id) AND account_id = sqlc.arg(account_id);

-- name: CloseNetworkBreakers :many
-- A proper answer. Healthy, it finds nothing to write and locks nothing.
WITH was AS (
  SELECT network, state, failing_since FROM network_breakers
  WHERE network = ANY (sqlc.arg(networks)::text[]) AND (state <> 'closed' OR failures > 0)
  ORDER BY network FOR UPDATE
)
UPDATE network_breakers b
SET state = 'closed', failures = 0, account_ids = '{}', failing_since = NULL, last_failure_at = NULL, openings = 0, retry_at = NULL,
    probe_id = NULL, probe_until = NULL, last_code = '', changed_at = CASE WHEN was.state = 'closed' THEN b.changed_at ELSE clock_timestamp() END
FROM was WHERE b.network = was.network
RETURNING b.network, was.state AS was_state, was.failing_since;

-- name: CloseAccountBreakers :many
WITH was AS (
  SELECT workspace_id, account_id, state, failing_since FROM account_breakers
  WHERE (workspace_id, account_id) IN (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]), unnest(sqlc.arg(account_ids)::uuid[]))
    AND (state <> 'closed' OR failures > 0)
  ORDER BY workspace_id, account_id FOR UPDATE
)
UPDATE account_breakers b
SET state = 'closed', failures = 0, failing_since = NULL, last_failure_at = NULL, openings = 0, retry_at = NULL,
    probe_id = NULL, probe_until = NULL, last_code = '', changed_at = CASE WHEN was.state = 'closed' THEN b.changed_at ELSE clock_timestamp() END
FROM was WHERE b.workspace_id = was.workspace_id AND b.account_id = was.account_id
RETURNING b.workspace_id, b.account_id, was.state AS was_state, was.failing_since;

-- name: HoldPostUntil :exec
-- Held by itself until a time: the tick hands it out anew for then.
UPDATE posts
SET hold_reason = sqlc.arg(hold_reason), not_before = sqlc.arg(not_before)::timestamptz, dispatched_revision = NULL,
    etag = etag + 1, updated_at = clock_timestamp()
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND state = 'scheduled';

-- name: TryDrainLock :one
-- One plans the drain at a time; whoever else would has nothing to add.
SELECT pg_try_advisory_xact_lock(7236111)::boolean;

-- name: Backlog :many
-- The posts of all backlogs that may go once they have a turn, tenant by tenant:
-- on each network the oldest due of each workspace, then the second of each, and
-- so on. The plan asks only what is cheap to ask of a hundred thousand rows; its
-- look at the account's rule keeps places free of what in_backlog would refuse,
-- and in_backlog has the word on what is left. Rows are locked outside the plan,
-- which ranks them, and what the lock finds changed since is looked at again.
WITH plan AS MATERIALIZED (
  SELECT c.workspace_id, c.id, c.network, c.min_gap_seconds, c.place, c.due_at FROM (
    SELECT p.workspace_id, p.id, p.due_at, a.network, a.min_gap_seconds,
           row_number() OVER (PARTITION BY p.workspace_id, a.network ORDER BY p.due_at, p.id) AS place
    FROM posts p
    JOIN accounts a ON a.workspace_id = p.workspace_id AND a.id = p.account_id
    JOIN workspaces w ON w.id = p.workspace_id
    WHERE p.state = 'scheduled' AND p.due_at < now() - make_interval(secs => sqlc.arg(grace_seconds)::float8)
      AND (p.paced_at IS NULL OR p.paced_at < now() - make_interval(secs => sqlc.arg(grace_seconds)::float8))
      AND (p.not_before IS NULL OR p.not_before <= clock_timestamp())
      AND p.hold_reason NOT IN ('late_needs_decision', 'content_not_as_approved', 'found_late')
      AND a.catch_up = 'send_within' AND p.due_at >= now() - make_interval(secs => a.catch_up_within_seconds)
      AND w.paused_at IS NULL AND NOT a.network = ANY (w.paused_networks) AND a.paused_at IS NULL AND a.status = 'connected'
      AND (a.limited_until IS NULL OR a.limited_until <= clock_timestamp())
      AND NOT EXISTS (SELECT 1 FROM network_breakers nb WHERE nb.network = a.network AND nb.state <> 'closed')
      AND NOT EXISTS (SELECT 1 FROM account_breakers ab WHERE ab.workspace_id = a.workspace_id AND ab.account_id = a.id AND ab.state <> 'closed')
  ) c
  ORDER BY c.place, c.due_at, c.id
  LIMIT sqlc.arg(max_rows)
)
SELECT p.workspace_id, p.id, p.account_id, p.revision, p.correlation_id, plan.network, plan.min_gap_seconds,
       greatest((SELECT q.paced_at FROM posts q WHERE q.workspace_id = p.workspace_id AND q.account_id = p.account_id
                   AND q.paced_at IS NOT NULL ORDER BY q.paced_at DESC LIMIT 1),
                (SELECT t.finished_at FROM attempts t WHERE t.workspace_id = p.workspace_id AND t.account_id = p.account_id
                   AND t.state = 'accepted' ORDER BY t.finished_at DESC LIMIT 1), '0001-01-01 00:00:00+00')::timestamptz AS last_turn
FROM plan JOIN posts p ON p.workspace_id = plan.workspace_id AND p.id = plan.id
WHERE p.state = 'scheduled' AND p.due_at = plan.due_at
  AND in_backlog(p.workspace_id, p.id, p.account_id, p.due_at, p.paced_at, make_interval(secs => sqlc.arg(grace_seconds)::float8))
  AND (p.not_before IS NULL OR p.not_before <= clock_timestamp())
  AND p.hold_reason NOT IN ('late_needs_decision', 'content_not_as_approved', 'found_late')
ORDER BY plan.place, plan.due_at, plan.id
FOR UPDATE OF p SKIP LOCKED;

-- name: TurnsTaken :many
SELECT a.network, extract(epoch FROM date_trunc('second', p.paced_at))::bigint AS second, count(*)::int AS posts
FROM posts p JOIN accounts a ON a.workspace_id = p.workspace_id AND a.id = p.account_id
WHERE p.paced_at > now() - interval '1 second' GROUP BY 1, 2;

-- name: GiveTurns :exec
WITH turns AS (SELECT unnest(sqlc.arg(post_ids)::uuid[]) AS id, unnest(sqlc.arg(turns)::timestamptz[]) AS at)
UPDATE posts p
SET paced_at = turns.at, not_before = turns.at, hold_reason = 'catching_up', etag = etag + 1, updated_at = clock_timestamp(),
    dispatched_revision = p.revision, dispatched_at = clock_timestamp()
FROM turns WHERE p.id = turns.id AND p.state = 'scheduled';

-- name: Probes :many
-- For each breaker whose time to try has come or comes within the horizon, the
-- oldest post that may be its probe.
WITH trying AS (
  SELECT nb.network, NULL::uuid AS workspace_id, NULL::uuid AS account_id,
         greatest(CASE WHEN nb.state = 'half_open' THEN nb.probe_until ELSE nb.retry_at END, clock_timestamp()) AS try_at
  FROM network_breakers nb WHERE nb.state <> 'closed'
  UNION ALL
  SELECT a.network, ab.workspace_id, ab.account_id,
         greatest(CASE WHEN ab.state = 'half_open' THEN ab.probe_until ELSE ab.retry_at END, clock_timestamp())
  FROM account_breakers ab JOIN accounts a ON a.workspace_id = ab.workspace_id AND a.id = ab.account_id WHERE ab.state <> 'closed'
)
SELECT DISTINCT c.workspace_id, c.id, c.revision, c.correlation_id, t.try_at::timestamptz AS try_at
FROM trying t
JOIN LATERAL (
  SELECT p.workspace_id, p.id, p.revision, p.correlation_id
  FROM posts p
  JOIN accounts a ON a.workspace_id = p.workspace_id AND a.id = p.account_id
  JOIN workspaces w ON w.id = p.workspace_id
  WHERE p.state = 'scheduled' AND p.due_at <= now() AND a.network = t.network
    AND (t.account_id IS NULL OR (p.workspace_id = t.workspace_id AND p.account_id = t.account_id))
    AND p.hold_reason NOT IN ('late_needs_decision', 'content_not_as_approved', 'found_late')
    AND (p.not_before IS NULL OR p.not_before <= t.try_at)
    AND w.paused_at IS NULL AND NOT a.network = ANY (w.paused_networks) AND a.paused_at IS NULL AND a.status = 'connected'
    AND (a.limited_until IS NULL OR a.limited_until <= t.try_at)
    -- On time still when it tries, or late as its account's rule lets it be, or begun:
    -- what is too late is told in one place, in_backlog (without a turn), and judged
    -- by the intent.
    AND (p.due_at >= t.try_at - make_interval(secs => sqlc.arg(grace_seconds)::float8)
         OR a.catch_up = 'send_within' AND p.due_at >= now() - make_interval(secs => sqlc.arg(grace_seconds)::float8)
         OR in_backlog(p.workspace_id, p.id, p.account_id, p.due_at, NULL, make_interval(secs => sqlc.arg(grace_seconds)::float8))
         OR EXISTS (SELECT 1 FROM attempts s WHERE s.workspace_id = p.workspace_id AND s.post_id = p.id AND s.state = 'accepted'))
    AND (t.account_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM account_breakers ab WHERE ab.workspace_id = a.workspace_id
           AND ab.account_id = a.id AND ab.state <> 'closed' AND ab.retry_at > t.try_at))
  ORDER BY p.due_at, p.id LIMIT 1
) c ON true
WHERE t.try_at <= clock_timestamp() + make_interval(secs => sqlc.arg(horizon_seconds)::float8);

-- name: ExplainHolds :execrows
-- Says on each post that is due soon why it will not go, and takes the word
-- back once the reason is gone. A minute may have 100,000 posts, so it looks only
-- at what is held, what is late and what belongs to a restrained account, and what
-- in_backlog says is written out: called for each late post it takes most of the time.
WITH touched AS (
  SELECT workspace_id, id, account_id, due_at, not_before, paced_at, hold_reason FROM posts
  WHERE state = 'scheduled' AND due_at < now() - make_interval(secs => sqlc.arg(grace_seconds)::float8)
  UNION ALL
  SELECT workspace_id, id, account_id, due_at, not_before, paced_at, hold_reason FROM posts
  WHERE state = 'scheduled' AND hold_reason <> '' AND due_at >= now() - make_interval(secs => sqlc.arg(grace_seconds)::float8)
    AND due_at < now() + make_interval(secs => sqlc.arg(horizon_seconds)::float8)
  UNION ALL
  SELECT p.*
  FROM accounts a
  JOIN workspaces w ON w.id = a.workspace_id
  -- OFFSET keeps the planner from reading all posts to join a few accounts to them.
  JOIN LATERAL (SELECT workspace_id, id, account_id, due_at, not_before, paced_at, hold_reason FROM posts
                WHERE workspace_id = a.workspace_id AND account_id = a.id AND state = 'scheduled' AND hold_reason = ''
                  AND due_at >= now() - make_interval(secs => sqlc.arg(grace_seconds)::float8)
                  AND due_at < now() + make_interval(secs => sqlc.arg(horizon_seconds)::float8) OFFSET 0) p ON true
  WHERE w.paused_at IS NOT NULL OR a.network = ANY (w.paused_networks) OR a.paused_at IS NOT NULL OR a.status <> 'connected'
     OR a.limited_until > clock_timestamp()
     OR EXISTS (SELECT FROM network_breakers b WHERE b.network = a.network AND b.state <> 'closed')
     OR EXISTS (SELECT FROM account_breakers b WHERE b.workspace_id = a.workspace_id AND b.account_id = a.id AND b.state <> 'closed')
), v AS (
  SELECT p.workspace_id, p.id, p.hold_reason,
         -- A try that waits for its own reason keeps it: the senders say so if more
         -- is in the way by then.
         CASE WHEN p.not_before > clock_timestamp() AND p.hold_reason NOT IN ('', 'workspace_paused', 'network_paused', 'account_paused',
                   'account_needs_reconnect', 'rate_limited', 'network_trouble', 'account_trouble') THEN p.hold_reason
              WHEN w.paused_at IS NOT NULL THEN 'workspace_paused'
              WHEN a.network = ANY (w.paused_networks) THEN 'network_paused'
              WHEN a.paused_at IS NOT NULL THEN 'account_paused'
              WHEN a.status <> 'connected' THEN 'account_needs_reconnect'
              WHEN a.limited_until > clock_timestamp() OR p.hold_reason = 'rate_limited' AND p.not_before > clock_timestamp() THEN 'rate_limited'
              WHEN p.hold_reason IN ('late_needs_decision', 'content_not_as_approved', 'found_late') THEN p.hold_reason
              -- A breaker keeps back what is due; what is due later may find it closed,
              -- and what is too late for its account's rule is a person's matter.
              WHEN p.due_at <= now() AND (nb.network IS NOT NULL OR ab.account_id IS NOT NULL)
                   AND (p.due_at >= now() - make_interval(secs => sqlc.arg(grace_seconds)::float8) OR rule.lets_go OR begun.already)
                   THEN CASE WHEN nb.network IS NOT NULL THEN 'network_trouble' ELSE 'account_trouble' END
              WHEN p.due_at < now() - make_interval(secs => sqlc.arg(grace_seconds)::float8) AND rule.lets_go
                   AND (p.paced_at IS NULL OR p.paced_at < now() - make_interval(secs => sqlc.arg(grace_seconds)::float8))
                   AND NOT begun.already THEN 'catching_up'
              WHEN p.hold_reason IN ('workspace_paused', 'network_paused', 'account_paused', 'account_needs_reconnect', 'rate_limited',
                   'network_trouble', 'account_trouble') THEN ''
              ELSE p.hold_reason END AS reason
  FROM touched p
  JOIN accounts a ON a.workspace_id = p.workspace_id AND a.id = p.account_id
  JOIN workspaces w ON w.id = p.workspace_id
  LEFT JOIN network_breakers nb ON nb.network = a.network AND nb.state <> 'closed'
  LEFT JOIN account_breakers ab ON ab.workspace_id = a.workspace_id AND ab.account_id = a.id AND ab.state <> 'closed'
  CROSS JOIN LATERAL (SELECT a.catch_up = 'send_within' AND p.due_at >= now() - make_interval(secs => a.catch_up_within_seconds) AS lets_go) rule
  CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM attempts t WHERE t.workspace_id = p.workspace_id AND t.post_id = p.id
                                       AND t.state = 'accepted') AS already) begun
)
UPDATE posts p SET hold_reason = v.reason, etag = etag + 1, updated_at = clock_timestamp(),
  -- What is let go is handed out anew at once: its message found it held.
  dispatched_revision = CASE WHEN v.reason = '' THEN NULL ELSE p.dispatched_revision END
FROM v WHERE v.reason <> v.hold_reason AND p.workspace_id = v.workspace_id AND p.id = v.id AND p.state = 'scheduled' AND p.hold_reason <> v.reason;

-- name: AppQuotas :many
SELECT * FROM app_quotas WHERE resets_at > clock_timestamp() ORDER BY network, used_for, window_seconds;

-- name: AccountQuotas :many
SELECT q.*, a.handle, a.network FROM account_quotas q
JOIN accounts a ON a.workspace_id = q.workspace_id AND a.id = q.account_id
WHERE q.workspace_id = $1 AND q.resets_at > clock_timestamp()
ORDER BY a.handle, q.account_id, q.used_for, q.window_seconds;

-- name: NetworkBreakers :many
SELECT * FROM network_breakers WHERE state <> 'closed' OR failures > 0 ORDER BY network;

-- name: AccountBreakers :many
SELECT b.*, a.handle, a.network FROM account_breakers b
JOIN accounts a ON a.workspace_id = b.workspace_id AND a.id = b.account_id
WHERE b.workspace_id = $1 AND (b.state <> 'closed' OR b.failures > 0) ORDER BY a.handle, b.account_id;

-- name: HeldCounts :many
SELECT hold_reason, count(*)::int AS posts FROM posts
WHERE workspace_id = $1 AND state = 'scheduled' AND hold_reason <> '' GROUP BY hold_reason;

-- name: TryNetworkNow :execrows
UPDATE network_breakers SET retry_at = clock_timestamp()
WHERE network = $1 AND state = 'open' AND retry_at > clock_timestamp();

-- name: TryAccountNow :execrows
UPDATE account_breakers SET retry_at = clock_timestamp()
WHERE workspace_id = $1 AND account_id = $2 AND state = 'open' AND retry_at > clock_timestamp();

-- name: OldestHeldByBreaker :one
-- A post of the workspace that can be the probe of a try that a person asks for.
SELECT p.workspace_id, p.id, p.revision, p.correlation_id
FROM posts p JOIN accounts a ON a.workspace_id = p.workspace_id AND a.id = p.account_id
WHERE p.workspace_id = sqlc.arg(workspace_id) AND p.state = 'scheduled' AND p.due_at <= now()
  AND (p.not_before IS NULL OR p.not_before <= clock_timestamp())
  AND p.hold_reason NOT IN ('late_needs_decision', 'content_not_as_approved', 'found_late')
  AND a.network = sqlc.arg(network) AND (sqlc.narg(account_id)::uuid IS NULL OR a.id = sqlc.narg(account_id)::uuid)
ORDER BY p.due_at, p.id LIMIT 1;

-- name: HoldFacts :many
-- What stands behind the holds of these posts: since when, until when, whose word.
SELECT p.id,
       -- The first instant of the calendar is none.
       coalesce(CASE p.hold_reason WHEN 'workspace_paused' THEN w.paused_at WHEN 'network_paused' THEN s.paused_at WHEN 'account_paused' THEN a.paused_at
          WHEN 'network_trouble' THEN nb.failing_since WHEN 'account_trouble' THEN ab.failing_since END, '0001-01-01 00:00:00+00')::timestamptz AS since,
       coalesce(CASE p.hold_reason
          WHEN 'network_trouble' THEN coalesce(nb.probe_until, nb.retry_at) WHEN 'account_trouble' THEN coalesce(ab.probe_until, ab.retry_at)
          WHEN 'rate_limited' THEN greatest(a.limited_until, p.not_before)
          WHEN 'retrying' THEN p.not_before WHEN 'out_of_credit' THEN p.not_before WHEN 'quota_used_up' THEN p.not_before
          WHEN 'catching_up' THEN p.not_before END, '0001-01-01 00:00:00+00')::timestamptz AS until,
       coalesce(s.paused_by_name, '')::text AS by_name,
       (CASE p.hold_reason WHEN 'workspace_paused' THEN w.pause_reason WHEN 'account_paused' THEN a.pause_reason ELSE coalesce(s.reason, '') END)::text AS reason
FROM posts p
JOIN accounts a ON a.workspace_id = p.workspace_id AND a.id = p.account_id
JOIN workspaces w ON w.id = p.workspace_id
LEFT JOIN network_breakers nb ON nb.network = a.network AND nb.state <> 'closed'
LEFT JOIN account_breakers ab ON ab.workspace_id = a.workspace_id AND ab.account_id = a.id AND ab.state <> 'closed'
LEFT JOIN switches s ON s.workspace_id = p.workspace_id
  AND ((p.hold_reason = 'workspace_paused' AND s.kind = 'workspace') OR (p.hold_reason = 'network_paused' AND s.kind = 'network' AND s.subject = a.network)
       OR (p.hold_reason = 'account_paused' AND s.kind = 'account' AND s.account_id = a.id))
WHERE p.workspace_id = sqlc.arg(workspace_id) AND p.id = ANY (sqlc.arg(post_ids)::uuid[]);

-- name: ThrowSwitch :exec
INSERT INTO switches (workspace_id, kind, subject, account_id, reason, paused_at, paused_by_id, paused_by_name)
VALUES (sqlc.arg(workspace_id), sqlc.arg(kind), sqlc.arg(subject), sqlc.arg(account_id), sqlc.arg(reason), clock_timestamp(),
        sqlc.arg(by_id), sqlc.arg(by_name))
ON CONFLICT (workspace_id, kind, subject, account_id) DO UPDATE
SET reason = excluded.reason, paused_at = switches.paused_at, paused_by_id = excluded.paused_by_id, paused_by_name = excluded.paused_by_name;

-- name: LiftSwitch :execrows
DELETE FROM switches WHERE workspace_id = $1 AND kind = $2 AND subject = $3 AND account_id = $4;

-- name: Switches :many
SELECT s.kind, s.subject, s.account_id, s.reason, s.paused_at, s.paused_by_name, coalesce(a.handle, '')::text AS handle
FROM switches s LEFT JOIN accounts a ON a.workspace_id = s.workspace_id AND a.id = s.account_id
WHERE s.workspace_id = $1 ORDER BY s.paused_at;

-- name: AgentSwitch :one
SELECT reason, paused_by_name, account_id FROM switches
WHERE workspace_id = sqlc.arg(workspace_id) AND kind = 'agent' AND subject = sqlc.arg(agent)
  AND account_id IN ('00000000-0000-0000-0000-000000000000', sqlc.arg(account_id)::uuid)
ORDER BY account_id LIMIT 1;

-- name: PauseNetwork :exec
UPDATE workspaces SET paused_networks = array_append(array_remove(paused_networks, sqlc.arg(network)::text), sqlc.arg(network)::text)
WHERE id = sqlc.arg(workspace_id);

-- name: ResumeNetwork :exec
UPDATE workspaces SET paused_networks = array_remove(paused_networks, sqlc.arg(network)::text) WHERE id = sqlc.arg(workspace_id);

-- name: PostponeGeneration :exec
-- Not begun, or left by its worker: it waits until its agent is resumed.
UPDATE generations SET progress = sqlc.arg(progress)
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND state IN ('queued', 'running')
  AND (lease_until IS NULL OR lease_until <= clock_timestamp());

-- name: WaitingGenerations :many
SELECT id, correlation_id FROM generations
WHERE workspace_id = sqlc.arg(workspace_id) AND state IN ('queued', 'running') AND (lease_until IS NULL OR lease_until <= clock_timestamp())
  AND (sqlc.narg(account_id)::uuid IS NULL OR account_id = sqlc.narg(account_id)::uuid)
ORDER BY created_at LIMIT 200;

-- name: WaitingReviews :many
SELECT id, revision, correlation_id FROM posts
WHERE workspace_id = sqlc.arg(workspace_id) AND state = 'in_review'
  AND (sqlc.narg(account_id)::uuid IS NULL OR account_id = sqlc.narg(account_id)::uuid)
ORDER BY updated_at LIMIT 200;
