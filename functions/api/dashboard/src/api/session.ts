import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { setServerTime } from "../lib/clock";
import { api, take } from "./client";
import { keys } from "./keys";
import type { Me, Permission } from "./model";

async function readMe(): Promise<Me> {
  const me = await take(api.GET("/v1/me"));
  setServerTime(me.server_time);
  return me;
}

export function useMe() {
  return useQuery({ queryKey: keys.me, queryFn: readMe, staleTime: 60_000, retry: false });
}

/** Whether the signed-in person holds a permission. */
export function useMay(permission: Permission): boolean {
  return useMe().data?.permissions.includes(permission) ?? false;
}

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { email: string; password: string }) => take(api.POST("/v1/session", { body })),
    onSuccess: (me) => {
      setServerTime(me.server_time);
      client.clear();
      client.setQueryData(keys.me, me);
    },
  });
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => take(api.DELETE("/v1/session")),
    onSuccess: () => {
      client.clear();
      window.location.assign("/sign-in");
    },
  });
}

export function usePauseWorkspace() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (reason: string | null) =>
      reason === null
        ? take(api.POST("/v1/workspace/resume"))
        : take(api.POST("/v1/workspace/pause", { body: { reason } })),
    onSettled: () => client.invalidateQueries(),
  });
}
