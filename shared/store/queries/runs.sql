-- name: InsertRun :exec
INSERT INTO runs (workspace_id, id, account_id, generation_id, post_id, agent, model, simulated, prompt_name, prompt_version,
                  input_tokens, cached_tokens, output_tokens, cost_micro_usd, outcome, problem, started_at, finished_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);

-- name: ListRuns :many
-- A post's runs are its own and those of the generation it came from.
SELECT * FROM runs r
WHERE r.workspace_id = sqlc.arg(workspace_id)
  AND (sqlc.narg(account_id)::uuid IS NULL OR r.account_id = sqlc.narg(account_id))
  AND (sqlc.narg(post_id)::uuid IS NULL OR r.post_id = sqlc.narg(post_id)
       OR (r.post_id IS NULL AND r.generation_id = (
             SELECT p.generation_id FROM posts p WHERE p.workspace_id = sqlc.arg(workspace_id) AND p.id = sqlc.narg(post_id))))
  AND (sqlc.narg(before)::uuid IS NULL OR r.id < sqlc.narg(before))
ORDER BY r.id DESC LIMIT sqlc.arg(max_rows);

-- name: BudgetOf :one
SELECT budget_micro_usd FROM workspaces WHERE id = $1;

-- name: LockBudget :exec
-- One reservation at a time in a workspace. Not its row: that would make the
-- sender's intents wait for agents.
SELECT pg_advisory_xact_lock(hashtextextended(sqlc.arg(workspace_id)::uuid::text, 7236113));

-- name: MonthSpend :one
-- A calendar month in UTC, with what calls under way may still cost.
SELECT (coalesce((SELECT sum(r.cost_micro_usd) FROM runs r
                  WHERE r.workspace_id = $1 AND r.started_at >= date_trunc('month', clock_timestamp())), 0)
        + coalesce((SELECT sum(h.micro_usd) FROM spend_reservations h
                    WHERE h.workspace_id = $1 AND h.created_at >= date_trunc('month', clock_timestamp())), 0))::bigint AS micro_usd;

-- name: InsertReservation :exec
INSERT INTO spend_reservations (workspace_id, id, account_id, micro_usd, created_at) VALUES ($1, $2, $3, $4, clock_timestamp());

-- name: DeleteReservation :exec
DELETE FROM spend_reservations WHERE workspace_id = $1 AND id = $2;
