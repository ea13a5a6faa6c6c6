-- +goose Up
-- The spine: workspaces, people, accounts, posts and their sending.
--
-- What every table keeps:
--   * workspace_id on every tenant row, and foreign keys over (workspace_id, id),
--     so that no row can point into another workspace even by a bug;
--   * row-level security: rostrum_api sees the one workspace named in
--     app.workspace_id, rostrum_worker sees the tables its functions need;
--   * times are timestamptz, money is bigint micro-USD, ids are UUIDv7 made in Go.
--
-- Roles are of the cluster, not of the database, so they may exist already.
-- +goose StatementBegin
DO $$
BEGIN
  -- Two databases migrated at once race for the same roles.
  PERFORM pg_advisory_xact_lock(7236110);
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'rostrum_api') THEN
    CREATE ROLE rostrum_api NOLOGIN NOBYPASSRLS;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'rostrum_worker') THEN
    CREATE ROLE rostrum_worker NOLOGIN NOBYPASSRLS;
  END IF;
  -- The migrating user may step down to either role.
  EXECUTE format('GRANT rostrum_api, rostrum_worker TO %I', current_user);
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION app_workspace() RETURNS uuid
  LANGUAGE sql STABLE PARALLEL SAFE
  -- After a transaction the setting reads as an empty string, not as null.
  RETURN nullif(current_setting('app.workspace_id', true), '')::uuid;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION app_person() RETURNS uuid
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.person_id', true), '')::uuid;
-- +goose StatementEnd

CREATE TABLE workspaces (
  id           uuid PRIMARY KEY,
  name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  created_at   timestamptz NOT NULL,
  paused_at    timestamptz,
  pause_reason text NOT NULL DEFAULT '',
  -- Networks a person has paused for the whole workspace.
  paused_networks text[] NOT NULL DEFAULT '{}',
  budget_micro_usd bigint CHECK (budget_micro_usd >= 0)
);

-- People are global: one person may be a member of several workspaces.
CREATE TABLE people (
  id            uuid PRIMARY KEY,
  email         text NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 320),
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  password_hash text NOT NULL,
  created_at    timestamptz NOT NULL,
  disabled_at   timestamptz,
  failed_sign_ins   int NOT NULL DEFAULT 0,
  locked_until  timestamptz,
  UNIQUE (email)
);

CREATE TABLE members (
  workspace_id uuid NOT NULL REFERENCES workspaces (id),
  person_id    uuid NOT NULL REFERENCES people (id),
  role         text NOT NULL CHECK (role IN ('owner', 'manager', 'editor', 'approver', 'analyst')),
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, person_id)
);

-- Sessions and people stand outside row-level security: a session is found by
-- the hash of its token, before any workspace is known.
CREATE TABLE sessions (
  id           uuid PRIMARY KEY,
  workspace_id uuid NOT NULL,
  person_id    uuid NOT NULL,
  token_hash   bytea NOT NULL CHECK (length(token_hash) = 32),
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  revoked_at   timestamptz,
  FOREIGN KEY (workspace_id, person_id) REFERENCES members (workspace_id, person_id) ON DELETE CASCADE,
  UNIQUE (token_hash)
);

CREATE TABLE accounts (
  workspace_id  uuid NOT NULL REFERENCES workspaces (id),
  id            uuid NOT NULL,
  network       text NOT NULL,
  handle        text NOT NULL,
  remote_id     text NOT NULL,
  status        text NOT NULL CHECK (status IN ('connected', 'reauth_needed', 'disconnected')),
  display_name  text NOT NULL DEFAULT '',
  time_zone     text NOT NULL,
  goals         text[] NOT NULL DEFAULT '{}',
  interests     text[] NOT NULL DEFAULT '{}',
  projects      jsonb  NOT NULL DEFAULT '[]',
  audience      text NOT NULL DEFAULT '',
  voice         text NOT NULL DEFAULT '',
  guidelines    text NOT NULL DEFAULT '',
  banned_words  text[] NOT NULL DEFAULT '{}',
  -- [{"weekday":1,"hour":9,"minute":30}], wall clock in time_zone.
  slots         jsonb NOT NULL DEFAULT '[]',
  posts_per_week int NOT NULL DEFAULT 0 CHECK (posts_per_week BETWEEN 0 AND 100),
  min_gap_seconds int NOT NULL DEFAULT 0 CHECK (min_gap_seconds BETWEEN 0 AND 86400),
  catch_up      text NOT NULL DEFAULT 'send_within' CHECK (catch_up IN ('send_within', 'hold', 'drop')),
  catch_up_within_seconds int NOT NULL DEFAULT 7200 CHECK (catch_up_within_seconds >= 0),
  paused_at     timestamptz,
  pause_reason  text NOT NULL DEFAULT '',
  -- The network's rate limit, learned from its answers.
  limited_until timestamptz,
  etag          bigint NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  UNIQUE (id),
  UNIQUE (workspace_id, network, remote_id)
);

-- Sealed OAuth tokens. The associated data of each ciphertext is workspace,
-- account, field and version, so a row cannot be moved to another account.
CREATE TABLE account_tokens (
  workspace_id   uuid NOT NULL,
  account_id     uuid NOT NULL,
  version        bigint NOT NULL CHECK (version >= 1),
  access_sealed  bytea NOT NULL,
  refresh_sealed bytea,
  scopes         text[] NOT NULL DEFAULT '{}',
  expires_at     timestamptz NOT NULL,
  -- Single-flight refresh: who holds the lane, until when, and whether a call
  -- went out whose answer was lost.
  refresh_lease_until timestamptz,
  refresh_lease_id    uuid,
  refresh_unclear_at  timestamptz,
  updated_at     timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, account_id),
  FOREIGN KEY (workspace_id, account_id) REFERENCES accounts (workspace_id, id)
);

-- A started connect flow: its state is used once, by the session that began it.
CREATE TABLE oauth_states (
  workspace_id uuid NOT NULL REFERENCES workspaces (id),
  id           uuid NOT NULL,
  state_hash   bytea NOT NULL UNIQUE,
  session_id   uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  network      text NOT NULL,
  -- The account to reconnect; null connects a new one.
  account_id   uuid,
  verifier_sealed bytea NOT NULL,
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL,
  used_at      timestamptz,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, account_id) REFERENCES accounts (workspace_id, id)
);

CREATE TABLE sources (
  workspace_id uuid NOT NULL,
  id           uuid NOT NULL,
  account_id   uuid NOT NULL,
  kind         text NOT NULL CHECK (kind IN ('feed', 'note')),
  title        text NOT NULL,
  url          text NOT NULL DEFAULT '',
  note         text NOT NULL DEFAULT '',
  http_etag    text NOT NULL DEFAULT '',
  http_last_modified text NOT NULL DEFAULT '',
  last_fetched_at timestamptz,
  -- What went wrong at the last fetch, for people; empty when it went well.
  last_problem text NOT NULL DEFAULT '',
  created_at   timestamptz NOT NULL,
  removed_at   timestamptz,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, account_id) REFERENCES accounts (workspace_id, id),
  CHECK ((kind = 'feed') = (url <> ''))
);

CREATE TABLE source_items (
  workspace_id uuid NOT NULL,
  id           uuid NOT NULL,
  source_id    uuid NOT NULL,
  account_id   uuid NOT NULL,
  item_key     text NOT NULL,
  title        text NOT NULL,
  url          text NOT NULL DEFAULT '',
  body         text NOT NULL,
  published_at timestamptz,
  fetched_at   timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, source_id) REFERENCES sources (workspace_id, id),
  FOREIGN KEY (workspace_id, account_id) REFERENCES accounts (workspace_id, id),
  UNIQUE (workspace_id, source_id, item_key)
);

-- One asked-for run of the agents for an account: ideas, drafts, reviews.
CREATE TABLE generations (
  workspace_id uuid NOT NULL,
  id           uuid NOT NULL,
  account_id   uuid NOT NULL,
  requested_by_kind text NOT NULL,
  requested_by_id   uuid NOT NULL,
  requested_by_name text NOT NULL,
  -- How many drafts were asked for, and a note pasted with the request.
  wanted       int NOT NULL CHECK (wanted BETWEEN 1 AND 10),
  note         text NOT NULL DEFAULT '',
  state        text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
  -- One sentence on where it stands, for people.
  progress     text NOT NULL DEFAULT '',
  drafts_made  int NOT NULL DEFAULT 0,
  lease_until  timestamptz,
  tries        int NOT NULL DEFAULT 0,
  correlation_id uuid NOT NULL,
  created_at   timestamptz NOT NULL,
  finished_at  timestamptz,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, account_id) REFERENCES accounts (workspace_id, id)
);

CREATE TABLE ideas (
  workspace_id  uuid NOT NULL,
  id            uuid NOT NULL,
  account_id    uuid NOT NULL,
  generation_id uuid,
  source_item_id uuid,
  title         text NOT NULL,
  angle         text NOT NULL,
  goal          text NOT NULL DEFAULT '',
  why           text NOT NULL DEFAULT '',
  -- The words of the source that the idea rests on.
  quote         text NOT NULL DEFAULT '',
  source_title  text NOT NULL DEFAULT '',
  source_url    text NOT NULL DEFAULT '',
  state         text NOT NULL CHECK (state IN ('new', 'drafted', 'dismissed')),
  created_at    timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, account_id) REFERENCES accounts (workspace_id, id),
  FOREIGN KEY (workspace_id, generation_id) REFERENCES generations (workspace_id, id),
  FOREIGN KEY (workspace_id, source_item_id) REFERENCES source_items (workspace_id, id)
);

-- The state machine as data: the trigger below refuses every other move.
CREATE TABLE post_transitions (
  from_state text NOT NULL,
  to_state   text NOT NULL,
  PRIMARY KEY (from_state, to_state)
);
INSERT INTO post_transitions (from_state, to_state) VALUES
  ('draft', 'in_review'), ('draft', 'canceled'),
  ('in_review', 'awaiting_approval'), ('in_review', 'changes_requested'), ('in_review', 'draft'), ('in_review', 'canceled'),
  ('changes_requested', 'draft'), ('changes_requested', 'in_review'), ('changes_requested', 'canceled'),
  ('awaiting_approval', 'approved'), ('awaiting_approval', 'scheduled'), ('awaiting_approval', 'changes_requested'),
  ('awaiting_approval', 'rejected'), ('awaiting_approval', 'draft'), ('awaiting_approval', 'canceled'),
  ('rejected', 'draft'),
  ('approved', 'scheduled'), ('approved', 'draft'), ('approved', 'canceled'),
  ('scheduled', 'approved'), ('scheduled', 'draft'), ('scheduled', 'canceled'), ('scheduled', 'sending'),
  ('scheduled', 'missed'), ('scheduled', 'failed'),
  ('sending', 'published'), ('sending', 'scheduled'), ('sending', 'failed'), ('sending', 'unknown'),
  ('unknown', 'published'), ('unknown', 'scheduled'), ('unknown', 'sending'), ('unknown', 'failed'),
  ('failed', 'scheduled'), ('failed', 'draft'), ('failed', 'canceled'),
  ('missed', 'scheduled'), ('missed', 'draft'), ('missed', 'canceled');

CREATE TABLE posts (
  workspace_id  uuid NOT NULL,
  id            uuid NOT NULL,
  account_id    uuid NOT NULL,
  group_id      uuid NOT NULL,
  idea_id       uuid,
  generation_id uuid,
  correlation_id uuid NOT NULL,
  state         text NOT NULL CHECK (state IN ('draft', 'in_review', 'awaiting_approval', 'changes_requested', 'rejected',
                  'approved', 'scheduled', 'sending', 'published', 'canceled', 'failed', 'unknown', 'missed')),
  -- revision: content, schedule, account or approval changed. etag: anything a reader sees changed.
  revision      bigint NOT NULL DEFAULT 1,
  etag          bigint NOT NULL DEFAULT 1,
  version_id    uuid NOT NULL,
  due_at        timestamptz CHECK (due_at = date_trunc('second', due_at)),
  due_local     text,
  due_zone      text,
  -- Sending. dispatched_revision is the revision that was last put on the queue.
  dispatched_revision bigint,
  dispatched_at timestamptz,
  not_before    timestamptz,
  lease_until   timestamptz,
  attempt_no    int NOT NULL DEFAULT 0,
  hold_reason   text NOT NULL DEFAULT '',
  needs_person_at timestamptz,
  reconcile_at  timestamptz,
  -- When the reads of an unknown began, and how many clean ones found nothing.
  reconcile_tries int NOT NULL DEFAULT 0,
  clean_reads   int NOT NULL DEFAULT 0,
  published_at  timestamptz,
  lateness_ms   bigint,
  remote_url    text NOT NULL DEFAULT '',
  failure_code  text NOT NULL DEFAULT '',
  failure_detail text NOT NULL DEFAULT '',
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  UNIQUE (id),
  FOREIGN KEY (workspace_id, account_id) REFERENCES accounts (workspace_id, id),
  FOREIGN KEY (workspace_id, idea_id) REFERENCES ideas (workspace_id, id),
  FOREIGN KEY (workspace_id, generation_id) REFERENCES generations (workspace_id, id),
  CHECK ((due_at IS NULL) = (due_local IS NULL) AND (due_at IS NULL) = (due_zone IS NULL)),
  CHECK (state NOT IN ('scheduled', 'sending') OR due_at IS NOT NULL),
  CHECK ((state = 'published') = (published_at IS NOT NULL)),
  CHECK (state <> 'sending' OR lease_until IS NOT NULL)
);

-- The tick's scan: what is scheduled, by due time. Partial, so history costs nothing.
CREATE INDEX posts_due ON posts (due_at, id) WHERE state = 'scheduled';
CREATE INDEX posts_in_flight ON posts (lease_until) WHERE state = 'sending';
CREATE INDEX posts_unknown ON posts (reconcile_at) WHERE state = 'unknown';
CREATE INDEX posts_by_account ON posts (workspace_id, account_id, due_at);
CREATE INDEX posts_by_state ON posts (workspace_id, state, id);
CREATE INDEX posts_by_change ON posts (workspace_id, updated_at DESC, id DESC);
CREATE INDEX posts_calendar ON posts (workspace_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE versions (
  workspace_id uuid NOT NULL,
  id           uuid NOT NULL,
  post_id      uuid NOT NULL,
  number       int NOT NULL CHECK (number >= 1),
  -- Canonical content: {"parts":[{"text":"…"}]}.
  content      jsonb NOT NULL,
  content_hash text NOT NULL,
  note         text NOT NULL DEFAULT '',
  actor_kind   text NOT NULL,
  actor_id     uuid NOT NULL,
  actor_name   text NOT NULL,
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  UNIQUE (workspace_id, post_id, id),
  UNIQUE (workspace_id, post_id, number),
  FOREIGN KEY (workspace_id, post_id) REFERENCES posts (workspace_id, id) DEFERRABLE INITIALLY DEFERRED
);
ALTER TABLE posts ADD CONSTRAINT posts_version_fkey
  FOREIGN KEY (workspace_id, id, version_id) REFERENCES versions (workspace_id, post_id, id) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE runs (
  workspace_id uuid NOT NULL REFERENCES workspaces (id),
  id           uuid NOT NULL,
  account_id   uuid,
  generation_id uuid,
  post_id      uuid,
  agent        text NOT NULL,
  model        text NOT NULL,
  simulated    boolean NOT NULL,
  prompt_name  text NOT NULL,
  prompt_version text NOT NULL,
  input_tokens  bigint NOT NULL,
  cached_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cost_micro_usd bigint NOT NULL CHECK (cost_micro_usd >= 0),
  outcome      text NOT NULL CHECK (outcome IN ('ok', 'bad_answer', 'refused', 'unavailable')),
  problem      text NOT NULL DEFAULT '',
  started_at   timestamptz NOT NULL,
  finished_at  timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, account_id) REFERENCES accounts (workspace_id, id),
  FOREIGN KEY (workspace_id, generation_id) REFERENCES generations (workspace_id, id),
  FOREIGN KEY (workspace_id, post_id) REFERENCES posts (workspace_id, id)
);
CREATE INDEX runs_by_time ON runs (workspace_id, started_at DESC, id DESC);

CREATE TABLE reviews (
  workspace_id uuid NOT NULL,
  id           uuid NOT NULL,
  post_id      uuid NOT NULL,
  version_id   uuid NOT NULL,
  verdict      text NOT NULL CHECK (verdict IN ('pass', 'changes')),
  -- One sentence for people, for example when the model could not be asked.
  summary      text NOT NULL DEFAULT '',
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, post_id, version_id) REFERENCES versions (workspace_id, post_id, id)
);
CREATE INDEX reviews_by_post ON reviews (workspace_id, post_id, created_at DESC);

CREATE TABLE findings (
  workspace_id uuid NOT NULL,
  id           uuid NOT NULL,
  review_id    uuid NOT NULL,
  position     int NOT NULL,
  rule         text NOT NULL,
  severity     text NOT NULL CHECK (severity IN ('note', 'warn', 'block')),
  part         int NOT NULL CHECK (part >= 0),
  start_byte   int NOT NULL CHECK (start_byte >= 0),
  end_byte     int NOT NULL CHECK (end_byte >= start_byte),
  quote        text NOT NULL DEFAULT '',
  message      text NOT NULL,
  suggestion   text NOT NULL DEFAULT '',
  source_quote text NOT NULL DEFAULT '',
  source_url   text NOT NULL DEFAULT '',
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, review_id) REFERENCES reviews (workspace_id, id)
);
CREATE INDEX findings_by_review ON findings (workspace_id, review_id, position);

CREATE TABLE approvals (
  workspace_id uuid NOT NULL,
  id           uuid NOT NULL,
  post_id      uuid NOT NULL,
  version_id   uuid NOT NULL,
  content_hash text NOT NULL,
  -- No agent and no token approves.
  actor_kind   text NOT NULL CHECK (actor_kind IN ('person', 'rule')),
  actor_id     uuid NOT NULL,
  actor_name   text NOT NULL,
  decided_at   timestamptz NOT NULL,
  revoked_at   timestamptz,
  revoked_reason text NOT NULL DEFAULT '',
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, post_id, version_id) REFERENCES versions (workspace_id, post_id, id)
);
-- One live approval a post.
CREATE UNIQUE INDEX approvals_live ON approvals (workspace_id, post_id) WHERE revoked_at IS NULL;

CREATE TABLE attempts (
  workspace_id uuid NOT NULL,
  id           uuid NOT NULL,
  post_id      uuid NOT NULL,
  account_id   uuid NOT NULL,
  revision     bigint NOT NULL,
  part         int NOT NULL CHECK (part >= 0),
  number       int NOT NULL CHECK (number >= 1),
  state        text NOT NULL CHECK (state IN ('sending', 'accepted', 'refused', 'not_sent', 'unknown', 'absent')),
  fingerprint  text NOT NULL,
  since_id     text NOT NULL DEFAULT '',
  reply_to     text NOT NULL DEFAULT '',
  started_at   timestamptz NOT NULL,
  finished_at  timestamptz,
  remote_id    text,
  remote_url   text NOT NULL DEFAULT '',
  code         text NOT NULL DEFAULT '',
  detail       text NOT NULL DEFAULT '',
  request_id   text NOT NULL DEFAULT '',
  -- How it was settled when not by the answer itself: 'read_back', 'person', 'duplicate_answer'.
  settled_by   text NOT NULL DEFAULT '',
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, post_id) REFERENCES posts (workspace_id, id),
  FOREIGN KEY (workspace_id, account_id) REFERENCES accounts (workspace_id, id),
  CHECK (state <> 'accepted' OR remote_id IS NOT NULL),
  CHECK ((state = 'sending') = (finished_at IS NULL))
);
-- Single flight: a second send of a part cannot be recorded, so it cannot start.
CREATE UNIQUE INDEX attempts_single_flight ON attempts (workspace_id, post_id, part)
  WHERE state IN ('sending', 'unknown', 'accepted');
CREATE UNIQUE INDEX attempts_remote ON attempts (workspace_id, account_id, remote_id) WHERE remote_id IS NOT NULL;
CREATE INDEX attempts_by_post ON attempts (workspace_id, post_id, part, number);

CREATE TABLE readings (
  workspace_id uuid NOT NULL,
  post_id      uuid NOT NULL,
  -- The age of the post at which this reading was wanted.
  age_seconds  bigint NOT NULL CHECK (age_seconds >= 0),
  due_at       timestamptz NOT NULL,
  dispatched_at timestamptz,
  taken_at     timestamptz,
  tries        int NOT NULL DEFAULT 0,
  problem      text NOT NULL DEFAULT '',
  given_up_at  timestamptz,
  -- Sums over the parts; null was not given by the network.
  impressions  bigint,
  likes        bigint,
  replies      bigint,
  reposts      bigint,
  quotes       bigint,
  bookmarks    bigint,
  link_clicks  bigint,
  profile_clicks bigint,
  PRIMARY KEY (workspace_id, post_id, age_seconds),
  FOREIGN KEY (workspace_id, post_id) REFERENCES posts (workspace_id, id)
);
CREATE INDEX readings_due ON readings (due_at) WHERE taken_at IS NULL AND given_up_at IS NULL;

-- State changes and the message about them commit together; the writer sends
-- right after, and the tick resends what was not marked sent.
CREATE TABLE outbox (
  id           uuid PRIMARY KEY,
  workspace_id uuid NOT NULL REFERENCES workspaces (id),
  queue        text NOT NULL CHECK (queue IN ('generate', 'review', 'publish', 'metrics')),
  body         jsonb NOT NULL,
  -- When it should arrive; the sender turns this into a delay.
  deliver_at   timestamptz NOT NULL,
  created_at   timestamptz NOT NULL,
  sent_at      timestamptz
);
CREATE INDEX outbox_unsent ON outbox (created_at) WHERE sent_at IS NULL;
CREATE INDEX outbox_sent ON outbox (sent_at) WHERE sent_at IS NOT NULL;

CREATE TABLE idempotency_keys (
  workspace_id uuid NOT NULL REFERENCES workspaces (id),
  principal    text NOT NULL,
  route        text NOT NULL,
  key          text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
  body_hash    bytea NOT NULL,
  status       int,
  response     bytea,
  headers      jsonb,
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, principal, route, key)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

CREATE TABLE audit_events (
  seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- The writing transaction: a reader of changes stops before the oldest one
  -- still open, so that a late commit is never skipped.
  xid          xid8 NOT NULL DEFAULT pg_current_xact_id(),
  workspace_id uuid NOT NULL REFERENCES workspaces (id),
  id           uuid NOT NULL UNIQUE,
  at           timestamptz NOT NULL,
  actor_kind   text NOT NULL CHECK (actor_kind IN ('person', 'token', 'rule', 'system')),
  actor_id     uuid NOT NULL,
  actor_name   text NOT NULL,
  action       text NOT NULL,
  subject_kind text NOT NULL,
  subject_id   uuid NOT NULL,
  account_id   uuid,
  correlation_id uuid,
  detail       jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_by_subject ON audit_events (workspace_id, subject_id, seq DESC);
CREATE INDEX audit_by_workspace ON audit_events (workspace_id, seq DESC);
-- The feed of changes goes by transaction, then by place.
CREATE INDEX audit_by_transaction ON audit_events (workspace_id, xid, seq);

-- +goose StatementBegin
CREATE FUNCTION posts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND NOT EXISTS (
       SELECT 1 FROM post_transitions t WHERE t.from_state = OLD.state AND t.to_state = NEW.state) THEN
    RAISE EXCEPTION 'post % may not go from % to %', OLD.id, OLD.state, NEW.state USING ERRCODE = 'RS001';
  END IF;
  IF NEW.revision < OLD.revision OR NEW.etag < OLD.etag THEN
    RAISE EXCEPTION 'post %: revision and etag never fall', OLD.id USING ERRCODE = 'RS002';
  END IF;
  IF NEW.revision = OLD.revision AND (NEW.version_id <> OLD.version_id OR NEW.due_at IS DISTINCT FROM OLD.due_at
       OR NEW.account_id <> OLD.account_id) THEN
    RAISE EXCEPTION 'post %: content, time or account changed without a new revision', OLD.id USING ERRCODE = 'RS002';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'RS003';
END $$;

-- An approval may be revoked once and is otherwise as it was given.
CREATE FUNCTION approvals_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL OR NEW.revoked_at IS NULL
     OR (to_jsonb(NEW) - 'revoked_at' - 'revoked_reason') <> (to_jsonb(OLD) - 'revoked_at' - 'revoked_reason') THEN
    RAISE EXCEPTION 'approval % can only be revoked', OLD.id USING ERRCODE = 'RS003';
  END IF;
  RETURN NEW;
END $$;

-- An attempt that was settled stays as it was settled.
CREATE FUNCTION attempts_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT (OLD.state = 'sending' OR (OLD.state = 'unknown' AND NEW.state IN ('accepted', 'absent', 'unknown'))) THEN
    RAISE EXCEPTION 'attempt % is settled as %', OLD.id, OLD.state USING ERRCODE = 'RS003';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd

CREATE TRIGGER posts_guard BEFORE UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION posts_guard();
CREATE TRIGGER versions_append_only BEFORE UPDATE OR DELETE ON versions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_events EXECUTE FUNCTION refuse_change();
CREATE TRIGGER approvals_guard BEFORE UPDATE ON approvals FOR EACH ROW EXECUTE FUNCTION approvals_guard();
CREATE TRIGGER attempts_guard BEFORE UPDATE ON attempts FOR EACH ROW EXECUTE FUNCTION attempts_guard();

-- Rights. Each role gets what its functions do and nothing else; neither owns
-- a table, so row-level security binds both.
-- +goose StatementBegin
DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['workspaces', 'members', 'accounts', 'account_tokens', 'oauth_states', 'sources', 'source_items',
      'generations', 'ideas', 'posts', 'versions', 'runs', 'reviews', 'findings', 'approvals', 'attempts', 'readings',
      'outbox', 'idempotency_keys', 'audit_events'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    IF t = 'workspaces' THEN
      EXECUTE 'CREATE POLICY workspace_only ON workspaces TO rostrum_api USING (id = app_workspace())';
    ELSIF t = 'members' THEN
      -- Sign-in finds a person's workspaces before it knows which one.
      EXECUTE 'CREATE POLICY workspace_or_own ON members TO rostrum_api USING (workspace_id = app_workspace() OR person_id = app_person())';
    ELSE
      EXECUTE format('CREATE POLICY workspace_only ON %I TO rostrum_api USING (workspace_id = app_workspace())', t);
    END IF;
    -- FORCE binds the owner too; migrations and the seed act as the owner.
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true)', t, current_user);
  END LOOP;
  -- The worker crosses workspaces on these tables, and on no others.
  FOREACH t IN ARRAY ARRAY['workspaces', 'accounts', 'account_tokens', 'sources', 'source_items', 'generations', 'ideas',
      'posts', 'versions', 'runs', 'reviews', 'findings', 'approvals', 'attempts', 'readings', 'outbox',
      'idempotency_keys', 'audit_events'] LOOP
    EXECUTE format('CREATE POLICY worker_all ON %I TO rostrum_worker USING (true)', t);
  END LOOP;
END $$;
-- +goose StatementEnd

GRANT USAGE ON SCHEMA public TO rostrum_api, rostrum_worker;
GRANT SELECT ON workspaces TO rostrum_api, rostrum_worker;
GRANT UPDATE (paused_at, pause_reason, paused_networks, name, budget_micro_usd) ON workspaces TO rostrum_api;
-- The intent locks the workspace row FOR SHARE, so that a pause either commits
-- before it and is seen, or waits for it; a row lock needs UPDATE on a column.
GRANT UPDATE (pause_reason) ON workspaces TO rostrum_worker;
GRANT SELECT, UPDATE (failed_sign_ins, locked_until, password_hash) ON people TO rostrum_api;
GRANT SELECT ON members TO rostrum_api;
GRANT SELECT, INSERT, UPDATE ON sessions TO rostrum_api;
GRANT SELECT, INSERT, UPDATE ON accounts TO rostrum_api;
GRANT SELECT, UPDATE ON accounts TO rostrum_worker;
GRANT SELECT, INSERT, UPDATE ON account_tokens TO rostrum_api, rostrum_worker;
GRANT SELECT, INSERT, UPDATE ON oauth_states TO rostrum_api;
GRANT SELECT, INSERT, UPDATE ON sources, generations, ideas TO rostrum_api, rostrum_worker;
GRANT SELECT ON source_items TO rostrum_api;
GRANT SELECT, INSERT, UPDATE ON source_items TO rostrum_worker;
GRANT SELECT, INSERT, UPDATE ON posts, outbox TO rostrum_api, rostrum_worker;
-- No worker approves; a writer that revises a draft may revoke.
GRANT SELECT, INSERT, UPDATE ON approvals TO rostrum_api;
GRANT SELECT, UPDATE (revoked_at, revoked_reason) ON approvals TO rostrum_worker;
GRANT DELETE ON outbox TO rostrum_worker;
GRANT SELECT, INSERT ON versions, audit_events TO rostrum_api, rostrum_worker;
GRANT SELECT ON runs, reviews, findings, readings TO rostrum_api;
GRANT SELECT, UPDATE ON attempts TO rostrum_api;
GRANT SELECT, INSERT, UPDATE ON attempts, readings TO rostrum_worker;
GRANT INSERT ON readings TO rostrum_api;
GRANT SELECT, INSERT ON runs, reviews, findings TO rostrum_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO rostrum_api;
GRANT SELECT, DELETE ON idempotency_keys TO rostrum_worker;
-- What has run out is swept once a day; nothing of it can be read but its end.
CREATE POLICY worker_sweeps ON oauth_states TO rostrum_worker USING (true);
GRANT SELECT (expires_at), DELETE ON sessions, oauth_states TO rostrum_worker;
GRANT SELECT ON post_transitions TO rostrum_api, rostrum_worker;

-- +goose Down
-- The spine is never taken down: data would be lost. Restore a backup instead.
SELECT 1;
