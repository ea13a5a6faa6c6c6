import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { aMe, aNetwork, anAccount } from "../test/factories";
import { draw, serve } from "../test/render";
import Accounts from "./accounts";

const whyNot = "Instagram is not set up here: INSTAGRAM_CLIENT_ID is not set.";

function setup(instagram = {}, items = [anAccount()], at = "/accounts") {
  const { href, origin } = window.location;
  vi.stubGlobal("location", { href, origin, assign: vi.fn() });
  const asked = serve({
    "GET /v1/me": () => ({ body: aMe() }),
    "GET /v1/accounts": () => ({ body: { items } }),
    "GET /v1/networks": () => ({
      body: { items: [aNetwork(), aNetwork({ network: "instagram", ...instagram })] },
    }),
    "POST /v1/accounts/connect": () => ({ body: { authorize_url: "https://network.example/authorize" } }),
  });
  draw([{ path: "/accounts", element: <Accounts /> }], at);
  return { user: userEvent.setup(), sent: () => asked.find((s) => s.method === "POST")?.body };
}

describe("connecting an account", () => {
  it("goes to the network that was chosen", async () => {
    const { user, sent } = setup();
    await waitFor(() => expect(screen.getByRole("button", { name: "Connect an account" })).toBeEnabled());
    await user.click(screen.getByRole("button", { name: "Connect an account" }));
    await user.click(await screen.findByRole("menuitem", { name: "Connect Instagram" }));
    await waitFor(() => expect(sent()).toMatchObject({ network: "instagram" }));
  });
  it("says which setting is missing instead of offering a network", async () => {
    const { user } = setup({ connectable: false, why_not: whyNot });
    await waitFor(() => expect(screen.getByRole("button", { name: "Connect an account" })).toBeEnabled());
    await user.click(screen.getByRole("button", { name: "Connect an account" }));
    const item = await screen.findByRole("menuitem", { name: /Connect Instagram/ });
    expect(item).toHaveTextContent(whyNot);
    expect(item).toHaveAttribute("data-disabled", "true");
  });
  it("offers each network where there is no account yet", async () => {
    const { user, sent } = setup({}, []);
    await user.click(await screen.findByRole("button", { name: "Connect X" }));
    await waitFor(() => expect(sent()).toMatchObject({ network: "x" }));
    expect(screen.getByRole("button", { name: "Connect Instagram" })).toBeVisible();
  });
  it("says in words what went wrong on the way back", async () => {
    setup({}, [anAccount()], "/accounts?connect_problem=other_account&network=instagram");
    expect(await screen.findByText(/You signed in to Instagram as someone else/)).toBeVisible();
  });
});
