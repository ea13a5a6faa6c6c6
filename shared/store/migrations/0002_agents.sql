-- +goose Up
-- What the agents need beyond the spine: a generation for one idea, money held
-- back before a call, and the indexes of their lists.

-- A generation asked for from an idea drafts that one and looks for no others.
ALTER TABLE generations ADD COLUMN idea_id uuid;
ALTER TABLE generations ADD CONSTRAINT generations_idea_fkey
  FOREIGN KEY (workspace_id, idea_id) REFERENCES ideas (workspace_id, id);
-- When the next try may start.
ALTER TABLE generations ADD COLUMN not_before timestamptz;

-- The most a call can cost is held back before it is made and given up with
-- its run. A row whose worker died stays: what was not settled may have been
-- spent, and counts until a person looks.
CREATE TABLE spend_reservations (
  workspace_id uuid NOT NULL REFERENCES workspaces (id),
  id           uuid NOT NULL,
  account_id   uuid,
  micro_usd    bigint NOT NULL CHECK (micro_usd >= 0),
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, account_id) REFERENCES accounts (workspace_id, id)
);

CREATE INDEX sources_by_account ON sources (workspace_id, account_id, id);
CREATE INDEX source_items_by_account ON source_items (workspace_id, account_id, fetched_at DESC);
CREATE INDEX generations_by_account ON generations (workspace_id, account_id, id DESC);
CREATE INDEX generations_unfinished ON generations (created_at) WHERE state IN ('queued', 'running');
CREATE INDEX ideas_by_account ON ideas (workspace_id, account_id, id DESC);
CREATE INDEX ideas_by_item ON ideas (workspace_id, source_item_id);
CREATE INDEX ideas_by_generation ON ideas (workspace_id, generation_id);
CREATE INDEX posts_by_idea ON posts (workspace_id, idea_id) WHERE idea_id IS NOT NULL;
CREATE INDEX posts_by_generation ON posts (workspace_id, generation_id) WHERE generation_id IS NOT NULL;
CREATE INDEX posts_in_review ON posts (updated_at) WHERE state = 'in_review';
CREATE INDEX runs_by_account ON runs (workspace_id, account_id, id DESC);
CREATE INDEX runs_by_post ON runs (workspace_id, post_id, id DESC);

ALTER TABLE spend_reservations ENABLE ROW LEVEL SECURITY;
ALTER TABLE spend_reservations FORCE ROW LEVEL SECURITY;
-- +goose StatementBegin
DO $$
BEGIN
  EXECUTE format('CREATE POLICY owner_all ON spend_reservations TO %I USING (true)', current_user);
END $$;
-- +goose StatementEnd
CREATE POLICY workspace_only ON spend_reservations TO rostrum_api USING (workspace_id = app_workspace());
CREATE POLICY worker_all ON spend_reservations TO rostrum_worker USING (true);
GRANT SELECT ON spend_reservations TO rostrum_api;
GRANT SELECT, INSERT, DELETE ON spend_reservations TO rostrum_worker;

-- +goose Down
-- Never taken down: see 0001.
SELECT 1;
