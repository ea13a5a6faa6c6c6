import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactElement } from "react";
import { createMemoryRouter, RouterProvider } from "react-router";
import { vi } from "vitest";
import { OverlaysContext } from "../lib/overlays";

export interface Sent {
  method: string;
  path: string;
  body: unknown;
  headers: Headers;
}

type Answers = Record<string, (sent: Sent) => { status?: number; body: unknown }>;

/** Puts a server in place of fetch: "GET /v1/posts" to its answer. Returns what was asked of it. */
export function serve(answers: Answers): Sent[] {
  const asked: Sent[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname } = new URL(request.url);
    const text = await request.text();
    const sent = {
      method: request.method,
      path: pathname,
      body: text ? (JSON.parse(text) as unknown) : undefined,
      headers: request.headers,
    };
    asked.push(sent);
    const answer = answers[`${request.method} ${pathname}`]?.(sent) ?? {
      status: 404,
      body: { code: "not_found" },
    };
    return new Response(JSON.stringify(answer.body), {
      status: answer.status ?? 200,
      headers: { "Content-Type": "application/json" },
    });
  });
  return asked;
}

export const opened: string[] = [];

/** Draws pages at their routes, as the Shell would. */
export function draw(routes: { path: string; element: ReactElement }[], at: string) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const router = createMemoryRouter(routes, { initialEntries: [at] });
  const open = (what: string) => () => void opened.push(what);
  const overlays = {
    openPalette: open("palette"),
    openHelp: open("help"),
    openGenerate: open("generate"),
    openMove: open("move"),
  };
  const view = render(
    <MantineProvider env="test">
      <QueryClientProvider client={client}>
        <OverlaysContext.Provider value={overlays}>
          <RouterProvider router={router} />
        </OverlaysContext.Provider>
      </QueryClientProvider>
    </MantineProvider>,
  );
  return { ...view, client, router };
}
