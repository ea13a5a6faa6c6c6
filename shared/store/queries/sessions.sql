-- name: PersonByEmail :one
SELECT id, email, name, password_hash, disabled_at, failed_sign_ins,
       coalesce(extract(epoch FROM locked_until - clock_timestamp()), 0)::float8 AS locked_seconds
FROM people WHERE email = $1;

-- name: MembershipsOfPerson :many
SELECT m.workspace_id, m.role FROM members m WHERE m.person_id = $1 ORDER BY m.created_at, m.workspace_id;

-- name: SignInFailed :one
-- Counted in the database, so that guesses spread over many processes count as
-- one row of guesses.
UPDATE people
SET failed_sign_ins = CASE WHEN failed_sign_ins + 1 >= sqlc.arg(most)::int THEN 0 ELSE failed_sign_ins + 1 END,
    locked_until = CASE WHEN failed_sign_ins + 1 >= sqlc.arg(most)::int
                        THEN clock_timestamp() + make_interval(secs => sqlc.arg(lock_seconds)::float8) ELSE locked_until END
WHERE id = sqlc.arg(id)
RETURNING coalesce(extract(epoch FROM locked_until - clock_timestamp()), 0)::float8 AS locked_seconds;

-- name: SignInWorked :exec
UPDATE people SET failed_sign_ins = 0, locked_until = NULL WHERE id = $1 AND (failed_sign_ins > 0 OR locked_until IS NOT NULL);

-- name: InsertSession :exec
INSERT INTO sessions (id, workspace_id, person_id, token_hash, created_at, expires_at, last_seen_at)
VALUES (sqlc.arg(id), sqlc.arg(workspace_id), sqlc.arg(person_id), sqlc.arg(token_hash), clock_timestamp(),
        clock_timestamp() + make_interval(secs => sqlc.arg(keep_seconds)::float8), clock_timestamp());

-- name: SessionByHash :one
SELECT s.id, s.workspace_id, s.person_id, p.email, p.name,
       (s.last_seen_at < clock_timestamp() - interval '5 minutes')::boolean AS seen_long_ago
FROM sessions s JOIN people p ON p.id = s.person_id
WHERE s.token_hash = $1 AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp() AND p.disabled_at IS NULL;

-- name: MemberWithWorkspace :one
SELECT m.role, w.name, w.paused_at, w.pause_reason
FROM members m JOIN workspaces w ON w.id = m.workspace_id
WHERE m.workspace_id = $1 AND m.person_id = $2;

-- name: TouchSession :exec
UPDATE sessions SET last_seen_at = clock_timestamp() WHERE id = $1;

-- name: RevokeSession :execrows
UPDATE sessions SET revoked_at = clock_timestamp() WHERE id = $1 AND revoked_at IS NULL;

-- name: PauseWorkspace :execrows
UPDATE workspaces SET paused_at = coalesce(paused_at, clock_timestamp()), pause_reason = $2 WHERE id = $1;

-- name: ResumeWorkspace :execrows
UPDATE workspaces SET paused_at = NULL, pause_reason = '' WHERE id = $1;

-- name: InsertWorkspace :exec
INSERT INTO workspaces (id, name, created_at) VALUES ($1, $2, clock_timestamp());

-- name: InsertPerson :exec
INSERT INTO people (id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, clock_timestamp());

-- name: InsertMember :exec
INSERT INTO members (workspace_id, person_id, role, created_at) VALUES ($1, $2, $3, clock_timestamp());
