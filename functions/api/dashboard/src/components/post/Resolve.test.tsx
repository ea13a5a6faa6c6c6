import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { aMe, aNetwork, aPost } from "../../test/factories";
import { draw, serve } from "../../test/render";
import { Resolve } from "./Resolve";

const unclear = {
  id: "t1",
  part: 0,
  number: 1,
  state: "unknown",
  started_at: "2026-11-24T10:00:00Z",
  finished_at: "2026-11-24T10:00:01Z",
  remote_id: "",
  remote_url: "",
  code: "connection_reset",
  detail: "The connection broke after the request was written.",
  settled_by: "",
};

function setup(permissions = ["resolve_unknown"], web = "https://x.com", needs_person = true) {
  const post = aPost({
    needs_person,
    state: "unknown",
    actions: ["resolve"],
    failure: { code: "connection_reset", sentence: "Looked 3 times; the post is not on the account so far." },
  });
  const asked = serve({
    "GET /v1/me": () => ({ body: aMe({ permissions }) }),
    "GET /v1/networks": () => ({ body: { items: [aNetwork({ web_url: web })] } }),
    "GET /v1/posts/1/attempts": () => ({ body: { items: [unclear] } }),
    "POST /v1/posts/1/resolve": () => ({ body: { ...post, state: "published" } }),
  });
  draw([{ path: "/", element: <Resolve post={post} /> }], "/");
  const answer = () => asked.find((s) => s.method === "POST")?.body;
  return { user: userEvent.setup(), answer };
}

describe("an unclear post", () => {
  it("shows the evidence and takes the link of the post that is there", async () => {
    const { user, answer } = setup();
    await screen.findByText(/The connection broke/);
    expect(screen.getByText(/Looked 3 times/)).toBeVisible();
    expect(await screen.findByRole("link", { name: /on X/ })).toHaveAttribute(
      "href",
      "https://x.com/tidewater",
    );
    await user.type(screen.getByLabelText("It is there"), "https://x.com/tidewater/status/9");
    await user.click(await screen.findByRole("button", { name: "It is there" }));
    await waitFor(() =>
      expect(answer()).toEqual({ found: true, remote_url: "https://x.com/tidewater/status/9" }),
    );
  });
  it("sends it again only when a person says that it is not there", async () => {
    const { user, answer } = setup();
    await screen.findByText(/The connection broke/);
    expect(answer()).toBeUndefined();
    await user.click(screen.getByRole("button", { name: "Send it again" }));
    await waitFor(() => expect(answer()).toEqual({ found: false, resend: true }));
  });
  it("says that nobody need look while Rostrum does", async () => {
    setup(["resolve_unknown"], "https://x.com", false);
    await screen.findByText(/Rostrum reads the account back/);
    expect(screen.queryByText(/does not send it again by itself/)).toBeNull();
  });
  it("leads to the simulated network when that is what was sent to", async () => {
    setup(["resolve_unknown"], "http://localhost:8081");
    const link = await screen.findByRole("link", { name: /on X/ });
    expect(link).toHaveAttribute("href", "http://localhost:8081/tidewater");
  });
  it("asks nobody without the right to answer", async () => {
    setup([]);
    await screen.findByText(/Your role does not allow/);
    expect(screen.getByRole("button", { name: "Send it again" })).toBeDisabled();
  });
});
