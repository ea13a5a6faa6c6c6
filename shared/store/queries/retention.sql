-- name: DeleteExpiredIdempotencyKeys :execrows
DELETE FROM idempotency_keys WHERE expires_at < now();

-- name: DeleteExpiredOAuthStates :execrows
DELETE FROM oauth_states WHERE expires_at < now() - interval '1 day';

-- name: DeleteExpiredSessions :execrows
-- Kept for a week after their end, for questions.
DELETE FROM sessions WHERE expires_at < now() - interval '7 days';
