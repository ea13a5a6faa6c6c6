import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { describe, expect, it } from "vitest";
import type { Account } from "../api/model";
import { anAccount } from "../test/factories";
import { serve } from "../test/render";
import { useProfileForm } from "./useProfileForm";

function wrapper({ children }: { children: ReactNode }) {
  return (
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>{children}</QueryClientProvider>
    </MantineProvider>
  );
}

/** A server that holds one account and insists on the newest ETag. */
function setup(held: Account) {
  let stored = held;
  const asked = serve({
    "GET /v1/accounts/a1": () => ({ body: stored }),
    "PATCH /v1/accounts/a1": (sent) => {
      if (sent.headers.get("If-Match") !== `"${stored.etag}"`)
        return { status: 412, body: { code: "stale" } };
      stored = { ...stored, ...(sent.body as Partial<Account>), etag: `${stored.etag}+` };
      return { body: stored };
    },
  });
  const { result } = renderHook(() => useProfileForm(anAccount({ etag: "1" })), { wrapper });
  return { result, stored: () => stored, asked };
}

describe("saving an account", () => {
  it("sends only what was changed, with the ETag that was seen", async () => {
    const { result, asked } = setup(anAccount({ etag: "1" }));
    act(() => result.current.set("voice", "Warm"));
    expect(result.current.changed).toEqual(["voice"]);
    act(() => result.current.save());
    await waitFor(() => expect(result.current.changed).toEqual([]));
    expect(asked.find((s) => s.method === "PATCH")?.body).toEqual({ voice: "Warm" });
  });
  it("joins two people's changes to different fields by itself", async () => {
    const { result, stored } = setup(anAccount({ etag: "2", goals: ["Theirs"] }));
    act(() => result.current.set("voice", "Mine"));
    act(() => result.current.save());
    await waitFor(() => expect(stored()).toMatchObject({ voice: "Mine", goals: ["Theirs"] }));
    expect(result.current.clash).toBeNull();
  });
  it("asks when both changed the same field, and loses neither", async () => {
    const { result, stored } = setup(anAccount({ etag: "2", voice: "Theirs" }));
    act(() => result.current.set("voice", "Mine"));
    act(() => result.current.save());
    await waitFor(() => expect(result.current.clash?.fields).toEqual(["voice"]));
    expect(stored().voice).toBe("Theirs");
    expect(result.current.mine.voice).toBe("Mine");
    act(() => result.current.save());
    await waitFor(() => expect(stored().voice).toBe("Mine"));
  });
});
