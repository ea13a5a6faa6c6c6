import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { System as SystemBody } from "../api/model";
import { aMe, aNetwork, anAccount } from "../test/factories";
import { draw, serve } from "../test/render";
import System from "./system";

const quiet: SystemBody = { quotas: [], breakers: [], switches: [], held: [], now: new Date().toISOString() };

function setup(system: Partial<SystemBody> = {}, permissions = aMe().permissions.concat("manage_workspace")) {
  const asked = serve({
    "GET /v1/me": () => ({ body: aMe({ permissions }) }),
    "GET /v1/system": () => ({ body: { ...quiet, ...system } }),
    "GET /v1/queues": () => ({ body: { items: [] } }),
    "GET /v1/networks": () => ({ body: { items: [aNetwork(), aNetwork({ network: "instagram" })] } }),
    "GET /v1/accounts": () => ({
      body: { items: [anAccount(), anAccount({ id: "a2", network: "instagram", handle: "tide.grams" })] },
    }),
    "POST /v1/system/pause": () => ({ body: { ...quiet, ...system } }),
    "POST /v1/system/try": () => ({ body: { trying: true } }),
  });
  draw([{ path: "/system", element: <System /> }], "/system");
  return { user: userEvent.setup(), sent: () => asked.find((s) => s.method === "POST") };
}

const failing = {
  state: "open" as const,
  failures: 5,
  failing_since: "2026-11-24T10:00:00Z",
  retry_at: "2099-01-01T00:00:00Z",
  last_code: "http_503",
};

describe("the System page", () => {
  it("has a switch for each network with an account, and pauses the one that is meant", async () => {
    const { user, sent } = setup();
    expect(await screen.findByRole("button", { name: "Pause: Sending to X" })).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Pause: Sending to Instagram" }));
    const dialog = await screen.findByRole("dialog");
    expect(within(dialog).getByText(/Nothing goes out to Instagram/)).toBeVisible();
    await user.type(within(dialog).getByLabelText("Why?"), "Trouble there");
    await user.click(within(dialog).getByRole("button", { name: "Pause" }));
    await waitFor(() =>
      expect(sent()?.body).toEqual({ kind: "network", subject: "instagram", reason: "Trouble there" }),
    );
  });
  it("says who paused a network and why, and offers to resume it", async () => {
    const { user } = setup({
      switches: [
        {
          kind: "network",
          subject: "instagram",
          account_id: null,
          handle: null,
          reason: "Trouble there",
          by: "Bo",
          since: "2026-11-24T10:00:00Z",
        },
      ],
    });
    expect(await screen.findByText(/: Trouble there/)).toHaveTextContent(/^By Bo/);
    await user.tab();
    expect(screen.getByRole("button", { name: "Resume: Sending to Instagram" })).toBeEnabled();
    expect(screen.getByRole("button", { name: "Pause: Sending to X" })).toBeEnabled();
  });
  it("names the breaker of each network and tries the one that is pressed", async () => {
    const { user, sent } = setup({
      breakers: [
        { ...failing, network: "x", account_id: null, handle: null, retry_at: null },
        { ...failing, network: "instagram", account_id: null, handle: null },
      ],
    });
    expect(await screen.findByText("Instagram")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Try now" }));
    await waitFor(() => expect(sent()?.body).toEqual({ network: "instagram" }));
  });
  it("lets nobody without the right throw a switch", async () => {
    setup({}, ["read_workspace"]);
    expect(await screen.findByRole("button", { name: "Pause: Sending to X" })).toBeDisabled();
  });
});
