import {
  keepPreviousData,
  queryOptions,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type QueryClient,
} from "@tanstack/react-query";
import { quoted } from "./accounts";
import { api, newKey, take } from "./client";
import { keys } from "./keys";
import type { Post } from "./model";

/** One part as it is written. */
export interface PartBody {
  text: string;
  media?: { id: string; alt?: string }[];
}

export function postQuery(id: string) {
  return queryOptions({
    queryKey: keys.post(id),
    queryFn: () => take(api.GET("/v1/posts/{id}", { params: { path: { id } } })),
    staleTime: 5_000,
  });
}

export function usePost(id: string | undefined) {
  return useQuery({ ...postQuery(id ?? ""), enabled: Boolean(id) });
}

export function usePostList(
  filter: { state?: string; account_id?: string; recurrence_id?: string; q?: string },
  enabled = true,
) {
  return useInfiniteQuery({
    queryKey: keys.posts(filter as Record<string, string>),
    enabled,
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/v1/posts", {
          params: { query: { ...filter, limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}

export function useVersions(id: string, enabled = true) {
  return useQuery({
    queryKey: keys.postPart(id, "versions"),
    enabled,
    queryFn: async () => (await take(api.GET("/v1/posts/{id}/versions", { params: { path: { id } } }))).items,
  });
}

export function useAttempts(id: string) {
  return useQuery({
    queryKey: keys.postPart(id, "attempts"),
    queryFn: async () => (await take(api.GET("/v1/posts/{id}/attempts", { params: { path: { id } } }))).items,
  });
}

export function useMetrics(id: string, enabled: boolean) {
  return useQuery({
    queryKey: keys.postPart(id, "metrics"),
    enabled,
    queryFn: async () => (await take(api.GET("/v1/posts/{id}/metrics", { params: { path: { id } } }))).items,
  });
}

export function useHistory(id: string) {
  return useQuery({
    queryKey: keys.postPart(id, "history"),
    queryFn: async () => (await take(api.GET("/v1/posts/{id}/history", { params: { path: { id } } }))).items,
  });
}

/** Puts a post the server just answered with in place, and marks every list that shows it as old. */
export function settle(client: QueryClient, post: Post): void {
  client.setQueryData(keys.post(post.id), post);
  refreshLists(client, post.id);
}

export function refreshLists(client: QueryClient, id?: string): void {
  if (id) {
    for (const part of ["versions", "attempts", "metrics", "history"] as const) {
      void client.invalidateQueries({ queryKey: keys.postPart(id, part) });
    }
  }
  void client.invalidateQueries({ queryKey: keys.today });
  void client.invalidateQueries({ queryKey: keys.allPosts });
  void client.invalidateQueries({ queryKey: keys.calendar });
  void client.invalidateQueries({ queryKey: keys.accounts });
}

export interface ApproveInput {
  post: Pick<Post, "id" | "revision" | "content_hash">;
  when: { at: "now" | "next_slot" } | { due_local: string };
}

export function approve({ post, when }: ApproveInput): Promise<Post> {
  return take(
    api.POST("/v1/posts/{id}/approve", {
      params: { path: { id: post.id } },
      body: { revision: post.revision, content_hash: post.content_hash, ...when },
    }),
  );
}

export type PlainAct = "submit" | "cancel" | "retry" | "publish-now" | "unschedule";

export function act(id: string, verb: PlainAct): Promise<Post> {
  const params = { path: { id } };
  switch (verb) {
    case "submit":
      return take(api.POST("/v1/posts/{id}/submit", { params }));
    case "cancel":
      return take(api.POST("/v1/posts/{id}/cancel", { params }));
    case "retry":
      return take(api.POST("/v1/posts/{id}/retry", { params }));
    case "publish-now":
      return take(api.POST("/v1/posts/{id}/publish-now", { params }));
    case "unschedule":
      return take(api.POST("/v1/posts/{id}/unschedule", { params }));
  }
}

function usePostWriter<V>(write: (input: V) => Promise<Post>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: write,
    onSuccess: (post) => settle(client, post),
    onError: () => refreshLists(client),
  });
}

export const useApprove = () => usePostWriter(approve);
export const useAct = () => usePostWriter(({ id, verb }: { id: string; verb: PlainAct }) => act(id, verb));

export const useRequestChanges = () =>
  usePostWriter(({ id, reason }: { id: string; reason: string }) =>
    take(api.POST("/v1/posts/{id}/request-changes", { params: { path: { id } }, body: { reason } })),
  );

export const useReject = () =>
  usePostWriter(({ id, reason }: { id: string; reason: string }) =>
    take(api.POST("/v1/posts/{id}/reject", { params: { path: { id } }, body: { reason } })),
  );

export const useSchedule = () =>
  usePostWriter(({ id, due_local }: { id: string; due_local: string }) =>
    take(api.POST("/v1/posts/{id}/schedule", { params: { path: { id } }, body: { due_local } })),
  );

export const useResolve = () =>
  usePostWriter(
    ({
      id,
      answer,
    }: {
      id: string;
      answer: { found: true; remote_url: string } | { found: false; resend: boolean };
    }) => take(api.POST("/v1/posts/{id}/resolve", { params: { path: { id } }, body: answer })),
  );

export const useEditPost = () =>
  usePostWriter(({ id, etag, parts, note }: { id: string; etag: string; parts: PartBody[]; note?: string }) =>
    take(
      api.PATCH("/v1/posts/{id}", {
        params: { path: { id }, header: { "If-Match": quoted(etag) } },
        body: note ? { parts, note } : { parts },
      }),
    ),
  );

export const useCreatePost = () =>
  usePostWriter(
    (input: {
      key: string;
      account_id: string;
      parts: PartBody[];
      due_local?: string;
      idea_id?: string;
      submit?: boolean;
    }) => {
      const { key, ...body } = input;
      return take(
        api.POST("/v1/posts", {
          params: { header: { "idempotency-key": key } },
          body,
        }),
      );
    },
  );

export { newKey };
