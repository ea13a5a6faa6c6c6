import type { ProblemBody } from "./model";

/** A refused or failed request, in words a person can act on. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly hint: string;
  readonly fields: { location: string; message: string }[];
  readonly retryAfterSeconds: number | null;

  constructor(status: number, body: ProblemBody, retryAfterSeconds: number | null = null) {
    const words = fallback(status);
    const title = body.title ?? words.title;
    const detail = body.detail ?? "";
    super(detail || title);
    this.name = "Problem";
    this.status = status;
    this.code = body.code ?? words.code;
    this.title = title;
    this.detail = detail;
    this.hint = body.hint ?? words.hint;
    this.retryAfterSeconds = retryAfterSeconds;
    this.fields = (body.errors ?? []).map((e) => ({ location: e.location ?? "", message: e.message ?? "" }));
  }

  /** What happened, in one line. */
  get sentence(): string {
    return this.detail || this.title;
  }
}

function fallback(status: number): { title: string; code: string; hint: string } {
  if (status === 0) {
    return {
      title: "Rostrum cannot be reached",
      code: "unreachable",
      hint: "Check that it is running and that you are online, then try again. Nothing was changed.",
    };
  }
  if (status === 401) {
    return { title: "You are signed out", code: "sign_in_required", hint: "Sign in again to go on." };
  }
  if (status === 403) {
    return {
      title: "Your role does not allow this",
      code: "forbidden",
      hint: "Ask an owner or a manager of the workspace.",
    };
  }
  if (status === 404) {
    return { title: "This is not here any more", code: "not_found", hint: "It may have been removed." };
  }
  if (status === 412) {
    return {
      title: "Someone changed this in the meantime",
      code: "stale",
      hint: "Load the newest version and make your change again.",
    };
  }
  if (status >= 500) {
    return {
      title: "Something went wrong on our side",
      code: "internal",
      hint: "Try again in a moment. If it stays, look at Settings, System.",
    };
  }
  return { title: "That did not work", code: "error", hint: "" };
}

/** Turns anything thrown into a Problem, so that pages render one thing. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TypeError) return new Problem(0, {});
  return new Problem(-1, { title: "Something went wrong on this page", hint: "Load the page again." });
}
