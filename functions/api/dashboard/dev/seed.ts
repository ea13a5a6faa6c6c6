// Sample data of the development mock. Nothing here reaches the bundle.
import { createHash, randomUUID } from "node:crypto";
import type { Account, Finding, Idea, Post, PostState, Version } from "../src/api/model.ts";

export const at = (offsetSeconds: number): string =>
  new Date(Math.floor(Date.now() / 1000) * 1000 + offsetSeconds * 1000).toISOString().replace(".000Z", "Z");

export const hashOf = (parts: { text: string }[]): string =>
  createHash("sha256")
    .update(parts.map((p) => p.text).join("\u0000"))
    .digest("hex");

function account(handle: string, name: string, zone: string, extra: Partial<Account>): Account {
  return {
    id: randomUUID(),
    network: "x",
    handle,
    display_name: name,
    status: "connected",
    paused: false,
    pause_reason: "",
    limited_until: null,
    time_zone: zone,
    goals: [],
    interests: [],
    projects: [],
    audience: "",
    voice: "",
    guidelines: "",
    banned_words: [],
    slots: [1, 2, 3, 4, 5].flatMap((weekday) => [
      { weekday, time: "09:30" },
      { weekday, time: "16:00" },
    ]),
    posts_per_week: 7,
    min_gap_minutes: 90,
    catch_up: "send_within",
    catch_up_within_minutes: 60,
    etag: "1",
    created_at: at(-864000),
    next_slots: [],
    ...extra,
  };
}

export function seedAccounts(): Account[] {
  return [
    account("tidewater_labs", "Tidewater Labs", "Europe/Berlin", {
      goals: ["Be the first name for coastal sensor data", "Win 20 pilot towns by summer"],
      interests: ["flood forecasting", "open hardware", "LoRaWAN"],
      projects: [{ name: "Kelp", about: "A tide gauge under 80 euros, open design" }],
      audience: "Engineers and civil servants in coastal towns",
      voice: "Plain, curious, exact. Numbers before adjectives.",
      guidelines: "No exclamation marks. Name the source of every figure.",
      banned_words: ["revolutionary", "game-changing"],
    }),
    account("marta_builds", "Marta Okafor", "America/New_York", {
      goals: ["Show the work behind the studio"],
      interests: ["timber framing", "repair"],
      projects: [{ name: "The long barn", about: "Restoring a barn of 1870 in public" }],
      audience: "People who build things",
      voice: "First person, dry humour",
      slots: [
        { weekday: 1, time: "08:00" },
        { weekday: 3, time: "08:00" },
        { weekday: 6, time: "10:15" },
      ],
      created_at: at(-764000),
    }),
  ];
}

export function makePost(a: Account, state: PostState, texts: string[], extra: Partial<Post> = {}): Post {
  const parts = texts.map((text) => ({ text, length: text.length, limit: 280, media: [] }));
  return {
    id: randomUUID(),
    account: { id: a.id, handle: a.handle, network: "x", display_name: a.display_name },
    state,
    revision: 1,
    etag: "1",
    text: texts[0] ?? "",
    parts_count: parts.length,
    due_at: null,
    due_local: null,
    due_zone: null,
    hold: null,
    needs_person: state === "awaiting_approval" || state === "unknown",
    published_at: null,
    lateness_ms: null,
    remote_url: null,
    failure: null,
    findings_count: { block: 0, warn: 0, note: 0 },
    created_at: at(-7200),
    updated_at: at(-600),
    origin: "agent",
    recurrence_id: null,
    parts,
    content_hash: hashOf(parts),
    version: { id: randomUUID(), number: 1, note: "", created_by: "Writer", created_at: at(-7200) },
    idea: null,
    review: null,
    approval: null,
    correlation_id: randomUUID(),
    why_not_out: null,
    schedule_note: null,
    lacks: [],
    actions: [],
    ...extra,
  };
}

export function finding(text: string, quote: string, f: Partial<Finding>): Finding {
  const start = text.indexOf(quote);
  return {
    rule: "fact_against_source",
    severity: "warn",
    part: 0,
    start: Math.max(0, start),
    end: start < 0 ? 0 : start + quote.length,
    quote,
    message: "",
    suggestion: "",
    source_quote: "",
    source_url: "",
    ...f,
  };
}

export function withReview(post: Post, summary: string, findings: Finding[]): Post {
  const tally = { block: 0, warn: 0, note: 0 };
  for (const f of findings) tally[f.severity]++;
  return {
    ...post,
    findings_count: tally,
    review: {
      id: randomUUID(),
      verdict: tally.block > 0 ? "changes" : "pass",
      summary,
      created_at: at(-500),
      version_number: post.version.number,
      stale: false,
      findings,
    },
  };
}

export function idea(a: Account, title: string, extra: Partial<Idea> = {}): Idea {
  return {
    id: randomUUID(),
    account_id: a.id,
    title,
    angle: "Show the one number that surprises people, then say how it was measured.",
    goal: a.goals[0] ?? "",
    why: "It ties this week’s news to the first goal and can be checked.",
    quote: "Of 214 gauges along the coast, 61 reported within five minutes of the surge.",
    source_title: "Coastal Monitor: the November surge in numbers",
    source_url: "https://coastalmonitor.example/november-surge",
    state: "new",
    post_id: null,
    created_at: at(-9000),
    ...extra,
  };
}

export function version(post: Post, number: number, texts: string[], by: string, note: string): Version {
  const parts = texts.map((text) => ({ text, length: text.length, limit: 280, media: [] }));
  return {
    id: randomUUID(),
    number,
    parts,
    content_hash: hashOf(parts),
    note,
    created_by: by,
    created_at: at(-7200 + number * 900),
    approved: post.approval?.content_hash === hashOf(parts),
  };
}

export const draftTexts = [
  "A gauge that reports every ten minutes misses the surge that peaks in six. We moved Kelp to one reading per minute and the battery still lasts fourteen months.",
  "What does it cost to know the water level at your own quay? Parts list of this week’s build: 78.40 euros, solder included. The files are open.",
  "Three towns, three harbours, one odd result: the wind explains more of last week’s surge than the tide did. Plots in the thread.",
  "We asked twelve harbour masters what they look at first in the morning. Ten said the same thing, and it was not our dashboard.",
];
