// The in-memory workspace behind the development mock.
import { randomUUID } from "node:crypto";
import type {
  Account,
  AuditEvent,
  Changes,
  Generation,
  Idea,
  Post,
  PostSummary,
  Source,
  Version,
} from "../src/api/model.ts";
import { actionsIn, instantOf } from "./rules.ts";
import { addDays, localTime, weekdayOf } from "../src/lib/time.ts";
import {
  at,
  draftTexts,
  finding,
  hashOf,
  idea,
  makePost,
  seedAccounts,
  version,
  withReview,
} from "./seed.ts";

export class State {
  accounts: Account[] = seedAccounts();
  posts = new Map<string, Post>();
  versions = new Map<string, Version[]>();
  ideas: Idea[] = [];
  sources: Source[] = [];
  generations: Generation[] = [];
  audit: AuditEvent[] = [];
  changes: Changes["items"] = [];
  paused = { paused: false, pause_reason: "" };
  signedIn = false;

  constructor() {
    this.seed();
  }

  note(action: string, kind: string, id: string, accountId: string, name: string, sentence: string): void {
    const who = name === "Ada Lindqvist" ? "person" : "system";
    this.changes.push({ action, subject_kind: kind, subject_id: id, account_id: accountId });
    this.audit.unshift({
      id: randomUUID(),
      at: at(0),
      actor: { kind: who, name },
      action,
      sentence,
      detail: {},
      subject_kind: kind,
      subject_id: id,
      account_id: accountId || null,
    });
  }

  put(post: Post): Post {
    post.actions = actionsIn[post.state];
    post.needs_person = ["awaiting_approval", "unknown"].includes(post.state);
    post.text = post.parts[0]?.text ?? "";
    post.parts_count = post.parts.length;
    this.posts.set(post.id, post);
    return post;
  }

  change(post: Post, patch: Partial<Post>, action: string, by: string, sentence: string): Post {
    Object.assign(post, patch, { updated_at: at(0), etag: String(Number(post.etag) + 1) });
    this.put(post);
    this.note(action, "post", post.id, post.account.id, by, sentence);
    return post;
  }

  taken(accountId: string): Set<string> {
    return new Set(
      [...this.posts.values()]
        .filter((p) => p.account.id === accountId && p.due_local)
        .map((p) => (p.due_local ?? "").slice(0, 16)),
    );
  }

  slotsOf(a: Account, from: string, days: number): { local: string; due_at: string; taken: boolean }[] {
    const taken = this.taken(a.id);
    const out = [];
    for (let i = 0; i < days; i++) {
      const date = addDays(from, i);
      for (const s of a.slots.filter((x) => x.weekday === weekdayOf(date))) {
        const local = `${date}T${s.time}:00`;
        out.push({ local, due_at: instantOf(local, a.time_zone), taken: taken.has(local.slice(0, 16)) });
      }
    }
    return out;
  }

  account(id: string): Account | undefined {
    const a = this.accounts.find((x) => x.id === id);
    if (a) {
      a.next_slots = this.slotsOf(a, localTime(Date.now(), a.time_zone).date, 14)
        .filter((s) => !s.taken && Date.parse(s.due_at) > Date.now())
        .slice(0, 10)
        .map(({ local, due_at }) => ({ local, due_at }));
    }
    return a;
  }

  dueAt(post: Post, dueAt: string): Partial<Post> {
    const zone = this.account(post.account.id)?.time_zone ?? "UTC";
    const l = localTime(dueAt, zone);
    return { due_at: dueAt, due_zone: zone, due_local: `${l.date}T${l.time}:${dueAt.slice(17, 19)}` };
  }

  edit(post: Post, texts: string[], note: string): Post {
    const parts = texts.map((text) => ({ text, length: text.length, limit: 280, media: [] }));
    const number = post.version.number + 1;
    this.versions.get(post.id)?.unshift(version(post, number, texts, "Ada Lindqvist", note));
    return this.change(
      post,
      {
        parts,
        content_hash: hashOf(parts),
        revision: post.revision + 1,
        state: "draft",
        approval: null,
        due_at: null,
        due_local: null,
        hold: null,
        review: post.review ? { ...post.review, stale: true } : null,
        version: { id: randomUUID(), number, note, created_by: "Ada Lindqvist", created_at: at(0) },
      },
      "post.edited",
      "Ada Lindqvist",
      `Ada Lindqvist wrote version ${number}`,
    );
  }

  add(post: Post, texts: string[][] = []): Post {
    this.put(post);
    const all = [...texts, post.parts.map((p) => p.text)];
    post.version.number = all.length;
    this.versions.set(
      post.id,
      all
        .map((t, i) =>
          version(post, i + 1, t, i === 0 ? "Writer" : "Ada Lindqvist", i === 0 ? "" : "Shorter"),
        )
        .reverse(),
    );
    if (post.review) post.review.version_number = all.length;
    return post;
  }

  newDraft(a: Account, n: number): Post {
    const text = draftTexts[n % draftTexts.length] ?? "";
    const i = idea(a, "Minute readings catch what ten-minute ones miss", { state: "drafted" });
    const p = withReview(
      makePost(a, "awaiting_approval", [text], { idea: i, created_at: at(0) }),
      "Reads well and keeps to the source.",
      [],
    );
    this.add(p);
    this.note("post.submitted", "post", p.id, a.id, "Reviewer", "Reviewer passed version 1");
    return p;
  }

  private seed(): void {
    const [tide, marta] = this.accounts;
    if (!tide || !marta) return;
    const surge =
      "Last week’s surge peaked 38 minutes before the official gauge reported it. Of 214 stations, only 61 answered within five minutes. A revolutionary mesh of cheap sensors would have caught it.";
    const i1 = idea(tide, "Most gauges reported the surge too late", { state: "drafted" });
    this.add(
      withReview(
        makePost(tide, "awaiting_approval", [surge], { idea: i1, created_at: at(-5400) }),
        "One banned word, and one figure the source does not give.",
        [
          finding(surge, "38 minutes", {
            message: "The source says the delay was “over half an hour”; it gives no exact figure.",
            suggestion: "over half an hour",
            source_quote: "the official gauge lagged the peak by over half an hour",
            source_url: "https://coastalmonitor.example/november-surge",
          }),
          finding(surge, "revolutionary", {
            rule: "banned_word",
            severity: "block",
            message: "“revolutionary” is on this account’s list of banned words.",
            suggestion: "Drop the word",
          }),
          finding(surge, "Of 214 stations, only 61", {
            severity: "note",
            message: "Matches the source.",
            source_quote: "Of 214 gauges along the coast, 61 reported within five minutes of the surge.",
            source_url: "https://coastalmonitor.example/november-surge",
          }),
        ],
      ),
      [
        [
          "Last week’s storm surge peaked about 38 minutes before the official gauge reported it. Of 214 stations, only 61 answered in time. A revolutionary mesh of cheap sensors would have caught it!",
        ],
      ],
    );
    const thread = [
      "How do you lift a barn of 1870 without moving it? Slowly, and with eleven jacks. A thread on last Saturday.",
      "First lesson: the sill was not rotten where everyone said it was. It was rotten where nobody looks, under the north door.",
      "Second lesson: old oak does not creak before it goes. We stopped at 14 mm and waited a night.",
    ];
    this.add(
      withReview(
        makePost(marta, "awaiting_approval", thread, {
          idea: idea(marta, "Lifting the barn in eleven steps", { state: "drafted" }),
        }),
        "Good thread. One note on its length.",
        [
          finding(thread[2] ?? "", "14 mm", {
            part: 2,
            severity: "note",
            rule: "plain_units",
            message: "Many readers think in inches; 14 mm is a little over half an inch.",
          }),
        ],
      ),
    );
    this.add(
      withReview(
        makePost(tide, "awaiting_approval", [draftTexts[1] ?? ""], {
          idea: idea(tide, "The true price of a tide gauge", { state: "drafted" }),
        }),
        "Keeps to the source; nothing to fix.",
        [],
      ),
    );
    const slots = this.slotsOf(tide, localTime(Date.now(), tide.time_zone).date, 12).filter(
      (s) => Date.parse(s.due_at) > Date.now(),
    );
    const approval = {
      by: "Ada Lindqvist",
      kind: "person" as const,
      decided_at: at(-1200),
      revoked_at: null,
    };
    const scheduled = (a: Account, texts: string[], due: string) => {
      const p = makePost(a, "scheduled", texts);
      Object.assign(p, this.dueAt(p, due), {
        approval: { ...approval, content_hash: p.content_hash },
        why_not_out: "It is approved and waits for its time.",
      });
      return this.add(p);
    };
    scheduled(tide, [draftTexts[0] ?? ""], at(95));
    scheduled(
      tide,
      ["Our gauge at Cuxhaven has now run 400 days on one battery pack. The log, hour by hour, is public."],
      slots[0]?.due_at ?? at(90000),
    );
    scheduled(marta, ["Fourteen pegs, one mallet, no glue. The king post went in at noon."], at(30000));
    scheduled(tide, [draftTexts[3] ?? ""], slots[2]?.due_at ?? at(190000));
    const out = (a: Account, texts: string[], ago: number, late: number) => {
      const p = makePost(a, "published", texts);
      Object.assign(p, this.dueAt(p, at(-ago)), {
        published_at: new Date(Date.parse(at(-ago)) + late).toISOString(),
        lateness_ms: late,
        remote_url: "https://x.example/tidewater_labs/status/1",
        approval: { ...approval, content_hash: p.content_hash },
      });
      return this.add(p);
    };
    out(
      tide,
      [
        "The surge in one chart: predicted, measured, and what the harbour saw. https://tidewater.example/surge",
      ],
      5400,
      142,
    );
    out(marta, ["The barn stands on its own feet again. 151 years and one very long weekend."], 90000, 388);
    out(
      tide,
      ["Kelp rev 4 is out: 78.40 euros in parts, fourteen months per battery, all files open."],
      170000,
      97,
    );
    const failed = makePost(marta, "failed", ["Sill beam in. Photo later."], {
      failure: {
        code: "duplicate_content",
        sentence: "X refused it: this account posted the same text before.",
      },
      why_not_out: "X refused it because the same text was posted before. Change the text and send it again.",
    });
    Object.assign(failed, this.dueAt(failed, at(-4000)));
    this.add(failed);
    const unknown = makePost(
      tide,
      "unknown",
      ["High water at 14:12 today, 22 cm over the forecast. Live curve on the quay display."],
      {
        why_not_out:
          "X took the request but the connection broke before it answered. Reading the account back has not found it yet.",
      },
    );
    Object.assign(unknown, this.dueAt(unknown, at(-900)), {
      approval: { ...approval, content_hash: unknown.content_hash },
    });
    this.add(unknown);
    const wanted = makePost(marta, "changes_requested", ["Nobody tells you that old nails are square."], {
      origin: "person",
    });
    this.add(wanted);
    this.add(
      makePost(marta, "draft", ["Things I would not do again: trust the first measurement."], {
        origin: "person",
      }),
    );
    this.ideas = [
      idea(tide, "Wind explains more of the surge than the tide"),
      idea(tide, "What harbour masters look at first"),
      idea(marta, "Why the barn has no glue in it", {
        why: "Answers the question readers ask most.",
        quote: "",
      }),
      ...[...this.posts.values()].flatMap((p) => (p.idea ? [{ ...p.idea, post_id: p.id }] : [])),
    ];
    this.sources = [
      {
        id: randomUUID(),
        account_id: tide.id,
        kind: "feed",
        title: "Coastal Monitor",
        url: "https://coastalmonitor.example/feed.xml",
        note: "",
        last_fetched_at: at(-420),
        last_problem: "",
        item_count: 18,
        created_at: at(-86000),
      },
      {
        id: randomUUID(),
        account_id: tide.id,
        kind: "feed",
        title: "Hydro Weekly",
        url: "https://hydroweekly.example/rss",
        note: "",
        last_fetched_at: at(-4000),
        last_problem: "The address answered with a web page instead of a feed.",
        item_count: 0,
        created_at: at(-86000),
      },
      {
        id: randomUUID(),
        account_id: tide.id,
        kind: "note",
        title: "Battery figures",
        url: "",
        note: "400 days at Cuxhaven on one pack.",
        last_fetched_at: null,
        last_problem: "",
        item_count: 1,
        created_at: at(-86000),
      },
    ];
    for (const p of this.posts.values()) {
      this.note(
        "post.created",
        "post",
        p.id,
        p.account.id,
        "Writer",
        `Writer drafted a post for @${p.account.handle}`,
      );
    }
    this.note(
      "post.approved",
      "post",
      [...this.posts.keys()][3] ?? "",
      tide.id,
      "Ada Lindqvist",
      "Ada Lindqvist approved version 1",
    );
    this.changes = [];
  }
}

const detailOnly = [
  "parts",
  "content_hash",
  "version",
  "idea",
  "review",
  "approval",
  "correlation_id",
  "why_not_out",
  "actions",
];

export function summary(p: Post): PostSummary {
  return Object.fromEntries(
    Object.entries(p).filter(([k]) => !detailOnly.includes(k)),
  ) as unknown as PostSummary;
}
