import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { api, take } from "./client";
import { keys } from "./keys";
import type { Changes } from "./model";

const everyMs = 2_000;

/** Marks what a batch of changes touched as old; open pages read it again. */
export function invalidateFor(client: QueryClient, items: Changes["items"]): void {
  const kinds = new Set(items.map((i) => i.subject_kind));
  const posts = new Set(items.filter((i) => i.subject_kind === "post").map((i) => i.subject_id));
  for (const id of posts) void client.invalidateQueries({ queryKey: keys.post(id) });
  const touched: (readonly string[])[] = [keys.today, keys.audit];
  if (posts.size > 0 || kinds.has("generation")) touched.push(keys.allPosts, keys.calendar);
  if (kinds.has("generation")) touched.push(keys.generations);
  if (kinds.has("idea") || kinds.has("generation")) touched.push(keys.ideas);
  if (kinds.has("account")) touched.push(keys.accounts, keys.calendar);
  if (kinds.has("recurrence") || kinds.has("account")) touched.push(keys.recurrences);
  if (kinds.has("source")) touched.push(["sources"]);
  if (kinds.has("workspace")) touched.push(keys.me, keys.accounts);
  for (const queryKey of touched) void client.invalidateQueries({ queryKey });
}

/** Asks what changed every two seconds while the page is visible. */
export function useLiveUpdates(enabled: boolean): { behind: boolean } {
  const client = useQueryClient();
  const cursor = useRef<string | undefined>(undefined);
  const query = useQuery({
    queryKey: ["changes"],
    enabled,
    refetchInterval: everyMs,
    refetchIntervalInBackground: false,
    refetchOnWindowFocus: "always",
    retry: false,
    gcTime: 0,
    queryFn: async () => {
      const query = cursor.current === undefined ? {} : { after: cursor.current };
      const answer = await take(api.GET("/v1/changes", { params: { query } }));
      cursor.current = answer.cursor;
      if (answer.items.length > 0) invalidateFor(client, answer.items);
      return answer.cursor;
    },
  });
  return { behind: query.isError };
}
