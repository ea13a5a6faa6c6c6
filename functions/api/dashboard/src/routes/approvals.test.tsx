import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { Post } from "../api/model";
import { aFinding, aMe, anAccount, aPost } from "../test/factories";
import { draw, type Sent, serve } from "../test/render";
import Approvals from "./approvals";

const routes = [
  { path: "/approvals", element: <Approvals /> },
  { path: "/approvals/:id", element: <Approvals /> },
  { path: "/posts/:id/edit", element: <p>the composer</p> },
];

const first = aPost({ id: "1", parts: [{ text: "The first text", length: 14, limit: 280, media: [] }] });
const second = aPost({ id: "2", parts: [{ text: "The second text", length: 15, limit: 280, media: [] }] });

function setup(posts: Post[], extra: Parameters<typeof serve>[0] = {}) {
  const list = { items: posts, next_cursor: null };
  const asked = serve({
    "GET /v1/me": () => ({ body: aMe() }),
    "GET /v1/accounts": () => ({ body: { items: [anAccount()] } }),
    "GET /v1/posts": () => ({ body: list }),
    ...Object.fromEntries(posts.map((p) => [`GET /v1/posts/${p.id}`, () => ({ body: p })])),
    "POST /v1/posts/1/approve": () => ({
      body: { ...first, state: "scheduled", due_at: "2099-11-25T08:30:00Z" },
    }),
    ...extra,
  });
  draw(routes, "/approvals");
  return { asked, user: userEvent.setup() };
}

const shown = (text: string) => screen.findByText(text, { selector: "article p *, article p" });
const sentTo = (asked: Sent[], path: string) => asked.find((s) => s.method === "POST" && s.path === path);

describe("Approvals by keyboard", () => {
  it("goes to the next with j and back with k", async () => {
    const { user } = setup([first, second]);
    await shown("The first text");
    await user.keyboard("j");
    await shown("The second text");
    await user.keyboard("k");
    await shown("The first text");
  });

  it("approves exactly what is shown with a, and moves on", async () => {
    const { user, asked } = setup([first, second]);
    await shown("The first text");
    await user.keyboard("a");
    await shown("The second text");
    const body = sentTo(asked, "/v1/posts/1/approve")?.body;
    expect(body).toEqual({ revision: 3, content_hash: "hash-of-1", at: "next_slot" });
  });

  it("sends it now after t chose now", async () => {
    const { user, asked } = setup([first, second]);
    await shown("The first text");
    await user.keyboard("ta");
    await shown("The second text");
    expect(sentTo(asked, "/v1/posts/1/approve")?.body).toMatchObject({ at: "now" });
  });

  it("brings a post back when the server refuses", async () => {
    const refuse = {
      status: 409,
      body: { code: "content_moved", detail: "The text changed.", title: "Conflict" },
    };
    const { user } = setup([first], { "POST /v1/posts/1/approve": () => refuse });
    await shown("The first text");
    await user.keyboard("a");
    await shown("The first text");
  });

  it("asks before approving what the reviewer wants fixed", async () => {
    const bad = aPost({
      id: "1",
      findings_count: { block: 1, warn: 0, note: 0 },
      review: {
        id: "r",
        verdict: "changes",
        summary: "One word",
        created_at: first.created_at,
        version_number: 1,
        stale: false,
        findings: [aFinding({ severity: "block" })],
      },
    });
    const { user, asked } = setup([bad]);
    await screen.findByText("Must fix");
    await user.keyboard("a");
    const anyway = await screen.findByRole("button", { name: "Approve anyway" });
    expect(sentTo(asked, "/v1/posts/1/approve")).toBeUndefined();
    await user.click(anyway);
    await waitFor(() => expect(sentTo(asked, "/v1/posts/1/approve")).toBeDefined());
  });

  it("requests changes with a reason, and edits with e", async () => {
    const { user, asked } = setup([first, second], {
      "POST /v1/posts/1/request-changes": () => ({ body: { ...first, state: "changes_requested" } }),
    });
    await shown("The first text");
    await user.keyboard("r");
    await user.type(await screen.findByLabelText("What should change?"), "Name the source");
    await user.keyboard("{Control>}{Enter}{/Control}");
    await waitFor(() =>
      expect(sentTo(asked, "/v1/posts/1/request-changes")?.body).toEqual({ reason: "Name the source" }),
    );
    await shown("The second text");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await user.keyboard("e");
    await screen.findByText("the composer");
  });

  it("does not approve without the right to", async () => {
    const { user, asked } = setup([aPost({ id: "1", actions: ["edit"] })]);
    await shown("The first text");
    await user.keyboard("a");
    expect(screen.getByRole("button", { name: /Approve/ })).toBeDisabled();
    expect(sentTo(asked, "/v1/posts/1/approve")).toBeUndefined();
  });
});
