import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Breaker } from "../../api/model";
import { aMe } from "../../test/factories";
import { draw, serve } from "../../test/render";
import { BreakerRow } from "./BreakerRow";

describe("a breaker", () => {
  it("says since when in the middle of its sentence", async () => {
    serve({ "GET /v1/me": () => ({ body: aMe() }) });
    const breaker: Breaker = {
      network: "x",
      account_id: null,
      handle: null,
      state: "closed",
      failures: 3,
      failing_since: new Date().toISOString(),
      retry_at: null,
      last_code: "",
    };
    draw([{ path: "/", element: <BreakerRow breaker={breaker} zone="UTC" /> }], "/");
    expect(await screen.findByText(/3 failures in a row/)).toHaveTextContent(
      /^3 failures in a row since today \d\d:\d\d\.$/,
    );
  });
});
