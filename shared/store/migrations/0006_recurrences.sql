-- +goose Up
-- Posts that repeat: a rule on the wall clock of a zone, and the posts made of
-- it ahead of time. Each occurrence becomes a post once, whoever is at it.
CREATE TABLE recurrences (
  workspace_id uuid NOT NULL REFERENCES workspaces (id),
  id           uuid NOT NULL,
  account_id   uuid NOT NULL,
  -- As in versions: {"parts":[{"text":"…"}]}.
  content      jsonb NOT NULL,
  -- An RRULE without DTSTART, the wall clock it counts from, and the zone.
  rule         text NOT NULL CHECK (length(rule) BETWEEN 1 AND 300),
  start_local  text NOT NULL,
  zone         text NOT NULL,
  note         text NOT NULL DEFAULT '',
  state        text NOT NULL CHECK (state IN ('active', 'paused', 'ended')),
  -- The first occurrence that no post was made of; null when none is left.
  next_at      timestamptz,
  etag         bigint NOT NULL DEFAULT 1,
  -- Who wrote it is the author of its posts.
  actor_kind   text NOT NULL,
  actor_id     uuid NOT NULL,
  actor_name   text NOT NULL,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  removed_at   timestamptz,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, account_id) REFERENCES accounts (workspace_id, id),
  CHECK (state <> 'active' OR next_at IS NOT NULL)
);
CREATE INDEX recurrences_due ON recurrences (next_at, id) WHERE state = 'active' AND removed_at IS NULL;
CREATE INDEX recurrences_by_account ON recurrences (workspace_id, account_id, id DESC) WHERE removed_at IS NULL;

-- occurrence_local is the wall clock by the rule, which stays what it is when
-- the post is moved or the zone changes; null when the rule no longer holds it.
ALTER TABLE posts ADD COLUMN recurrence_id uuid;
ALTER TABLE posts ADD COLUMN occurrence_local text;
ALTER TABLE posts ADD CONSTRAINT posts_recurrence_fkey
  FOREIGN KEY (workspace_id, recurrence_id) REFERENCES recurrences (workspace_id, id);
ALTER TABLE posts ADD CONSTRAINT posts_occurrence_whole CHECK (occurrence_local IS NULL OR recurrence_id IS NOT NULL);
CREATE UNIQUE INDEX posts_occurrence ON posts (workspace_id, recurrence_id, occurrence_local) WHERE recurrence_id IS NOT NULL;

-- The zone of the browser that connects an account: a new one begins in it.
ALTER TABLE oauth_states ADD COLUMN time_zone text NOT NULL DEFAULT '';

ALTER TABLE recurrences ENABLE ROW LEVEL SECURITY;
ALTER TABLE recurrences FORCE ROW LEVEL SECURITY;
-- +goose StatementBegin
DO $$
BEGIN
  EXECUTE format('CREATE POLICY owner_all ON recurrences TO %I USING (true)', current_user);
END $$;
-- +goose StatementEnd
CREATE POLICY workspace_only ON recurrences TO rostrum_api USING (workspace_id = app_workspace());
CREATE POLICY worker_all ON recurrences TO rostrum_worker USING (true);
GRANT SELECT, INSERT, UPDATE ON recurrences TO rostrum_api;
GRANT SELECT, UPDATE ON recurrences TO rostrum_worker;

-- +goose Down
-- Never taken down: see 0001.
SELECT 1;
