import { cleanup, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { keep, readKept } from "../lib/autosave";
import { aMe, aNetwork, anAccount, aPost } from "../test/factories";
import { draw, type Sent, serve } from "../test/render";
import Compose from "./compose";

const routes = [
  { path: "/compose", element: <Compose /> },
  { path: "/posts/:id/edit", element: <Compose /> },
  { path: "/posts/:id", element: <p>the post</p> },
];

function setup(at: string, extra: Parameters<typeof serve>[0] = {}) {
  const asked = serve({
    "GET /v1/me": () => ({ body: aMe() }),
    "GET /v1/accounts": () => ({ body: { items: [anAccount()] } }),
    "POST /v1/posts": () => ({ status: 201, body: aPost({ id: "9", state: "in_review" }) }),
    ...extra,
  });
  draw(routes, at);
  return { asked, user: userEvent.setup() };
}
const post = (asked: Sent[]) => asked.find((s) => s.method === "POST");

describe("the composer", () => {
  it("creates a thread for review with one key, and forgets what it kept", async () => {
    const { asked, user } = setup("/compose");
    await user.type(await screen.findByLabelText("Text"), "One");
    await user.click(screen.getByRole("button", { name: "Make it a thread" }));
    await user.type(screen.getByLabelText("Part 2 of 2"), "Two");
    await waitFor(() => expect(screen.getByRole("button", { name: /Send to review/ })).toBeEnabled());
    await user.keyboard("{Control>}{Enter}{/Control}");
    await screen.findByText("the post");
    expect(post(asked)?.body).toEqual({
      account_id: "a1",
      parts: [{ text: "One" }, { text: "Two" }],
      submit: true,
    });
    expect(post(asked)?.headers.get("Idempotency-Key")).toMatch(/\S{16,}/);
    expect(readKept("new")).toBeNull();
  });

  it("keeps what is typed in the browser and brings it back", async () => {
    const first = setup("/compose");
    await first.user.type(await screen.findByLabelText("Text"), "Half a thought");
    await waitFor(() => expect(readKept("new")?.texts).toEqual(["Half a thought"]));
    cleanup();
    const again = setup("/compose");
    expect(await screen.findByLabelText("Text")).toHaveValue("Half a thought");
    await again.user.click(screen.getByRole("button", { name: "Discard" }));
    expect(screen.getByLabelText("Text")).toHaveValue("");
    expect(readKept("new")).toBeNull();
  });

  it("does not send a text that is over the limit", async () => {
    const { user } = setup("/compose");
    const field = await screen.findByLabelText("Text");
    await user.click(field);
    await user.paste("x".repeat(281));
    await waitFor(() => expect(screen.getByText("1 over the limit of 280")).toBeInTheDocument());
    expect(screen.getByRole("button", { name: "Save draft" })).toBeDisabled();
    expect(screen.getByRole("button", { name: "Split where it fits" })).toBeEnabled();
  });

  it("shows both texts when someone saved meanwhile, and loses neither", async () => {
    const mine = aPost({ id: "1", parts: [{ text: "Old", length: 3, limit: 280, media: [] }] });
    const version = { ...mine.version, number: 2, created_by: "Bea" };
    const theirs = aPost({
      id: "1",
      etag: "8",
      version,
      parts: [{ text: "Theirs", length: 6, limit: 280, media: [] }],
    });
    let read = mine;
    const { asked, user } = setup("/posts/1/edit", {
      "GET /v1/posts/1": () => ({ body: read }),
      "PATCH /v1/posts/1": (sent) => {
        if (sent.headers.get("If-Match") === '"8"') return { body: theirs };
        read = theirs;
        return { status: 412, body: { code: "stale", title: "Stale" } };
      },
    });
    const field = await screen.findByLabelText("Text");
    await user.clear(field);
    await user.type(field, "Mine");
    await user.click(screen.getByRole("button", { name: "Save version" }));
    await screen.findByText(/Bea saved version 2/);
    expect(screen.getByLabelText("Text")).toHaveValue("Mine");
    await user.click(screen.getByRole("button", { name: "Save mine as the next version" }));
    await screen.findByText("the post");
    expect(asked.filter((s) => s.method === "PATCH").at(-1)?.body).toEqual({ parts: [{ text: "Mine" }] });
  });

  it("knows what the chosen account's network takes", async () => {
    const { user } = setup("/compose?account=a2", {
      "GET /v1/accounts": () => ({
        body: { items: [anAccount(), anAccount({ id: "a2", network: "instagram", handle: "tide.grams" })] },
      }),
      "GET /v1/networks": () => ({ body: { items: [aNetwork(), aNetwork({ network: "instagram" })] } }),
    });
    const field = await screen.findByLabelText("Caption");
    await user.click(field);
    await user.paste("x".repeat(2201));
    expect(await screen.findByText("1 over the limit of 2200")).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: /thread|Split/ })).toBeNull();
    expect(screen.getByText(/Instagram takes no post without an image/)).toBeVisible();
    await user.type(field, "{Backspace}");
    await waitFor(() => expect(screen.getByRole("button", { name: "Save draft" })).toBeEnabled());
    expect(screen.getByRole("heading", { name: "On Instagram" })).toBeVisible();
  });
  it("joins a thread into one caption for a network without threads", async () => {
    const { user } = setup("/compose?account=a2", {
      "GET /v1/accounts": () => ({ body: { items: [anAccount({ id: "a2", network: "instagram" })] } }),
      "GET /v1/networks": () => ({ body: { items: [aNetwork({ network: "instagram" })] } }),
    });
    await screen.findByLabelText("Caption");
    cleanup();
    keep("new", { texts: ["One", "Two"], accountId: "a2", due: null, base: null, savedAt: Date.now() });
    draw(routes, "/compose?account=a2");
    expect(await screen.findByText(/Instagram has no threads/)).toBeVisible();
    expect(screen.getByRole("button", { name: /Send to review/ })).toBeDisabled();
    await user.click(screen.getByRole("button", { name: "Join into one caption" }));
    expect(screen.getByLabelText("Caption")).toHaveValue("One\n\nTwo");
  });
});
