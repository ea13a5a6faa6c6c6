-- +goose Up
-- What keeps posts back although nobody paused them: the networks' quotas, the
-- breakers, and the paced drain of a backlog. And who paused what, and why.

-- Where a post that went out of its time stands in the drain: its turn. It is
-- given once; a turn that passed unused is given anew.
ALTER TABLE posts ADD COLUMN paced_at timestamptz;
-- The drain asks for an account's last turn and for the turns still to come.
CREATE INDEX posts_paced_account ON posts (workspace_id, account_id, paced_at DESC) WHERE paced_at IS NOT NULL;
CREATE INDEX posts_paced ON posts (paced_at) WHERE paced_at IS NOT NULL;

-- The quotas as the network's answers told them. The app's are of the whole
-- installation, since it has one developer app for each network.
CREATE TABLE app_quotas (
  network        text NOT NULL,
  used_for       text NOT NULL CHECK (used_for IN ('post', 'read', 'measure')),
  window_seconds int  NOT NULL CHECK (window_seconds > 0),
  max_calls      int  NOT NULL CHECK (max_calls > 0),
  remaining      int  NOT NULL CHECK (remaining BETWEEN 0 AND max_calls),
  resets_at      timestamptz NOT NULL,
  seen_at        timestamptz NOT NULL,
  PRIMARY KEY (network, used_for, window_seconds)
);

CREATE TABLE account_quotas (
  workspace_id   uuid NOT NULL,
  account_id     uuid NOT NULL,
  used_for       text NOT NULL CHECK (used_for IN ('post', 'read', 'measure')),
  window_seconds int  NOT NULL CHECK (window_seconds > 0),
  max_calls      int  NOT NULL CHECK (max_calls > 0),
  remaining      int  NOT NULL CHECK (remaining BETWEEN 0 AND max_calls),
  resets_at      timestamptz NOT NULL,
  seen_at        timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, account_id, used_for, window_seconds),
  FOREIGN KEY (workspace_id, account_id) REFERENCES accounts (workspace_id, id)
);

-- One breaker for each network and one for each account; no row is a closed
-- breaker that has never seen a failure.
CREATE TABLE network_breakers (
  network         text PRIMARY KEY,
  state           text NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
  -- The run of failures since the last proper answer, and whose calls they were.
  failures        int  NOT NULL DEFAULT 0 CHECK (failures >= 0),
  account_ids     uuid[] NOT NULL DEFAULT '{}',
  failing_since   timestamptz,
  last_failure_at timestamptz,
  -- How often it opened in a row, which is what the wait grows with.
  openings        int  NOT NULL DEFAULT 0 CHECK (openings >= 0),
  retry_at        timestamptz,
  -- The one attempt that a half-open breaker let through, and until when it counts.
  probe_id        uuid,
  probe_until     timestamptz,
  last_code       text NOT NULL DEFAULT '',
  changed_at      timestamptz NOT NULL,
  CHECK (state = 'closed' OR retry_at IS NOT NULL AND failing_since IS NOT NULL),
  CHECK ((state = 'half_open') = (probe_until IS NOT NULL))
);

CREATE TABLE account_breakers (
  workspace_id    uuid NOT NULL,
  account_id      uuid NOT NULL,
  state           text NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
  failures        int  NOT NULL DEFAULT 0 CHECK (failures >= 0),
  failing_since   timestamptz,
  last_failure_at timestamptz,
  openings        int  NOT NULL DEFAULT 0 CHECK (openings >= 0),
  retry_at        timestamptz,
  probe_id        uuid,
  probe_until     timestamptz,
  last_code       text NOT NULL DEFAULT '',
  changed_at      timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, account_id),
  FOREIGN KEY (workspace_id, account_id) REFERENCES accounts (workspace_id, id),
  CHECK (state = 'closed' OR retry_at IS NOT NULL AND failing_since IS NOT NULL),
  CHECK ((state = 'half_open') = (probe_until IS NOT NULL))
);

-- The switches that are thrown. A row is a pause; resuming deletes it, and the
-- audit log keeps both. What the intent reads under its locks stays where it
-- was (workspaces, accounts); the row beside it says who, when and why.
CREATE TABLE switches (
  workspace_id   uuid NOT NULL REFERENCES workspaces (id),
  kind           text NOT NULL CHECK (kind IN ('workspace', 'network', 'account', 'agent')),
  -- The network, or the agent (generate, review); empty for the other two.
  subject        text NOT NULL DEFAULT '',
  -- The zero id is every account.
  account_id     uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  reason         text NOT NULL DEFAULT '',
  paused_at      timestamptz NOT NULL,
  paused_by_id   uuid NOT NULL,
  paused_by_name text NOT NULL,
  PRIMARY KEY (workspace_id, kind, subject, account_id)
);

-- +goose StatementBegin
DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['account_quotas', 'account_breakers', 'switches'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true)', t, current_user);
    EXECUTE format('CREATE POLICY workspace_only ON %I TO rostrum_api USING (workspace_id = app_workspace())', t);
    EXECUTE format('CREATE POLICY worker_all ON %I TO rostrum_worker USING (true)', t);
  END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT ON app_quotas, account_quotas, network_breakers, account_breakers TO rostrum_api;
GRANT SELECT, INSERT, UPDATE ON app_quotas, account_quotas, network_breakers, account_breakers TO rostrum_worker;
-- "Try now" brings the next try forward, and nothing else.
GRANT UPDATE (retry_at, changed_at) ON network_breakers, account_breakers TO rostrum_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON switches TO rostrum_api;
GRANT SELECT ON switches TO rostrum_worker;

-- Whether a post is of a backlog: its time passed by more than the grace, its
-- account's catch-up rule lets it go all the same, the audience has seen nothing
-- of it, and it has no turn in the drain that still counts.
-- +goose StatementBegin
CREATE FUNCTION in_backlog(workspace uuid, post uuid, account uuid, due timestamptz, turn timestamptz, grace interval) RETURNS boolean
  LANGUAGE sql STABLE
  RETURN due < now() - grace AND (turn IS NULL OR turn < now() - grace)
    AND EXISTS (SELECT 1 FROM accounts a WHERE a.workspace_id = workspace AND a.id = account
                  AND a.catch_up = 'send_within' AND due >= now() - make_interval(secs => a.catch_up_within_seconds))
    AND NOT EXISTS (SELECT 1 FROM attempts t WHERE t.workspace_id = workspace AND t.post_id = post AND t.state = 'accepted');
-- +goose StatementEnd

-- +goose Down
-- Never taken down: see 0001.
SELECT 1;
