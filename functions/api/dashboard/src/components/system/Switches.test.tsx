import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { Switch } from "../../api/model";
import { aMe, anAccount } from "../../test/factories";
import { draw, serve } from "../../test/render";
import { AccountAgents, Switches } from "./Switches";

const account = anAccount({ id: "a2", handle: "tide" });

function thrown(change: Partial<Switch> = {}): Switch {
  return {
    kind: "agent",
    subject: "review",
    account_id: "a2",
    handle: "tide",
    reason: "New voice",
    by: "Bo",
    since: "2026-11-24T10:00:00Z",
    ...change,
  };
}

function setup(switches: Switch[], element = <AccountAgents account={account} />) {
  const body = { quotas: [], breakers: [], switches, held: [], now: new Date().toISOString() };
  const asked = serve({
    "GET /v1/me": () => ({ body: aMe() }),
    "GET /v1/system": () => ({ body }),
    "GET /v1/networks": () => ({ body: { items: [] } }),
    "GET /v1/accounts": () => ({ body: { items: [account] } }),
    "POST /v1/switches/pause": () => ({ body }),
    "POST /v1/switches/resume": () => ({ body }),
  });
  draw([{ path: "/", element }], "/");
  return { user: userEvent.setup(), sent: () => asked.find((s) => s.method === "POST") };
}

describe("the agents of one account", () => {
  it("pauses one for this account alone", async () => {
    const { user, sent } = setup([]);
    await waitFor(() =>
      expect(screen.getByRole("button", { name: "Pause: Drafting for @tide" })).toBeEnabled(),
    );
    await user.click(screen.getByRole("button", { name: "Pause: Drafting for @tide" }));
    const dialog = await screen.findByRole("dialog");
    await user.type(within(dialog).getByLabelText("Why?"), "New voice");
    await user.click(within(dialog).getByRole("button", { name: "Pause" }));
    await waitFor(() =>
      expect(sent()?.body).toEqual({
        kind: "agent",
        subject: "generate",
        account_id: "a2",
        reason: "New voice",
      }),
    );
  });
  it("tells a pause of its own from one for all accounts and from another's", async () => {
    setup([thrown(), thrown({ subject: "generate", account_id: null }), thrown({ account_id: "a1" })]);
    expect(await screen.findByText(/: New voice/)).toBeVisible();
    expect(screen.getByRole("button", { name: "Resume: The reviewer for @tide" })).toBeVisible();
    expect(screen.getByText(/Paused for all accounts/)).toBeVisible();
    expect(screen.getByRole("button", { name: "Pause: Drafting for @tide" })).toBeVisible();
  });
  it("is resumed from the System page too", async () => {
    const { user, sent } = setup([], <Switches thrown={[thrown()]} zone="UTC" />);
    const resume = await screen.findByRole("button", { name: "Resume: The reviewer for @tide" });
    await waitFor(() => expect(resume).toBeEnabled());
    await user.click(resume);
    await waitFor(() => expect(sent()?.body).toEqual({ kind: "agent", subject: "review", account_id: "a2" }));
  });
});
