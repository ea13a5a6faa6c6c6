import type { Account, Finding, Me, Network, Post } from "../api/model";

export function aMe(change: Partial<Me> = {}): Me {
  return {
    person: { id: "p1", name: "Ada", email: "ada@example.com" },
    workspace: { id: "w1", name: "Harbour", paused: false, pause_reason: "" },
    role: "owner",
    images: false,
    permissions: [
      "read_workspace",
      "edit_posts",
      "approve_posts",
      "schedule_posts",
      "manage_accounts",
      "run_agents",
    ],
    demo: false,
    links: { simulated_networks: [] },
    server_time: new Date().toISOString(),
    model: { name: "m", simulated: true },
    ...change,
  };
}

export function anAccount(change: Partial<Account> = {}): Account {
  return {
    id: "a1",
    network: "x",
    handle: "tidewater",
    display_name: "Tidewater",
    status: "connected",
    paused: false,
    pause_reason: "",
    limited_until: null,
    time_zone: "Europe/Berlin",
    goals: ["One goal"],
    interests: [],
    projects: [],
    audience: "",
    voice: "Plain",
    guidelines: "",
    banned_words: [],
    slots: [{ weekday: 1, time: "09:30" }],
    posts_per_week: 5,
    min_gap_minutes: 60,
    catch_up: "hold",
    catch_up_within_minutes: 60,
    etag: "1",
    created_at: "2026-11-01T00:00:00Z",
    next_slots: [{ local: "2099-11-25T09:30:00", due_at: "2099-11-25T08:30:00Z" }],
    ...change,
  };
}

export function aNetwork(change: Partial<Network> = {}): Network {
  const x = {
    max_length: 280,
    max_parts: 25,
    max_hashtags: 0,
    max_mentions: 0,
    min_images: 0,
    max_images: 4,
    image_types: ["image/jpeg", "image/png", "image/gif", "image/webp"],
    max_image_bytes: 5_000_000,
    min_aspect: 0,
    max_aspect: 0,
  };
  const instagram = {
    ...x,
    max_length: 2200,
    max_parts: 1,
    max_hashtags: 30,
    max_mentions: 20,
    min_images: 1,
    max_images: 10,
    image_types: ["image/jpeg"],
    max_image_bytes: 8_388_608,
    min_aspect: 0.8,
    max_aspect: 1.91,
  };
  const network = change.network ?? "x";
  return {
    network,
    name: network === "x" ? "X" : "Instagram",
    web_url: network === "x" ? "https://x.com" : "https://www.instagram.com",
    connectable: true,
    why_not: "",
    simulated_url: null,
    limits: network === "x" ? x : instagram,
    ...change,
  };
}

export function aPost(change: Partial<Post> = {}): Post {
  const text = change.parts?.[0]?.text ?? "The first text";
  return {
    id: "1",
    account: { id: "a1", handle: "tidewater", network: "x", display_name: "Tidewater" },
    state: "awaiting_approval",
    revision: 3,
    etag: "7",
    text,
    parts_count: 1,
    due_at: null,
    due_local: null,
    due_zone: null,
    hold: null,
    needs_person: true,
    published_at: null,
    lateness_ms: null,
    remote_url: null,
    failure: null,
    findings_count: { block: 0, warn: 0, note: 0 },
    created_at: "2026-11-24T10:00:00Z",
    updated_at: "2026-11-24T10:00:00Z",
    origin: "agent",
    recurrence_id: null,
    parts: [{ text, media: [], length: text.length, limit: 280 }],
    content_hash: `hash-of-${change.id ?? "1"}`,
    version: { id: "v1", number: 1, note: "", created_by: "Writer", created_at: "2026-11-24T10:00:00Z" },
    idea: null,
    review: null,
    approval: null,
    correlation_id: "c",
    why_not_out: null,
    schedule_note: null,
    lacks: [],
    actions: ["edit", "approve", "request_changes", "reject"],
    ...change,
  };
}

export function aFinding(change: Partial<Finding> = {}): Finding {
  return {
    rule: "banned_word",
    severity: "warn",
    part: 0,
    start: 0,
    end: 3,
    quote: "The",
    message: "A message",
    suggestion: "",
    source_quote: "",
    source_url: "",
    ...change,
  };
}
