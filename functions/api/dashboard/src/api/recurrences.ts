import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { quoted } from "./accounts";
import { api, take } from "./client";
import { keys } from "./keys";
import type { Leftover, Recurrence } from "./model";

export function useRecurrences(accountId: string) {
  return useInfiniteQuery({
    queryKey: [...keys.recurrences, accountId],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/v1/recurrences", {
          params: {
            query: {
              limit: 50,
              ...(accountId ? { account_id: accountId } : {}),
              ...(pageParam ? { cursor: pageParam } : {}),
            },
          },
        }),
      ),
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}

export interface RuleToTry {
  account_id: string;
  rule: string;
  start_local: string;
  /** The recurrence being edited: its own posts are in nobody's way. */
  recurrence_id?: string;
  parts?: { text: string }[];
}

/** The next ten dates of a rule, asked anew as it changes. */
export function useRulePreview(asked: RuleToTry | null) {
  return useQuery({
    queryKey: [...keys.recurrences, "preview", asked],
    enabled: asked !== null,
    retry: false,
    staleTime: 30_000,
    placeholderData: keepPreviousData,
    queryFn: () => take(api.POST("/v1/recurrences/preview", { body: asked as RuleToTry })),
  });
}

function useRecurrenceWriter<V, R>(write: (input: V) => Promise<R>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: write,
    onSettled: () => {
      for (const queryKey of [keys.recurrences, keys.allPosts, keys.calendar, keys.today]) {
        void client.invalidateQueries({ queryKey });
      }
    },
  });
}

export const useCreateRecurrence = () =>
  useRecurrenceWriter(
    ({ key, ...body }: Omit<RuleToTry, "recurrence_id"> & { key: string; parts: { text: string }[] }) =>
      take(api.POST("/v1/recurrences", { params: { header: { "idempotency-key": key } }, body })),
  );

export const useEditRecurrence = () =>
  useRecurrenceWriter(
    ({
      id,
      etag,
      change,
    }: {
      id: string;
      etag: string;
      change: { parts?: { text: string }[]; rule?: string; start_local?: string };
    }) =>
      take(
        api.PATCH("/v1/recurrences/{id}", {
          params: { path: { id }, header: { "If-Match": quoted(etag) } },
          body: change,
        }),
      ),
  );

export type RecurrenceAct = "pause" | "resume" | "end";

export const useRecurrenceAct = () =>
  useRecurrenceWriter(({ id, verb }: { id: string; verb: RecurrenceAct }): Promise<Recurrence> => {
    const params = { path: { id } };
    switch (verb) {
      case "pause":
        return take(api.POST("/v1/recurrences/{id}/pause", { params }));
      case "resume":
        return take(api.POST("/v1/recurrences/{id}/resume", { params }));
      case "end":
        return take(api.POST("/v1/recurrences/{id}/end", { params }));
    }
  });

export const useRemoveRecurrence = () =>
  useRecurrenceWriter(({ id, posts }: { id: string; posts: Leftover }) =>
    take(api.DELETE("/v1/recurrences/{id}", { params: { path: { id }, query: { posts } } })),
  );
