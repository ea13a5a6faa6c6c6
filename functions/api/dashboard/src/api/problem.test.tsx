import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { ProblemNote } from "../components/Empty";
import { api, take } from "./client";
import { asProblem, Problem } from "./problem";

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  vi.stubGlobal("fetch", () =>
    Promise.resolve(
      new Response(JSON.stringify(body), {
        status,
        headers: { "Content-Type": "application/problem+json", ...headers },
      }),
    ),
  );

const draw = (error: unknown) =>
  render(
    <MantineProvider env="test">
      <ProblemNote error={error} />
    </MantineProvider>,
  );

describe("problems", () => {
  it("shows what happened, what to do, and the fields at fault", () => {
    draw(
      new Problem(422, {
        title: "Invalid",
        detail: "Part 2 is 301 of 280.",
        hint: "Shorten it or split it.",
        code: "text_too_long",
        errors: [{ location: "body.parts[1].text", message: "Too long" }],
      }),
    );
    expect(screen.getByRole("alert")).toHaveTextContent("Part 2 is 301 of 280.");
    expect(screen.getByRole("alert")).toHaveTextContent("Shorten it or split it.");
    expect(screen.getByRole("alert")).toHaveTextContent("Too long");
    expect(screen.getByRole("alert")).not.toHaveTextContent("body.parts");
  });
  it("does not say twice what the one field at fault says", () => {
    const said = "This is not the address of a post on X.";
    draw(
      new Problem(422, {
        title: "Invalid",
        detail: said,
        code: "bad_remote_url",
        errors: [{ location: "body.remote_url", message: said }],
      }),
    );
    expect(screen.getAllByText(said)).toHaveLength(1);
  });
  it("reads a problem answer with its Retry-After", async () => {
    answer(429, { title: "Too many attempts", code: "too_many_attempts" }, { "Retry-After": "30" });
    const error = await take(api.GET("/v1/me")).catch((e: unknown) => e);
    expect(asProblem(error)).toMatchObject({ status: 429, code: "too_many_attempts", retryAfterSeconds: 30 });
  });
  it("stays helpful when the answer is no problem document", async () => {
    vi.stubGlobal("fetch", () => Promise.resolve(new Response("<html>bad gateway</html>", { status: 502 })));
    const error = await take(api.GET("/v1/me")).catch((e: unknown) => e);
    draw(error);
    expect(screen.getByRole("alert")).toHaveTextContent("Something went wrong on our side");
    expect(screen.getByRole("alert")).not.toHaveTextContent("html");
  });
  it("tells an unreachable server from a refusal", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    const error = await take(api.GET("/v1/me")).catch((e: unknown) => e);
    expect(asProblem(error)).toMatchObject({ status: 0, code: "unreachable" });
  });
});
