// A development stand-in for /v1, after the contract. It keeps its state in
// memory, sends posts when they fall due and lets their numbers grow.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect } from "vite";
import { meBody, Refusal } from "./handlers.ts";
import { routes } from "./routes.ts";
import { at } from "./seed.ts";
import { State } from "./state.ts";

function tick(state: State): void {
  for (const p of state.posts.values()) {
    if (p.state === "scheduled" && p.due_at && Date.parse(p.due_at) <= Date.now()) {
      state.change(p, { state: "sending" }, "post.sending", "Rostrum", "Rostrum began to send it");
      setTimeout(() => {
        const late = Math.max(1, Date.now() - Date.parse(p.due_at ?? at(0)) - 900);
        state.change(
          p,
          {
            state: "published",
            published_at: at(0),
            lateness_ms: late,
            remote_url: "https://x.example/status/2",
            why_not_out: null,
          },
          "post.published",
          "Rostrum",
          "Rostrum published it",
        );
      }, 900);
    }
  }
}

async function readBody(req: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text ? (JSON.parse(text) as Record<string, unknown>) : {};
}

function answer(res: ServerResponse, status: number, body: unknown, type = "application/json"): void {
  res.writeHead(status, { "Content-Type": type });
  res.end(body === null ? "" : JSON.stringify(body));
}

function refuse(res: ServerResponse, r: Refusal): void {
  const body = { title: r.detail, status: r.status, detail: r.detail, code: r.code, hint: r.hint };
  answer(res, r.status, body, "application/problem+json");
}

function session(state: State, method: string, body: Record<string, unknown>, res: ServerResponse): void {
  state.signedIn = method === "POST" && body.password === "rostrum-demo";
  if (method === "DELETE") answer(res, 204, null);
  else if (state.signedIn) answer(res, 200, meBody(state));
  else
    refuse(
      res,
      new Refusal(401, "wrong_credentials", "Email or password is wrong.", "Check both and try again."),
    );
}

async function serve(state: State, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const url = new URL(req.url ?? "/", "http://localhost");
  const path = url.pathname.slice(3);
  const method = req.method ?? "GET";
  const body = await readBody(req);
  if (path === "/session") {
    session(state, method, body, res);
    return;
  }
  if (!state.signedIn) {
    refuse(res, new Refusal(401, "sign_in_required", "You are signed out.", "Sign in again."));
    return;
  }
  const ifMatch = (req.headers["if-match"] ?? "").replaceAll('"', "");
  for (const [m, pattern, handler] of routes) {
    const match = m === method ? pattern.exec(path) : null;
    if (!match) continue;
    try {
      const out = handler({ state, params: match.slice(1), query: url.searchParams, body, ifMatch });
      answer(res, out === null ? 204 : 200, out);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(res, error);
    }
    return;
  }
  refuse(res, new Refusal(404, "not_found", "No such address."));
}

export function mockMiddleware(): Connect.NextHandleFunction {
  const state = new State();
  setInterval(() => {
    tick(state);
  }, 250).unref();
  return (req, res, next) => {
    if (!req.url?.startsWith("/v1/")) {
      next();
      return;
    }
    serve(state, req, res).catch(next);
  };
}
