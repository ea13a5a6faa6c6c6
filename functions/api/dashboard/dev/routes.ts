// The mock's route table.
import { aNetwork } from "../src/test/factories";
import { randomUUID } from "node:crypto";
import * as h from "./handlers.ts";
import { at } from "./seed.ts";
import { instantOf } from "./rules.ts";

const { Refusal, me, move, post, str } = h;

export const routes: [string, RegExp, h.Handler][] = [
  ["GET", /^\/me$/, (c) => h.meBody(c.state)],
  ["GET", /^\/networks$/, () => ({ items: [aNetwork(), aNetwork({ network: "instagram" })] })],
  ["GET", /^\/accounts$/, (c) => ({ items: c.state.accounts.map((a) => c.state.account(a.id)) })],
  ["PATCH", /^\/accounts\/([^/]+)$/, h.patchAccount],
  [
    "POST",
    /^\/accounts\/connect$/,
    () => ({ authorize_url: "/accounts?connect_problem=connect_denied&network=x" }),
  ],
  ["POST", /^\/accounts\/([^/]+)\/pause$/, (c) => h.pause(c, true)],
  ["POST", /^\/accounts\/([^/]+)\/resume$/, (c) => h.pause(c, false)],
  [
    "GET",
    /^\/accounts\/([^/]+)\/sources$/,
    (c) => ({ items: c.state.sources.filter((s) => s.account_id === c.params[0]) }),
  ],
  [
    "POST",
    /^\/accounts\/([^/]+)\/sources$/,
    (c) => {
      const s = {
        id: randomUUID(),
        account_id: c.params[0] ?? "",
        kind: "feed" as const,
        title: "",
        url: "",
        note: "",
        last_fetched_at: null,
        last_problem: "",
        item_count: 0,
        created_at: at(0),
        ...c.body,
      };
      if (s.url.includes("localhost"))
        throw new Refusal(
          422,
          "source_address_refused",
          "This address points inside the network.",
          "Give a public address of a feed.",
        );
      c.state.sources.push(s);
      return s;
    },
  ],
  [
    "DELETE",
    /^\/sources\/([^/]+)$/,
    (c) => {
      c.state.sources = c.state.sources.filter((s) => s.id !== c.params[0]);
      return null;
    },
  ],
  [
    "POST",
    /^\/workspace\/pause$/,
    (c) => (c.state.paused = { paused: true, pause_reason: str(c.body.reason) }),
  ],
  ["POST", /^\/workspace\/resume$/, (c) => (c.state.paused = { paused: false, pause_reason: "" })],
  ["POST", /^\/generate$/, (c) => h.generate(c, Number(c.body.wanted), str(c.body.account_id))],
  ["GET", /^\/generations\/([^/]+)$/, (c) => c.state.generations.find((g) => g.id === c.params[0])],
  [
    "GET",
    /^\/ideas$/,
    (c) => ({
      items: c.state.ideas.filter(
        (i) =>
          (c.query.get("state") ?? i.state) === i.state &&
          (c.query.get("account_id") ?? i.account_id) === i.account_id,
      ),
      next_cursor: null,
    }),
  ],
  [
    "POST",
    /^\/ideas\/([^/]+)\/dismiss$/,
    (c) => Object.assign(c.state.ideas.find((i) => i.id === c.params[0]) ?? {}, { state: "dismissed" }),
  ],
  [
    "POST",
    /^\/ideas\/([^/]+)\/draft$/,
    (c) => {
      const i = c.state.ideas.find((x) => x.id === c.params[0]);
      if (i) i.state = "drafted";
      return h.generate(c, 1, i?.account_id ?? "");
    },
  ],
  [
    "GET",
    /^\/runs$/,
    () => ({
      items: [
        {
          id: "1",
          agent: "writer",
          model: "simulated-writer",
          simulated: true,
          prompt_name: "writer",
          prompt_version: "3",
          input_tokens: 1840,
          cached_tokens: 900,
          output_tokens: 212,
          cost_micro_usd: 1240,
          outcome: "ok",
          problem: "",
          started_at: at(-7300),
          duration_ms: 640,
          post_id: null,
          account_id: "",
        },
        {
          id: "2",
          agent: "reviewer",
          model: "simulated-writer",
          simulated: true,
          prompt_name: "reviewer",
          prompt_version: "2",
          input_tokens: 1210,
          cached_tokens: 0,
          output_tokens: 160,
          cost_micro_usd: 910,
          outcome: "ok",
          problem: "",
          started_at: at(-7200),
          duration_ms: 480,
          post_id: null,
          account_id: "",
        },
      ],
      next_cursor: null,
    }),
  ],
  ["GET", /^\/posts$/, h.list],
  ["POST", /^\/posts$/, h.create],
  ["GET", /^\/posts\/([^/]+)$/, post],
  ["PATCH", /^\/posts\/([^/]+)$/, h.patchPost],
  ["GET", /^\/posts\/([^/]+)\/versions$/, (c) => ({ items: c.state.versions.get(c.params[0] ?? "") ?? [] })],
  ["GET", /^\/posts\/([^/]+)\/attempts$/, h.attempts],
  ["GET", /^\/posts\/([^/]+)\/metrics$/, (c) => ({ items: h.readings(post(c)) })],
  [
    "GET",
    /^\/posts\/([^/]+)\/history$/,
    (c) => ({ items: c.state.audit.filter((e) => e.subject_id === c.params[0]) }),
  ],
  ["POST", /^\/posts\/([^/]+)\/approve$/, h.approve],
  [
    "POST",
    /^\/posts\/([^/]+)\/submit$/,
    move("awaiting_approval", "post.submitted", "submitted it for review"),
  ],
  [
    "POST",
    /^\/posts\/([^/]+)\/request-changes$/,
    move("changes_requested", "post.changes_requested", "asked for changes"),
  ],
  ["POST", /^\/posts\/([^/]+)\/reject$/, move("rejected", "post.rejected", "rejected it")],
  ["POST", /^\/posts\/([^/]+)\/cancel$/, move("canceled", "post.canceled", "canceled it")],
  [
    "POST",
    /^\/posts\/([^/]+)\/unschedule$/,
    (c) =>
      c.state.change(
        post(c),
        { state: "awaiting_approval", due_at: null, due_local: null, approval: null },
        "post.unscheduled",
        me,
        `${me} took it off the schedule`,
      ),
  ],
  [
    "POST",
    /^\/posts\/([^/]+)\/(?:publish-now|retry)$/,
    (c) =>
      c.state.change(
        post(c),
        { state: "scheduled", failure: null, ...c.state.dueAt(post(c), at(3)) },
        "post.scheduled",
        me,
        `${me} sent it out now`,
      ),
  ],
  [
    "POST",
    /^\/posts\/([^/]+)\/schedule$/,
    (c) => {
      const due = instantOf(str(c.body.due_local), c.state.account(post(c).account.id)?.time_zone ?? "UTC");
      if (Date.parse(due) < Date.now())
        throw new Refusal(422, "due_in_past", "That time has passed.", "Choose a later one.");
      return c.state.change(
        post(c),
        { state: "scheduled", ...c.state.dueAt(post(c), due) },
        "post.scheduled",
        me,
        `${me} moved it`,
      );
    },
  ],
  ["POST", /^\/posts\/([^/]+)\/resolve$/, h.resolve],
  ["GET", /^\/calendar$/, h.calendar],
  ["GET", /^\/today$/, h.today],
  [
    "GET",
    /^\/changes$/,
    (c) => ({
      cursor: String(c.state.changes.length),
      items: c.query.has("after") ? c.state.changes.slice(Number(c.query.get("after"))) : [],
    }),
  ],
  [
    "GET",
    /^\/queues$/,
    () => ({
      items: ["generate", "review", "publish", "metrics"].map((name, i) => ({
        name,
        visible: i,
        in_flight: i === 2 ? 1 : 0,
        delayed: i === 2 ? 4 : 0,
        dead_letters: i === 3 ? 2 : 0,
      })),
    }),
  ],
  ["GET", /^\/audit$/, (c) => ({ items: c.state.audit, next_cursor: null })],
];
