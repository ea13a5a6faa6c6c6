import createClient from "openapi-fetch";
import type { paths } from "./schema.gen";
import type { ProblemBody } from "./model";
import { Problem } from "./problem";

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: "same-origin",
  // Bound late, so that tests can put their own fetch in place.
  fetch: (request: Request) => globalThis.fetch(request),
});

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Waits for an answer and hands back its body, or throws a Problem. */
export async function take<T>(call: Promise<Answered<T>>): Promise<T> {
  let answer: Answered<T>;
  try {
    answer = await call;
  } catch {
    throw new Problem(0, {});
  }
  if (answer.response.ok) return answer.data as T;
  const retryAfter = Number(answer.response.headers.get("Retry-After"));
  const body = typeof answer.error === "object" && answer.error !== null ? (answer.error as ProblemBody) : {};
  throw new Problem(
    answer.response.status,
    body,
    Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : null,
  );
}

/** A fresh Idempotency-Key: one per thing the person asked for, kept across its retries. */
export function newKey(): string {
  return typeof crypto.randomUUID === "function"
    ? crypto.randomUUID()
    : Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}
