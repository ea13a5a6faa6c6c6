// What the mock answers, operation by operation.
import { randomUUID } from "node:crypto";
import type { Account, Generation, MetricReading, Post } from "../src/api/model.ts";
import { daysBetween } from "../src/lib/time.ts";
import { at, makePost } from "./seed.ts";
import { instantOf } from "./rules.ts";
import { type State, summary } from "./state.ts";

/** A value of the body as text. */
export const str = (v: unknown): string => (typeof v === "string" ? v : "");

export interface Call {
  state: State;
  params: string[];
  query: URLSearchParams;
  body: Record<string, unknown>;
  ifMatch: string;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly hint = "",
  ) {
    super(detail);
  }
}

export type Handler = (call: Call) => unknown;
export const me = "Ada Lindqvist";

export function post(call: Call): Post {
  const p = call.state.posts.get(call.params[0] ?? "");
  if (!p) throw new Refusal(404, "not_found", "This post is not here any more.", "It may have been removed.");
  return p;
}

export function meBody(state: State) {
  return {
    person: { id: "1", name: me, email: "ada@example.com" },
    workspace: { id: "1", name: "Harbour Studio", ...state.paused },
    role: "owner",
    permissions: [
      "read_workspace",
      "edit_posts",
      "approve_posts",
      "schedule_posts",
      "manage_accounts",
      "manage_workspace",
      "run_agents",
      "resolve_unknown",
    ],
    demo: true,
    links: { simulated_networks: [{ name: "X", url: "http://localhost:9101/_sim/ledger" }] },
    server_time: at(0),
    images: false,
    model: { name: "simulated-writer", simulated: true },
  };
}

export function readings(p: Post): MetricReading[] {
  const since = p.published_at ? (Date.now() - Date.parse(p.published_at)) / 1000 : -1;
  return [60, 3600, 86400, 259200, 604800, 2592000].map((age) => {
    const taken = since >= age + 2;
    const views = Math.round(420 * Math.log10(age) + age / 900);
    const n = (share: number) => (taken ? Math.round(views * share) : null);
    return {
      age_seconds: age,
      due_at: new Date(Date.parse(p.published_at ?? at(0)) + age * 1000).toISOString(),
      taken_at: taken ? new Date(Date.parse(p.published_at ?? at(0)) + (age + 2) * 1000).toISOString() : null,
      problem: "",
      impressions: n(1),
      likes: n(0.031),
      replies: n(0.004),
      reposts: n(0.008),
      quotes: n(0.002),
      bookmarks: n(0.006),
      link_clicks: n(0.012),
      profile_clicks: n(0.01),
    };
  });
}

export function latest(p: Post) {
  const r = readings(p)
    .filter((x) => x.taken_at)
    .at(-1);
  return r ? { impressions: r.impressions, likes: r.likes } : null;
}

export function today({ state }: Call) {
  const all = [...state.posts.values()];
  const group = (f: (p: Post) => boolean) => {
    const items = all.filter(f);
    return { count: items.length, items: items.slice(0, 5).map(summary) };
  };
  const byDue = (a: Post, b: Post) => (a.due_at ?? "").localeCompare(b.due_at ?? "");
  const published = all
    .filter((p) => p.state === "published")
    .sort((a, b) => (b.published_at ?? "").localeCompare(a.published_at ?? ""));
  return {
    needs_me: {
      awaiting_approval: group((p) => p.state === "awaiting_approval"),
      unknown: group((p) => p.state === "unknown"),
      held: group((p) => p.hold !== null),
      changes_requested: group((p) => p.state === "changes_requested"),
    },
    next_out: all
      .filter((p) => ["scheduled", "sending"].includes(p.state))
      .sort(byDue)
      .slice(0, 8)
      .map(summary),
    failed: all.filter((p) => ["failed", "missed"].includes(p.state)).map(summary),
    published: published.slice(0, 5).map((p) => ({ ...summary(p), metrics: latest(p) })),
    lateness: { count: published.length, p50_ms: 142, p95_ms: 388, p99_ms: 610 },
    drafts_in_progress: state.generations.filter((g) => g.state !== "done"),
  };
}

export function approve(call: Call) {
  const p = post(call);
  const b = call.body;
  if (p.state !== "awaiting_approval") {
    throw new Refusal(
      409,
      "already_decided",
      `${me} decided on this post already.`,
      "Nothing to do: take the next one.",
    );
  }
  if (b.revision !== p.revision || b.content_hash !== p.content_hash) {
    throw new Refusal(
      409,
      "content_moved",
      "The text changed after you opened it.",
      "Read the new version and approve that.",
    );
  }
  const account = call.state.account(p.account.id);
  const local = b.due_local as string | undefined;
  const due =
    b.at === "now"
      ? at(3)
      : local
        ? instantOf(local, account?.time_zone ?? "UTC")
        : (account?.next_slots[0]?.due_at ?? at(86400));
  if (Date.parse(due) < Date.now())
    throw new Refusal(422, "due_in_past", "That time has passed.", "Choose a later one.");
  const approval = {
    content_hash: p.content_hash,
    by: me,
    kind: "person" as const,
    decided_at: at(0),
    revoked_at: null,
  };
  return call.state.change(
    p,
    {
      state: "scheduled",
      approval,
      ...call.state.dueAt(p, due),
      why_not_out: "It is approved and waits for its time.",
    },
    "post.approved",
    me,
    `${me} approved version ${p.version.number}`,
  );
}

export function generate(call: Call, wanted: number, accountId: string): Generation {
  const g: Generation = {
    id: randomUUID(),
    account_id: accountId,
    state: "queued",
    progress: "",
    wanted,
    drafts_made: 0,
    post_ids: [],
    created_at: at(0),
    finished_at: null,
  };
  call.state.generations.unshift(g);
  const step = () => {
    g.state = "running";
    const a = call.state.accounts.find((x) => x.id === accountId);
    if (g.drafts_made < wanted && a) {
      g.post_ids.push(call.state.newDraft(a, g.drafts_made).id);
      g.drafts_made++;
      g.progress = "Reading Coastal Monitor.";
      setTimeout(step, 900);
    } else {
      g.state = "done";
      g.progress = "";
      g.finished_at = at(0);
    }
    call.state.note(
      "generation.moved",
      "generation",
      g.id,
      accountId,
      "Writer",
      `Writer made ${g.drafts_made} of ${wanted} drafts`,
    );
  };
  setTimeout(step, 900);
  return g;
}

export function calendar({ state, query }: Call) {
  const from = query.get("from") ?? at(0).slice(0, 10);
  const to = query.get("to") ?? from;
  const items = [...state.posts.values()].filter(
    (p) => p.due_local && p.due_local.slice(0, 10) >= from && p.due_local.slice(0, 10) <= to,
  );
  const slots = state.accounts.flatMap((a) =>
    state.slotsOf(a, from, daysBetween(from, to) + 1).map((s) => ({ account_id: a.id, ...s })),
  );
  return { items: items.map(summary), slots, truncated: false };
}

export function list({ state, query }: Call) {
  const states = (query.get("state") ?? "").split(",").filter(Boolean);
  const q = (query.get("q") ?? "").toLowerCase();
  const account = query.get("account_id");
  const items = [...state.posts.values()].filter(
    (p) =>
      (states.length === 0 || states.includes(p.state)) &&
      (!account || p.account.id === account) &&
      p.text.toLowerCase().includes(q),
  );
  items.sort(
    (a, b) =>
      (query.get("state") === "awaiting_approval" ? 1 : -1) * a.created_at.localeCompare(b.created_at),
  );
  return { items: items.map(summary), next_cursor: null };
}

export function create(call: Call) {
  const a = call.state.account(str(call.body.account_id));
  if (!a) throw new Refusal(404, "not_found", "This account is not here any more.");
  const texts = (call.body.parts as { text: string }[]).map((p) => p.text);
  const p = call.state.add(makePost(a, "draft", texts, { origin: "person", created_at: at(0) }));
  if (call.body.submit) p.state = "awaiting_approval";
  call.state.put(p);
  call.state.note("post.created", "post", p.id, a.id, me, `${me} drafted a post`);
  return p;
}

export function patchPost(call: Call) {
  const p = post(call);
  if (call.ifMatch !== p.etag)
    throw new Refusal(
      412,
      "stale",
      "Someone changed this post after you opened it.",
      "Load the newest version and make your change again.",
    );
  return call.state.edit(
    p,
    (call.body.parts as { text: string }[]).map((x) => x.text),
    str(call.body.note),
  );
}

export function patchAccount(call: Call): Account {
  const a = call.state.account(call.params[0] ?? "");
  if (!a) throw new Refusal(404, "not_found", "This account is not here any more.");
  if (call.ifMatch !== a.etag)
    throw new Refusal(
      412,
      "stale",
      "Someone else saved this account after you opened it.",
      "Load the newest version and make your change again.",
    );
  Object.assign(a, call.body, { etag: String(Number(a.etag) + 1) });
  call.state.note("account.changed", "account", a.id, a.id, me, `${me} changed the profile of @${a.handle}`);
  return a;
}

export const move =
  (state: Post["state"], action: string, words: string): Handler =>
  (call) =>
    call.state.change(post(call), { state, why_not_out: null }, action, me, `${me} ${words}`);

export function pause(call: Call, paused: boolean): Account {
  const a = call.state.account(call.params[0] ?? "");
  if (!a) throw new Refusal(404, "not_found", "This account is not here any more.");
  Object.assign(a, {
    paused,
    pause_reason: paused ? str(call.body.reason) : "",
    etag: String(Number(a.etag) + 1),
  });
  call.state.note(
    "account.paused",
    "account",
    a.id,
    a.id,
    me,
    `${me} ${paused ? "paused" : "resumed"} @${a.handle}`,
  );
  return a;
}

export function resolve(call: Call): Post {
  const found = call.body.found === true;
  const patch: Partial<Post> = found
    ? {
        state: "published",
        published_at: at(-800),
        lateness_ms: 1200,
        remote_url: str(call.body.remote_url),
      }
    : { state: "scheduled", ...call.state.dueAt(post(call), at(4)) };
  return call.state.change(
    post(call),
    patch,
    "post.resolved",
    me,
    `${me} ${found ? "found it on X" : "had it sent again"}`,
  );
}

export function attempts(call: Call) {
  const p = post(call);
  const base = {
    id: "1",
    part: 0,
    number: 1,
    started_at: p.due_at ?? at(0),
    remote_id: "",
    remote_url: p.remote_url ?? "",
    settled_by: "",
  };
  const end = { finished_at: at(-2) };
  if (p.state === "published")
    return {
      items: [
        {
          ...base,
          ...end,
          state: "accepted",
          code: "",
          detail: "X answered with the new post.",
          settled_by: "answer",
        },
      ],
    };
  if (p.state === "failed")
    return {
      items: [
        {
          ...base,
          ...end,
          state: "refused",
          code: "duplicate_content",
          detail: "X said that this text is already there.",
        },
      ],
    };
  if (p.state === "unknown")
    return {
      items: [
        {
          ...base,
          ...end,
          state: "unknown",
          code: "connection_reset",
          detail:
            "The connection broke after the request was written. Read the account back 3 times: not found yet.",
        },
      ],
    };
  return { items: [] };
}
