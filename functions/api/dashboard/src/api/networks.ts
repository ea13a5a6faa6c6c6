import { useQuery } from "@tanstack/react-query";
import { api, take } from "./client";
import { keys } from "./keys";
import type { Network, NetworkId } from "./model";

/** The networks, what each takes, and whether accounts of it can be connected here. */
export function useNetworks() {
  return useQuery({
    queryKey: keys.networks,
    queryFn: async () => (await take(api.GET("/v1/networks"))).items,
    staleTime: 5 * 60_000,
  });
}

export function useNetwork(id: NetworkId | undefined): Network | undefined {
  return useNetworks().data?.find((n) => n.network === id);
}
