-- +goose Up
-- Networks that publish in two steps: what lies ready there for a part, and
-- which attempt was to show it.

-- One row for each part: the newest of what was staged for it.
CREATE TABLE network_stages (
  workspace_id uuid NOT NULL,
  post_id      uuid NOT NULL,
  part         int NOT NULL CHECK (part >= 0),
  -- What it is of: another text or image is staged anew.
  content_hash text NOT NULL,
  -- The network's id of it; empty once it proved to be of no use.
  remote_id    text NOT NULL,
  -- How often it was staged.
  tries        int NOT NULL CHECK (tries >= 0),
  staged_at    timestamptz NOT NULL,
  -- When the network said that it can be published.
  ready_at     timestamptz,
  expires_at   timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, post_id, part),
  FOREIGN KEY (workspace_id, post_id) REFERENCES posts (workspace_id, id)
);

-- What an attempt was to show. It outlives its row above: as long as the
-- attempt is not settled, it alone tells what may be public.
CREATE TABLE attempt_stages (
  workspace_id uuid NOT NULL,
  attempt_id   uuid NOT NULL,
  post_id      uuid NOT NULL,
  remote_id    text NOT NULL CHECK (remote_id <> ''),
  staged_at    timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, attempt_id),
  FOREIGN KEY (workspace_id, attempt_id) REFERENCES attempts (workspace_id, id),
  FOREIGN KEY (workspace_id, post_id) REFERENCES posts (workspace_id, id)
);
CREATE INDEX attempt_stages_by_post ON attempt_stages (workspace_id, post_id);

-- +goose StatementBegin
DO $$
DECLARE
  t text;
BEGIN
  -- Senders alone know them.
  FOREACH t IN ARRAY ARRAY['network_stages', 'attempt_stages'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true)', t, current_user);
    EXECUTE format('CREATE POLICY worker_all ON %I TO rostrum_worker USING (true)', t);
  END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT, INSERT, UPDATE ON network_stages TO rostrum_worker;
GRANT SELECT, INSERT ON attempt_stages TO rostrum_worker;

-- +goose Down
-- Never taken down: see 0001.
SELECT 1;
