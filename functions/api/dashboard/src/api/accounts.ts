import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, newKey, take } from "./client";
import { keys } from "./keys";
import type { Account, AccountProfile, NetworkId, ZoneChoice } from "./model";

export function useAccounts() {
  return useQuery({
    queryKey: keys.accounts,
    queryFn: async () => (await take(api.GET("/v1/accounts"))).items,
    staleTime: 30_000,
  });
}

export function useAccount(id: string) {
  const all = useAccounts();
  return { ...all, data: all.data?.find((a) => a.id === id) };
}

function useAccountWriter<V>(write: (input: V) => Promise<Account>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: write,
    onSuccess: (account) => {
      client.setQueryData<Account[]>(keys.accounts, (old) =>
        old?.map((a) => (a.id === account.id ? account : a)),
      );
      void client.invalidateQueries({ queryKey: keys.calendar });
    },
  });
}

export function useSaveAccount() {
  return useAccountWriter(
    ({
      id,
      etag,
      change,
      planned,
    }: {
      id: string;
      etag: string;
      change: Partial<AccountProfile>;
      planned?: ZoneChoice | undefined;
    }) =>
      take(
        api.PATCH("/v1/accounts/{id}", {
          params: { path: { id }, header: { "If-Match": quoted(etag) } },
          body: planned ? { ...change, planned_posts: planned } : change,
        }),
      ),
  );
}

/** ETags travel in quotes; the body may carry them bare. */
export function quoted(etag: string): string {
  return etag.startsWith('"') || etag.startsWith("W/") ? etag : `"${etag}"`;
}

export function usePauseAccount() {
  return useAccountWriter(({ id, reason }: { id: string; reason: string | null }) =>
    reason === null
      ? take(api.POST("/v1/accounts/{id}/resume", { params: { path: { id } } }))
      : take(api.POST("/v1/accounts/{id}/pause", { params: { path: { id } }, body: { reason } })),
  );
}

export function useConnect() {
  return useMutation({
    mutationFn: ({ network, id }: { network: NetworkId; id?: string }) =>
      take(
        api.POST("/v1/accounts/connect", {
          body: id
            ? { network, account_id: id }
            : { network, time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone },
        }),
      ),
    onSuccess: (answer) => window.location.assign(answer.authorize_url),
  });
}

export function useSources(accountId: string) {
  return useQuery({
    queryKey: keys.sources(accountId),
    queryFn: async () =>
      (await take(api.GET("/v1/accounts/{id}/sources", { params: { path: { id: accountId } } }))).items,
  });
}

export function useAddSource(accountId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { kind: "feed" | "note"; url?: string; title?: string; note?: string }) =>
      take(
        api.POST("/v1/accounts/{id}/sources", {
          params: { path: { id: accountId }, header: { "idempotency-key": newKey() } },
          body,
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.sources(accountId) }),
  });
}

export function useRemoveSource(accountId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => take(api.DELETE("/v1/sources/{id}", { params: { path: { id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: keys.sources(accountId) }),
  });
}
