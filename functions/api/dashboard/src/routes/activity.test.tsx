import { screen } from "@testing-library/react";
import { expect, it } from "vitest";
import type { AuditEvent } from "../api/model";
import { aMe, anAccount } from "../test/factories";
import { draw, serve } from "../test/render";
import Activity from "./activity";

const event: AuditEvent = {
  id: "e1",
  at: "2026-11-24T10:00:00Z",
  actor: { kind: "system", name: "publish" },
  action: "post.published",
  sentence: "The sender published it.",
  subject_kind: "post",
  subject_id: "p1",
  account_id: "a2",
  detail: {},
};

it("says which account each event is about", async () => {
  serve({
    "GET /v1/me": () => ({ body: aMe() }),
    "GET /v1/accounts": () => ({ body: { items: [anAccount(), anAccount({ id: "a2", handle: "tide" })] } }),
    "GET /v1/audit": () => ({
      body: {
        items: [event, { ...event, id: "e2", sentence: "Ada signed in.", account_id: null }],
        next_cursor: null,
      },
    }),
  });
  draw([{ path: "/", element: <Activity /> }], "/");
  expect(await screen.findByText("Ada signed in.")).toBeVisible();
  const links = await screen.findAllByRole("link", { name: /@tide/ });
  expect(links).toHaveLength(1);
  expect(links[0]).toHaveAttribute("href", "/accounts/a2");
});
