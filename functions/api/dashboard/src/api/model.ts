// The wire shapes of /v1 as the pages use them. Ids are opaque and never shown.

export type PostState =
  | "draft"
  | "in_review"
  | "awaiting_approval"
  | "changes_requested"
  | "rejected"
  | "approved"
  | "scheduled"
  | "sending"
  | "published"
  | "canceled"
  | "failed"
  | "unknown"
  | "missed";

export type Permission =
  | "read_workspace"
  | "edit_posts"
  | "approve_posts"
  | "schedule_posts"
  | "manage_accounts"
  | "manage_workspace"
  | "run_agents"
  | "resolve_unknown";

export interface Me {
  person: { id: string; name: string; email: string };
  workspace: { id: string; name: string; paused: boolean; pause_reason: string };
  role: string;
  permissions: string[];
  demo: boolean;
  links: { simulated_network: string | null };
  server_time: string;
  model: { name: string; simulated: boolean };
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Project {
  name: string;
  about: string;
}

export interface Slot {
  weekday: number;
  time: string;
}

export type CatchUp = "send_within" | "hold" | "drop";

export interface AccountProfile {
  display_name: string;
  time_zone: string;
  goals: string[];
  interests: string[];
  projects: Project[];
  audience: string;
  voice: string;
  guidelines: string;
  banned_words: string[];
  slots: Slot[];
  posts_per_week: number;
  min_gap_minutes: number;
  catch_up: CatchUp;
  catch_up_within_minutes: number;
}

export interface Account extends AccountProfile {
  id: string;
  network: "x";
  handle: string;
  status: "connected" | "reauth_needed" | "disconnected";
  paused: boolean;
  pause_reason: string;
  limited_until: string | null;
  etag: string;
  created_at: string;
  next_slots: { local: string; due_at: string }[];
}

export interface Source {
  id: string;
  account_id: string;
  kind: "feed" | "note";
  title: string;
  url: string;
  note: string;
  last_fetched_at: string | null;
  last_problem: string;
  item_count: number;
  created_at: string;
}

export interface Generation {
  id: string;
  account_id: string;
  state: "queued" | "running" | "done" | "failed";
  progress: string;
  wanted: number;
  drafts_made: number;
  post_ids: string[];
  created_at: string;
  finished_at: string | null;
}

export interface Idea {
  id: string;
  account_id: string;
  title: string;
  angle: string;
  goal: string;
  why: string;
  quote: string;
  source_title: string;
  source_url: string;
  state: "new" | "drafted" | "dismissed";
  post_id: string | null;
  created_at: string;
}

export interface Run {
  id: string;
  agent: string;
  model: string;
  simulated: boolean;
  prompt_name: string;
  prompt_version: string;
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  cost_micro_usd: number;
  outcome: string;
  problem: string;
  started_at: string;
  duration_ms: number;
  post_id: string | null;
  account_id: string;
}

export interface PostSummary {
  id: string;
  account: { id: string; handle: string; network: "x"; display_name: string };
  state: PostState;
  revision: number;
  etag: string;
  text: string;
  parts_count: number;
  due_at: string | null;
  due_local: string | null;
  due_zone: string | null;
  hold: { code: string; sentence: string } | null;
  needs_person: boolean;
  published_at: string | null;
  lateness_ms: number | null;
  remote_url: string | null;
  failure: { code: string; sentence: string } | null;
  findings_count: { block: number; warn: number; note: number };
  created_at: string;
  updated_at: string;
  origin: "person" | "agent";
}

export interface Part {
  text: string;
  length: number;
  limit: number;
}

export type Severity = "note" | "warn" | "block";

export interface Finding {
  rule: string;
  severity: Severity;
  part: number;
  start: number;
  end: number;
  quote: string;
  message: string;
  suggestion: string;
  source_quote: string;
  source_url: string;
}

export interface Review {
  id: string;
  verdict: "pass" | "changes";
  summary: string;
  created_at: string;
  version_number: number;
  stale: boolean;
  findings: Finding[];
}

export interface Approval {
  content_hash: string;
  by: string;
  kind: "person" | "rule";
  decided_at: string;
  revoked_at: string | null;
}

export type PostAction =
  | "edit"
  | "submit"
  | "approve"
  | "request_changes"
  | "reject"
  | "schedule"
  | "unschedule"
  | "cancel"
  | "publish_now"
  | "retry"
  | "resolve";

export interface Post extends PostSummary {
  parts: Part[];
  content_hash: string;
  version: { id: string; number: number; note: string; created_by: string; created_at: string };
  idea: Idea | null;
  review: Review | null;
  approval: Approval | null;
  correlation_id: string;
  why_not_out: string | null;
  schedule_note?: string | null;
  actions: string[];
}

export interface Version {
  id: string;
  number: number;
  parts: Part[];
  content_hash: string;
  note: string;
  created_by: string;
  created_at: string;
  approved: boolean;
}

export interface Attempt {
  id: string;
  part: number;
  number: number;
  state: "sending" | "accepted" | "refused" | "not_sent" | "unknown" | "absent";
  started_at: string;
  finished_at: string | null;
  remote_id: string;
  remote_url: string;
  code: string;
  detail: string;
  settled_by: string;
}

export interface MetricReading {
  age_seconds: number;
  due_at: string;
  taken_at: string | null;
  problem: string;
  impressions: number | null;
  likes: number | null;
  replies: number | null;
  reposts: number | null;
  quotes: number | null;
  bookmarks: number | null;
  link_clicks: number | null;
  profile_clicks: number | null;
}

export interface HistoryEvent {
  id: string;
  at: string;
  actor: { kind: string; name: string };
  action: string;
  sentence: string;
  detail: Record<string, unknown>;
}

export interface AuditEvent extends HistoryEvent {
  subject_kind: string;
  subject_id: string;
}

export interface Today {
  needs_me: {
    awaiting_approval: NeedsGroup;
    unknown: NeedsGroup;
    held: NeedsGroup;
    changes_requested: NeedsGroup;
  };
  next_out: PostSummary[];
  failed: PostSummary[];
  published: PublishedSummary[];
  lateness: { count: number; p50_ms: number; p95_ms: number; p99_ms: number } | null;
  drafts_in_progress: Generation[];
}

export interface NeedsGroup {
  count: number;
  items: PostSummary[];
}

export interface PublishedSummary extends PostSummary {
  metrics: { impressions: number | null; likes: number | null } | null;
}

export interface Calendar {
  items: PostSummary[];
  slots: CalendarSlot[];
  truncated: boolean;
}

export interface CalendarSlot {
  account_id: string;
  local: string;
  due_at: string;
  taken: boolean;
}

export interface Changes {
  cursor: string;
  items: { action: string; subject_kind: string; subject_id: string; account_id: string }[];
}

export interface QueueDepth {
  name: string;
  visible: number;
  in_flight: number;
  delayed: number;
  dead_letters: number;
}

export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  hint?: string;
  errors?: { location?: string; message?: string }[] | null;
}
