import { screen, within } from "@testing-library/react";
import { expect, it } from "vitest";
import type { Today as TodayBody } from "../api/model";
import { OverlaysContext } from "../lib/overlays";
import { aMe, anAccount, aPost } from "../test/factories";
import { draw, serve } from "../test/render";
import Today from "./today";

const none = { count: 0, items: [] };
const overlays = { openPalette() {}, openHelp() {}, openGenerate() {}, openMove() {} };

function setup(today: Partial<TodayBody>) {
  const body: TodayBody = {
    drafts_in_progress: [],
    failed: [],
    lateness: null,
    needs_me: { awaiting_approval: none, changes_requested: none, held: none, unknown: none },
    next_out: [],
    published: [],
    ...today,
  };
  serve({
    "GET /v1/me": () => ({ body: aMe() }),
    "GET /v1/accounts": () => ({ body: { items: [anAccount()] } }),
    "GET /v1/today": () => ({ body }),
  });
  const element = (
    <OverlaysContext value={overlays}>
      <Today />
    </OverlaysContext>
  );
  draw([{ path: "/", element }], "/");
}

it("counts down to the first post that nothing keeps back, and says of the others that they are held", async () => {
  const hold = {
    code: "rate_limited",
    sentence: "X asks to wait.",
    action: "wait" as const,
    since: null,
    until: null,
  };
  setup({
    next_out: [
      aPost({ id: "1", text: "Kept back", state: "scheduled", due_at: "2026-11-24T10:00:00Z", hold }),
      aPost({ id: "2", text: "Goes out", state: "scheduled", due_at: "2099-11-24T10:00:00Z" }),
    ],
  });
  expect(await screen.findByText("Goes out in")).toBeInTheDocument();
  expect(screen.queryByText("Going out")).toBeNull();
  const held = screen.getByText("Kept back").closest("a");
  expect(within(held as HTMLElement).getByText("On hold")).toBeVisible();
});

it("asks nobody to look while Rostrum does", async () => {
  setup({
    needs_me: {
      awaiting_approval: none,
      changes_requested: none,
      held: none,
      unknown: { count: 1, items: [aPost({ state: "unknown", needs_person: false })] },
    },
  });
  expect(await screen.findByText("Rostrum is finding out whether it went out")).toBeVisible();
  expect(screen.queryByText("Check whether it went out")).toBeNull();
});
