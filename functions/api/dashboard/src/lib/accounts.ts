import { useMemo } from "react";
import { useAccounts } from "../api/accounts";
import type { NetworkId } from "../api/model";

// Hues that stay apart from each other in both schemes; the marks they colour
// always stand beside the handle, never alone.
const hues = [174, 262, 24, 214, 328, 84, 288, 44];

export interface AccountLook {
  hue: number;
  zone: string;
  /** Undefined until the accounts are here. */
  network: NetworkId | undefined;
  handle: string;
  name: string;
}

const unknown: AccountLook = { hue: 210, zone: "UTC", network: undefined, handle: "", name: "" };

/** How each account looks and which clock it lives by. */
export function useAccountLooks(): (id: string) => AccountLook {
  const { data } = useAccounts();
  return useMemo(() => {
    const looks = new Map<string, AccountLook>();
    [...(data ?? [])]
      .sort((a, b) => a.created_at.localeCompare(b.created_at) || a.id.localeCompare(b.id))
      .forEach((a, i) =>
        looks.set(a.id, {
          hue: hues[i % hues.length] ?? 174,
          zone: a.time_zone,
          network: a.network,
          handle: a.handle,
          name: a.display_name,
        }),
      );
    return (id: string) => looks.get(id) ?? unknown;
  }, [data]);
}

export function browserZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}
