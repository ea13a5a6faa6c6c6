import { screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { aMe, anAccount, aPost } from "../../test/factories";
import { draw, serve } from "../../test/render";
import { Standing } from "./Standing";

it("does not say that a post goes out at its second while something holds it", async () => {
  serve({
    "GET /v1/me": () => ({ body: aMe() }),
    "GET /v1/accounts": () => ({ body: { items: [anAccount()] } }),
  });
  const why = "@acme is paused by Bo since 14:18: a rewrite. It goes out once somebody resumes it.";
  const post = aPost({
    state: "scheduled",
    due_at: "2026-11-24T10:00:00Z",
    hold: { code: "account_paused", sentence: why, action: "resume_account", since: null, until: null },
    why_not_out: why,
    failure: { code: "rate_limited", sentence: "X asks to wait 15 min." },
  });
  draw([{ path: "/", element: <Standing post={post} /> }], "/");
  expect(await screen.findByText(why)).toBeVisible();
  expect(screen.getByText("It is approved and kept back.")).toBeVisible();
  expect(screen.queryByText(/goes out at its second/)).toBeNull();
  expect(screen.getByText(why)).toHaveAttribute("data-tone", "amber");
});
