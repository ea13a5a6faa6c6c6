-- +goose Up
-- The newest post of an account that we know, read before every sending: without
-- this each publication reads all that the account ever published.
CREATE INDEX attempts_newest ON attempts (workspace_id, account_id, finished_at DESC) WHERE state = 'accepted';

-- +goose Down
DROP INDEX attempts_newest;
