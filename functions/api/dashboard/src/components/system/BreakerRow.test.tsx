import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Breaker } from "../../api/model";
import { aMe } from "../../test/factories";
import { draw, serve } from "../../test/render";
import { BreakerRow } from "./BreakerRow";

function aBreaker(change: Partial<Breaker>): Breaker {
  return {
    network: "x",
    account_id: null,
    handle: null,
    state: "closed",
    failures: 3,
    failing_since: null,
    retry_at: null,
    last_code: "",
    ...change,
  };
}

describe("a breaker", () => {
  it.each([
    ["http_503", / \(it answered 503\)\.$/],
    ["connection_reset", / \(connection reset\)\.$/],
    ["code_4_2207051", /^3 failures in a row\.$/],
  ])("says what came last in words: %s", async (last_code, words) => {
    serve({ "GET /v1/me": () => ({ body: aMe() }) });
    draw([{ path: "/", element: <BreakerRow breaker={aBreaker({ last_code })} zone="UTC" /> }], "/");
    expect(await screen.findByText(/3 failures in a row/)).toHaveTextContent(words);
  });
  it("says since when in the middle of its sentence", async () => {
    serve({ "GET /v1/me": () => ({ body: aMe() }) });
    const breaker = aBreaker({ failing_since: new Date().toISOString() });
    draw([{ path: "/", element: <BreakerRow breaker={breaker} zone="UTC" /> }], "/");
    expect(await screen.findByText(/3 failures in a row/)).toHaveTextContent(
      /^3 failures in a row since today \d\d:\d\d\.$/,
    );
  });
});
