// The operations of /v1 in the form openapi-fetch reads.
import type * as M from "./model";

type Answer<R> = { responses: { 200: { content: { "application/json": R } } } };
type Params<P, Q> = {
  parameters: { query?: Q; header?: { "If-Match"?: string; "idempotency-key"?: string } } & ([P] extends [
    never,
  ]
    ? { path?: never }
    : { path: P });
};
type Get<R, Q = never, P = never> = Answer<R> & Params<P, Q>;
type Write<R, B = never, P = never> = Answer<R> &
  Params<P, never> &
  ([B] extends [never] ? { requestBody?: never } : { requestBody: { content: { "application/json": B } } });
type Id = { id: string };
type Reason = { reason: string };
interface Paging {
  cursor?: string;
  limit?: number;
}

export interface paths {
  "/v1/session": { post: Write<M.Me, { email: string; password: string }>; delete: Write<unknown> };
  "/v1/me": { get: Get<M.Me> };
  "/v1/accounts": { get: Get<{ items: M.Account[] }> };
  "/v1/accounts/{id}": {
    get: Get<M.Account, never, Id>;
    patch: Write<M.Account, Partial<M.AccountProfile>, Id>;
  };
  "/v1/accounts/connect": { post: Write<{ authorize_url: string }, { network: "x"; account_id?: string }> };
  "/v1/accounts/{id}/pause": { post: Write<M.Account, Reason, Id> };
  "/v1/accounts/{id}/resume": { post: Write<M.Account, never, Id> };
  "/v1/accounts/{id}/sources": {
    get: Get<{ items: M.Source[] }, never, Id>;
    post: Write<M.Source, { kind: "feed" | "note"; url?: string; title?: string; note?: string }, Id>;
  };
  "/v1/sources/{id}": { delete: Write<unknown, never, Id> };
  "/v1/workspace/pause": { post: Write<{ paused: boolean; pause_reason: string }, Reason> };
  "/v1/workspace/resume": { post: Write<{ paused: boolean; pause_reason: string }> };
  "/v1/generate": { post: Write<M.Generation, { account_id: string; wanted: number; note?: string }> };
  "/v1/generations": { get: Get<M.Page<M.Generation>, Paging & { account_id?: string }> };
  "/v1/generations/{id}": { get: Get<M.Generation, never, Id> };
  "/v1/ideas": { get: Get<M.Page<M.Idea>, Paging & { account_id?: string; state?: string }> };
  "/v1/ideas/{id}/dismiss": { post: Write<M.Idea, never, Id> };
  "/v1/ideas/{id}/draft": { post: Write<M.Generation, never, Id> };
  "/v1/runs": { get: Get<M.Page<M.Run>, Paging & { post_id?: string; account_id?: string }> };
  "/v1/posts": {
    get: Get<M.Page<M.PostSummary>, Paging & { state?: string; account_id?: string; q?: string }>;
    post: Write<
      M.Post,
      {
        account_id: string;
        parts: { text: string }[];
        due_local?: string;
        idea_id?: string;
        submit?: boolean;
      }
    >;
  };
  "/v1/posts/{id}": {
    get: Get<M.Post, never, Id>;
    patch: Write<M.Post, { parts?: { text: string }[]; note?: string }, Id>;
  };
  "/v1/posts/{id}/versions": { get: Get<{ items: M.Version[] }, never, Id> };
  "/v1/posts/{id}/attempts": { get: Get<{ items: M.Attempt[] }, never, Id> };
  "/v1/posts/{id}/metrics": { get: Get<{ items: M.MetricReading[] }, never, Id> };
  "/v1/posts/{id}/history": { get: Get<{ items: M.HistoryEvent[] }, never, Id> };
  "/v1/posts/{id}/submit": { post: Write<M.Post, never, Id> };
  "/v1/posts/{id}/approve": {
    post: Write<
      M.Post,
      { revision: number; content_hash: string; due_local?: string; at?: "now" | "next_slot" },
      Id
    >;
  };
  "/v1/posts/{id}/request-changes": { post: Write<M.Post, Reason, Id> };
  "/v1/posts/{id}/reject": { post: Write<M.Post, Reason, Id> };
  "/v1/posts/{id}/cancel": { post: Write<M.Post, never, Id> };
  "/v1/posts/{id}/retry": { post: Write<M.Post, never, Id> };
  "/v1/posts/{id}/publish-now": { post: Write<M.Post, never, Id> };
  "/v1/posts/{id}/unschedule": { post: Write<M.Post, never, Id> };
  "/v1/posts/{id}/schedule": { post: Write<M.Post, { due_local: string; zone?: string }, Id> };
  "/v1/posts/{id}/resolve": {
    post: Write<M.Post, { found: true; remote_url: string } | { found: false; resend: boolean }, Id>;
  };
  "/v1/calendar": { get: Get<M.Calendar, { from: string; to: string; account_id?: string; zone?: string }> };
  "/v1/today": { get: Get<M.Today> };
  "/v1/changes": { get: Get<M.Changes, { after?: string }> };
  "/v1/queues": { get: Get<{ items: M.QueueDepth[] }> };
  "/v1/audit": { get: Get<M.Page<M.AuditEvent>, Paging> };
}
