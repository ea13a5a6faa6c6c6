-- name: SendingViews :many
-- All that a sender needs to know of each of these posts, read without a lock.
SELECT sqlc.embed(p), sqlc.embed(v),
       a.network, a.handle, a.remote_id, a.status AS account_status,
       coalesce(ap.content_hash, '') AS approved_hash,
       coalesce(ap.version_id, '00000000-0000-0000-0000-000000000000'::uuid)::uuid AS approved_version_id,
       coalesce((extract(epoch FROM greatest(p.due_at, p.not_before) - clock_timestamp()) * 1000000)::bigint, 0)::bigint AS due_in_us,
       (p.lease_until IS NOT NULL AND p.lease_until > clock_timestamp())::boolean AS lease_live,
       clock_timestamp()::timestamptz AS now,
       -- Reading back starts behind the newest post of the account that we know.
       coalesce((SELECT t.remote_id FROM attempts t
                 WHERE t.workspace_id = p.workspace_id AND t.account_id = p.account_id AND t.state = 'accepted'
                 ORDER BY t.finished_at DESC LIMIT 1), '')::text AS since_id
FROM (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(post_ids)::uuid[]) AS post_id) i
JOIN posts p ON p.workspace_id = i.workspace_id AND p.id = i.post_id
JOIN versions v ON v.workspace_id = p.workspace_id AND v.id = p.version_id
JOIN accounts a ON a.workspace_id = p.workspace_id AND a.id = p.account_id
LEFT JOIN approvals ap ON ap.workspace_id = p.workspace_id AND ap.post_id = p.id AND ap.revoked_at IS NULL;

-- name: AttemptsOfPosts :many
SELECT t.* FROM (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(post_ids)::uuid[]) AS post_id) i
JOIN attempts t ON t.workspace_id = i.workspace_id AND t.post_id = i.post_id
ORDER BY t.post_id, t.part, t.number;

-- The locks of intents and results, in the order in which every writer takes
-- them: workspaces, accounts, posts, attempts, each by id. Workspace and account
-- are shared, so that a pause either committed before and is seen, or waits for
-- us; the post is for us alone. What is judged is read by a statement after
-- these, whose snapshot holds whatever committed while we waited.

-- name: LockWorkspaces :exec
SELECT w.id FROM workspaces w WHERE w.id = ANY (sqlc.arg(ids)::uuid[]) ORDER BY w.id FOR SHARE;

-- name: LockAccounts :exec
SELECT a.id FROM (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(account_ids)::uuid[]) AS account_id) i
JOIN accounts a ON a.workspace_id = i.workspace_id AND a.id = i.account_id
ORDER BY a.workspace_id, a.id FOR SHARE OF a;

-- name: LockAccountsToChange :exec
SELECT a.id FROM (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(account_ids)::uuid[]) AS account_id) i
JOIN accounts a ON a.workspace_id = i.workspace_id AND a.id = i.account_id
ORDER BY a.workspace_id, a.id FOR NO KEY UPDATE OF a;

-- name: LockPosts :many
SELECT p.id, p.state, p.attempt_no
FROM (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(post_ids)::uuid[]) AS post_id) i
JOIN posts p ON p.workspace_id = i.workspace_id AND p.id = i.post_id
ORDER BY p.workspace_id, p.id FOR UPDATE OF p;

-- name: JudgeIntents :many
SELECT i.n::int AS n, p.state, p.revision, p.attempt_no, p.correlation_id,
       w.paused_at, w.paused_networks, a.network, a.status, a.paused_at AS account_paused_at,
       coalesce(a.limited_until > clock_timestamp(), false)::boolean AS limited, a.catch_up, a.catch_up_within_seconds,
       -- Compared by the server at full precision: never early, not by a microsecond.
       coalesce(greatest(p.due_at, p.not_before) > clock_timestamp(), true)::boolean AS early,
       coalesce((extract(epoch FROM greatest(p.due_at, p.not_before) - clock_timestamp()) * 1000000)::bigint, 0)::bigint AS due_in_us,
       coalesce((extract(epoch FROM clock_timestamp() - p.due_at) * 1000)::bigint, 0)::bigint AS late_ms,
       clock_timestamp()::timestamptz AS now,
       coalesce((SELECT ap.content_hash FROM approvals ap
                 WHERE ap.workspace_id = p.workspace_id AND ap.post_id = p.id AND ap.revoked_at IS NULL
                   AND ap.version_id = p.version_id), '')::text AS approved_hash,
       t.live_attempts, t.accepted_parts, t.part_attempts, t.own_attempt
FROM (SELECT unnest(sqlc.arg(numbers)::int[]) AS n, unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id,
             unnest(sqlc.arg(account_ids)::uuid[]) AS account_id, unnest(sqlc.arg(post_ids)::uuid[]) AS post_id,
             unnest(sqlc.arg(parts)::int[]) AS part, unnest(sqlc.arg(attempt_ids)::uuid[]) AS attempt_id) i
JOIN workspaces w ON w.id = i.workspace_id
JOIN accounts a ON a.workspace_id = i.workspace_id AND a.id = i.account_id
JOIN posts p ON p.workspace_id = i.workspace_id AND p.id = i.post_id
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE s.part = i.part AND s.state IN ('sending', 'unknown', 'accepted')) AS live_attempts,
         count(*) FILTER (WHERE s.state = 'accepted') AS accepted_parts,
         count(*) FILTER (WHERE s.part = i.part) AS part_attempts,
         coalesce(max(s.state) FILTER (WHERE s.id = i.attempt_id), '')::text AS own_attempt
  FROM attempts s WHERE s.workspace_id = p.workspace_id AND s.post_id = p.id
) t;

-- name: LockPostRow :one
-- The post's row: every writer takes locks in the order workspace, account,
-- post, attempt.
SELECT id FROM posts WHERE workspace_id = $1 AND id = $2 FOR UPDATE;

-- name: BeginAttempts :many
WITH i AS (
  SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(post_ids)::uuid[]) AS post_id,
         unnest(sqlc.arg(account_ids)::uuid[]) AS account_id, unnest(sqlc.arg(attempt_ids)::uuid[]) AS attempt_id,
         unnest(sqlc.arg(revisions)::bigint[]) AS revision, unnest(sqlc.arg(parts)::int[]) AS part, unnest(sqlc.arg(numbers)::int[]) AS number,
         unnest(sqlc.arg(fingerprints)::text[]) AS fingerprint, unnest(sqlc.arg(since_ids)::text[]) AS since_id,
         unnest(sqlc.arg(reply_tos)::text[]) AS reply_to, unnest(sqlc.arg(lease_seconds)::float8[]) AS lease_seconds
), begun AS (
  UPDATE posts p
  SET state = 'sending', attempt_no = p.attempt_no + 1, etag = p.etag + 1, updated_at = clock_timestamp(),
      lease_until = clock_timestamp() + make_interval(secs => i.lease_seconds),
      hold_reason = '', not_before = NULL, needs_person_at = NULL, reconcile_at = NULL, failure_code = '', failure_detail = ''
  FROM i
  WHERE p.workspace_id = i.workspace_id AND p.id = i.post_id
  RETURNING p.workspace_id, p.id, p.attempt_no
), recorded AS (
  INSERT INTO attempts (workspace_id, id, post_id, account_id, revision, part, number, state, fingerprint, since_id, reply_to, started_at)
  SELECT i.workspace_id, i.attempt_id, i.post_id, i.account_id, i.revision, i.part, i.number, 'sending', i.fingerprint, i.since_id, i.reply_to,
         clock_timestamp()
  FROM i
)
SELECT begun.id, begun.attempt_no FROM begun;

-- name: AttemptByID :one
SELECT * FROM attempts WHERE workspace_id = $1 AND id = $2;

-- name: SettleAttempt :execrows
UPDATE attempts
SET state = sqlc.arg(to_state), finished_at = coalesce(finished_at, sqlc.narg(finished_at), clock_timestamp()), remote_id = sqlc.narg(remote_id),
    remote_url = sqlc.arg(remote_url), code = sqlc.arg(code), detail = sqlc.arg(detail), request_id = sqlc.arg(request_id),
    settled_by = sqlc.arg(settled_by)
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND state = ANY (sqlc.arg(from_states)::text[]);

-- name: SettleAccepted :many
UPDATE attempts t
SET state = 'accepted', finished_at = coalesce(t.finished_at, i.finished_at), remote_id = i.remote_id, remote_url = i.remote_url,
    code = i.code, detail = i.detail, request_id = i.request_id, settled_by = ''
FROM (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(attempt_ids)::uuid[]) AS attempt_id,
             unnest(sqlc.arg(finished_ats)::timestamptz[]) AS finished_at, unnest(sqlc.arg(remote_ids)::text[]) AS remote_id,
             unnest(sqlc.arg(remote_urls)::text[]) AS remote_url, unnest(sqlc.arg(codes)::text[]) AS code,
             unnest(sqlc.arg(details)::text[]) AS detail, unnest(sqlc.arg(request_ids)::text[]) AS request_id) i
WHERE t.workspace_id = i.workspace_id AND t.id = i.attempt_id AND t.state IN ('sending', 'unknown')
RETURNING t.id;

-- name: FinishPosts :execrows
-- The lateness is the acceptance of the first part, as near as we can see it, minus due.
UPDATE posts p
SET state = 'published', published_at = i.published_at,
    lateness_ms = round(extract(epoch FROM coalesce(f.finished_at, f.started_at) - p.due_at) * 1000)::bigint,
    remote_url = f.remote_url, etag = etag + 1, updated_at = clock_timestamp(), lease_until = NULL,
    hold_reason = '', needs_person_at = NULL, reconcile_at = NULL, not_before = NULL, failure_code = '', failure_detail = ''
FROM (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(post_ids)::uuid[]) AS post_id,
             unnest(sqlc.arg(published_ats)::timestamptz[]) AS published_at) i
JOIN attempts f ON f.workspace_id = i.workspace_id AND f.post_id = i.post_id AND f.part = 0 AND f.state = 'accepted'
WHERE p.workspace_id = i.workspace_id AND p.id = i.post_id;

-- name: RenewLeases :exec
UPDATE posts p
SET state = 'sending', lease_until = clock_timestamp() + make_interval(secs => sqlc.arg(lease_seconds)::float8), etag = etag + 1,
    updated_at = clock_timestamp(), reconcile_at = NULL
FROM (SELECT unnest(sqlc.arg(workspace_ids)::uuid[]) AS workspace_id, unnest(sqlc.arg(post_ids)::uuid[]) AS post_id) i
WHERE p.workspace_id = i.workspace_id AND p.id = i.post_id;

-- name: BackToScheduled :one
-- Nothing is in flight and something is left to send. dispatched_revision is
-- set: the caller writes the message in the same transaction.
UPDATE posts
SET state = 'scheduled', lease_until = NULL, etag = etag + 1, updated_at = clock_timestamp(), reconcile_at = NULL,
    not_before = clock_timestamp() + make_interval(secs => sqlc.arg(wait_seconds)::float8),
    hold_reason = sqlc.arg(hold_reason), needs_person_at = CASE WHEN sqlc.arg(needs_person)::boolean THEN clock_timestamp() END,
    dispatched_revision = revision, dispatched_at = clock_timestamp(),
    failure_code = sqlc.arg(failure_code), failure_detail = sqlc.arg(failure_detail)
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id)
RETURNING not_before::timestamptz;

-- name: FailPost :exec
UPDATE posts
SET state = 'failed', lease_until = NULL, etag = etag + 1, updated_at = clock_timestamp(), needs_person_at = clock_timestamp(),
    hold_reason = '', reconcile_at = NULL, not_before = NULL, failure_code = sqlc.arg(failure_code), failure_detail = sqlc.arg(failure_detail)
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id);

-- name: PostBecomesUnknown :one
UPDATE posts
SET state = 'unknown', lease_until = NULL, etag = etag + 1, updated_at = clock_timestamp(), reconcile_tries = 0, clean_reads = 0,
    reconcile_at = clock_timestamp() + make_interval(secs => sqlc.arg(wait_seconds)::float8),
    failure_code = sqlc.arg(failure_code), failure_detail = sqlc.arg(failure_detail)
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id)
RETURNING reconcile_at::timestamptz;

-- name: HoldPost :exec
UPDATE posts
SET hold_reason = sqlc.arg(hold_reason), etag = etag + 1, updated_at = clock_timestamp(),
    needs_person_at = CASE WHEN sqlc.arg(needs_person)::boolean THEN coalesce(needs_person_at, clock_timestamp()) ELSE needs_person_at END
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND hold_reason <> sqlc.arg(hold_reason);

-- name: MissPost :exec
UPDATE posts SET state = 'missed', etag = etag + 1, updated_at = clock_timestamp(), hold_reason = '', needs_person_at = clock_timestamp()
WHERE workspace_id = $1 AND id = $2 AND state = 'scheduled';

-- name: LimitAccount :exec
UPDATE accounts SET limited_until = clock_timestamp() + make_interval(secs => sqlc.arg(wait_seconds)::float8), updated_at = clock_timestamp()
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id)
  AND (limited_until IS NULL OR limited_until < clock_timestamp() + make_interval(secs => sqlc.arg(wait_seconds)::float8));

-- name: AccountNeedsReauth :execrows
UPDATE accounts SET status = 'reauth_needed', etag = etag + 1, updated_at = clock_timestamp()
WHERE workspace_id = $1 AND id = $2 AND status = 'connected';


-- name: DispatchPost :one
UPDATE posts p SET dispatched_revision = revision, dispatched_at = clock_timestamp()
WHERE p.workspace_id = $1 AND p.id = $2 AND p.state = 'scheduled'
RETURNING p.revision, p.correlation_id, greatest(p.due_at, p.not_before)::timestamptz AS send_at,
          EXISTS (SELECT 1 FROM version_media m WHERE m.workspace_id = p.workspace_id AND m.version_id = p.version_id)::boolean AS illustrated;

-- name: ClaimReconcile :one
-- The next look is pushed away first, so that two messages do not read at once.
UPDATE posts
SET reconcile_at = clock_timestamp() + make_interval(secs => sqlc.arg(lease_seconds)::float8), reconcile_tries = reconcile_tries + 1
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND state = 'unknown'
  AND reconcile_at <= clock_timestamp() + interval '1 second'
RETURNING reconcile_tries, clean_reads, correlation_id, needs_person_at;

-- name: NextReconcile :exec
UPDATE posts
SET reconcile_at = clock_timestamp() + make_interval(secs => sqlc.arg(wait_seconds)::float8), clean_reads = sqlc.arg(clean_reads),
    failure_detail = sqlc.arg(failure_detail), etag = etag + 1, updated_at = clock_timestamp(),
    needs_person_at = CASE WHEN sqlc.arg(needs_person)::boolean THEN coalesce(needs_person_at, clock_timestamp()) ELSE needs_person_at END
WHERE workspace_id = sqlc.arg(workspace_id) AND id = sqlc.arg(id) AND state = 'unknown';

-- name: OwnedRemoteIDs :many
-- Which of these the account's other deliveries already own: the same text
-- posted twice on purpose must not be taken for one post.
SELECT remote_id::text FROM attempts
WHERE workspace_id = $1 AND account_id = $2 AND remote_id = ANY (sqlc.arg(remote_ids)::text[]);

-- name: LiveAttempt :one
SELECT * FROM attempts WHERE workspace_id = $1 AND post_id = $2 AND state IN ('sending', 'unknown')
ORDER BY part DESC LIMIT 1;
