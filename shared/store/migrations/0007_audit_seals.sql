-- +goose Up
-- The audit log as a chain: each event gets a seal, a hash over the event's row
-- and over the seal before it. One chain for the whole installation, since a
-- workspace that vanishes with its chain would leave nothing behind that could
-- tell (infra/decisions/0010). There is no foreign key to audit_events: a seal
-- must be able to say what was there when the event is gone.
CREATE TABLE audit_seals (
  position     bigint PRIMARY KEY CHECK (position > 0),
  event_seq    bigint NOT NULL UNIQUE,
  event_id     uuid NOT NULL,
  workspace_id uuid NOT NULL,
  digest       bytea NOT NULL CHECK (length(digest) = 32),
  sealed_at    timestamptz NOT NULL
);

-- Where the sealer looks. Every event up to low_seq that can exist is sealed;
-- next_seq and next_xid are the mark that low_seq moves to once each transaction
-- that was running when it was set has ended. The one row is the sealer's lock.
CREATE TABLE audit_sealer (
  id        int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  low_seq   bigint NOT NULL DEFAULT 0,
  next_seq  bigint NOT NULL DEFAULT 0,
  next_xid  xid8 NOT NULL DEFAULT '0',
  next_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- What the last check of the chain found.
  verified_at       timestamptz,
  verified_position bigint NOT NULL DEFAULT 0,
  verified_intact   boolean NOT NULL DEFAULT false
);
INSERT INTO audit_sealer DEFAULT VALUES;

CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE ON audit_seals FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_seals_no_truncate BEFORE TRUNCATE ON audit_seals EXECUTE FUNCTION refuse_change();

ALTER TABLE audit_seals ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_seals FORCE ROW LEVEL SECURITY;
-- +goose StatementBegin
DO $$
BEGIN
  EXECUTE format('CREATE POLICY owner_all ON audit_seals TO %I USING (true)', current_user);
END $$;
-- +goose StatementEnd
CREATE POLICY workspace_only ON audit_seals TO rostrum_api USING (workspace_id = app_workspace());
CREATE POLICY worker_all ON audit_seals TO rostrum_worker USING (true);
GRANT SELECT ON audit_seals TO rostrum_api;
GRANT SELECT, INSERT ON audit_seals TO rostrum_worker;
GRANT SELECT (low_seq, verified_at, verified_position, verified_intact) ON audit_sealer TO rostrum_api;
GRANT SELECT, UPDATE ON audit_sealer TO rostrum_worker;

-- +goose Down
-- Never taken down: the chain would end.
SELECT 1;
