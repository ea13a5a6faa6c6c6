-- name: TakeStock :one
-- What somebody may have to look after, over all workspaces. Each count goes by
-- a partial index that holds little else. A breaker that nothing waits behind is
-- of no interest: it closes with its account's next post.
SELECT held.n::bigint AS held,
       unknown.n::bigint AS unknown, unknown.age_seconds::float8 AS unknown_age_seconds,
       unknown.waiting::bigint AS need_person, unknown.wait_seconds::float8 AS need_person_age_seconds,
       ((SELECT count(*) FROM network_breakers b
         WHERE b.state <> 'closed' AND EXISTS (
           SELECT FROM posts p JOIN accounts a ON a.workspace_id = p.workspace_id AND a.id = p.account_id
           WHERE p.state = 'scheduled' AND p.due_at < now() AND p.hold_reason <> '' AND a.network = b.network))
        + (SELECT count(*) FROM account_breakers b
           WHERE b.state <> 'closed' AND EXISTS (
             SELECT FROM posts p
             WHERE p.state = 'scheduled' AND p.due_at < now() AND p.hold_reason <> ''
               AND p.workspace_id = b.workspace_id AND p.account_id = b.account_id)))::bigint AS breakers_open
FROM (SELECT count(*) AS n FROM posts WHERE state = 'scheduled' AND due_at < now() AND hold_reason <> '') held,
     (SELECT count(DISTINCT p.id) AS n, coalesce(extract(epoch FROM now() - min(t.started_at)), 0) AS age_seconds,
             count(DISTINCT p.id) FILTER (WHERE p.needs_person_at IS NOT NULL) AS waiting,
             coalesce(extract(epoch FROM now() - min(p.needs_person_at)), 0) AS wait_seconds
      FROM posts p
      LEFT JOIN attempts t ON t.workspace_id = p.workspace_id AND t.post_id = p.id AND t.state = 'unknown'
      WHERE p.state = 'unknown') unknown;
