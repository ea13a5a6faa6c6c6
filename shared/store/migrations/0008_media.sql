-- +goose Up
-- Images: what was uploaded, and which versions show it.

CREATE TABLE media (
  workspace_id uuid NOT NULL REFERENCES workspaces (id),
  id           uuid NOT NULL,
  -- uploading: somebody may put the file; ready: it was looked at and kept;
  -- removed: it may be used no more, and its file is on its way out.
  state        text NOT NULL CHECK (state IN ('uploading', 'ready', 'removed')),
  -- As its owner's machine calls it; for people only.
  name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  -- What was announced, and once it is ready what it really is.
  type         text NOT NULL,
  bytes        bigint NOT NULL CHECK (bytes > 0),
  -- The SHA-256 of the kept file, hexadecimal behind "sha256:".
  digest       text CHECK (digest ~ '^sha256:[0-9a-f]{64}$'),
  width        int CHECK (width > 0),
  height       int CHECK (height > 0),
  actor_kind   text NOT NULL,
  actor_id     uuid NOT NULL,
  actor_name   text NOT NULL,
  created_at   timestamptz NOT NULL,
  ready_at     timestamptz,
  PRIMARY KEY (workspace_id, id),
  CHECK (state <> 'ready' OR (digest IS NOT NULL AND width IS NOT NULL AND height IS NOT NULL AND ready_at IS NOT NULL))
);
CREATE INDEX media_by_age ON media (created_at) WHERE state <> 'ready';
CREATE INDEX media_ready ON media (workspace_id, id DESC) WHERE state = 'ready';

-- What a version's content names, so that no row and no file goes that a
-- version still shows. Whose version it is, no other workspace can show it.
CREATE TABLE version_media (
  workspace_id uuid NOT NULL,
  version_id   uuid NOT NULL,
  media_id     uuid NOT NULL,
  PRIMARY KEY (workspace_id, version_id, media_id),
  FOREIGN KEY (workspace_id, version_id) REFERENCES versions (workspace_id, id),
  FOREIGN KEY (workspace_id, media_id) REFERENCES media (workspace_id, id)
);
CREATE INDEX version_media_by_media ON version_media (workspace_id, media_id);

-- What was uploaded to a network for one part; nobody sees it until a post
-- names it. A repeat uses it again while it lives there.
CREATE TABLE network_media (
  workspace_id uuid NOT NULL,
  post_id      uuid NOT NULL,
  part         int NOT NULL CHECK (part >= 0),
  position     int NOT NULL CHECK (position >= 0),
  -- What it is of: another image, or another alt text, is uploaded anew.
  digest       text NOT NULL,
  alt          text NOT NULL,
  remote_id    text NOT NULL,
  expires_at   timestamptz NOT NULL,
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, post_id, part, position),
  FOREIGN KEY (workspace_id, post_id) REFERENCES posts (workspace_id, id)
);

-- A kept file is what an approval saw: it never changes.
-- +goose StatementBegin
CREATE FUNCTION media_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'removed' AND NEW.state <> 'removed' OR OLD.state = 'ready' AND (NEW.state = 'uploading'
     OR NEW.digest IS DISTINCT FROM OLD.digest OR NEW.type <> OLD.type OR NEW.bytes <> OLD.bytes) THEN
    RAISE EXCEPTION 'media % is kept as it is', OLD.id USING ERRCODE = 'RS003';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER media_guard BEFORE UPDATE ON media FOR EACH ROW EXECUTE FUNCTION media_guard();

-- +goose StatementBegin
DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['media', 'version_media'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true)', t, current_user);
    EXECUTE format('CREATE POLICY workspace_only ON %I TO rostrum_api USING (workspace_id = app_workspace())', t);
    EXECUTE format('CREATE POLICY worker_all ON %I TO rostrum_worker USING (true)', t);
  END LOOP;
  -- Senders alone know it.
  EXECUTE 'ALTER TABLE network_media ENABLE ROW LEVEL SECURITY';
  EXECUTE 'ALTER TABLE network_media FORCE ROW LEVEL SECURITY';
  EXECUTE format('CREATE POLICY owner_all ON network_media TO %I USING (true)', current_user);
  EXECUTE 'CREATE POLICY worker_all ON network_media TO rostrum_worker USING (true)';
END $$;
-- +goose StatementEnd
GRANT SELECT, INSERT, UPDATE ON media TO rostrum_api;
GRANT SELECT, UPDATE, DELETE ON media TO rostrum_worker;
GRANT SELECT, INSERT ON version_media TO rostrum_api, rostrum_worker;
GRANT SELECT, INSERT, UPDATE ON network_media TO rostrum_worker;

-- +goose Down
-- Never taken down: see 0001.
SELECT 1;
