import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, newKey, take } from "./client";
import { keys } from "./keys";
import type { Idea, NetworkId } from "./model";

export function useToday() {
  return useQuery({
    queryKey: keys.today,
    queryFn: () => take(api.GET("/v1/today")),
    refetchInterval: 30_000,
  });
}

export function useCalendar(range: { from: string; to: string; zone: string; account_id?: string }) {
  return useQuery({
    queryKey: [...keys.calendar, range],
    queryFn: () => take(api.GET("/v1/calendar", { params: { query: range } })),
    placeholderData: keepPreviousData,
  });
}

export function useIdeas(filter: { account_id?: string; state?: Idea["state"] }) {
  return useInfiniteQuery({
    queryKey: [...keys.ideas, filter],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/v1/ideas", {
          params: { query: { ...filter, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}

export function useDismissIdea() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => take(api.POST("/v1/ideas/{id}/dismiss", { params: { path: { id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: keys.ideas }),
  });
}

export function useDraftIdea() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => take(api.POST("/v1/ideas/{id}/draft", { params: { path: { id } } })),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.ideas });
      void client.invalidateQueries({ queryKey: keys.today });
    },
  });
}

export function useGenerate() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ key, ...body }: { key: string; account_id: string; wanted: number; note?: string }) =>
      take(api.POST("/v1/generate", { params: { header: { "idempotency-key": key } }, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.today }),
  });
}

export function useGeneration(id: string | null) {
  return useQuery({
    queryKey: [...keys.generations, id],
    enabled: id !== null,
    queryFn: () => take(api.GET("/v1/generations/{id}", { params: { path: { id: id ?? "" } } })),
    refetchInterval: (q) =>
      q.state.data?.state === "done" || q.state.data?.state === "failed" ? false : 1_000,
  });
}

export function useRuns(filter: { post_id?: string; account_id?: string }, enabled = true) {
  return useQuery({
    queryKey: [...keys.runs, filter],
    enabled,
    queryFn: async () => (await take(api.GET("/v1/runs", { params: { query: filter } }))).items,
  });
}

export function useQueues(enabled: boolean) {
  return useQuery({
    queryKey: keys.queues,
    enabled,
    queryFn: async () => (await take(api.GET("/v1/queues"))).items,
    refetchInterval: 5_000,
  });
}

export function useSystem() {
  return useQuery({
    queryKey: keys.system,
    queryFn: () => take(api.GET("/v1/system")),
    refetchInterval: 5_000,
  });
}

export function useTryBreaker() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { network: NetworkId; account_id?: string }) =>
      take(api.POST("/v1/system/try", { body })),
    onSettled: () => client.invalidateQueries({ queryKey: keys.system }),
  });
}

/** Pauses a network or an agent with a reason, or resumes it with null. */
export function useSwitch() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({
      reason,
      ...body
    }: {
      kind: "network" | "agent";
      subject: string;
      account_id?: string;
      reason: string | null;
    }) =>
      reason === null
        ? take(api.POST("/v1/switches/resume", { body }))
        : take(api.POST("/v1/switches/pause", { body: { ...body, reason } })),
    onSuccess: (data) => client.setQueryData(keys.system, data),
    onSettled: () => client.invalidateQueries(),
  });
}

export function useAudit() {
  return useInfiniteQuery({
    queryKey: keys.audit,
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/v1/audit", {
          params: { query: { limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
}

export { newKey };
