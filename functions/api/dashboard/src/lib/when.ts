import type { Account, Post } from "../api/model";
import { shortTime, zoneWords } from "./time";

/** When an approved post shall go out. */
export type When = { kind: "planned" } | { kind: "slot" } | { kind: "now" } | { kind: "pick"; local: string };

/** The time offered first: the one planned already, else the account's next free slot, else none. */
export function suggested(
  post: Pick<Post, "due_local" | "due_at">,
  account: Account | undefined,
  now: number,
): When {
  if (post.due_at && Date.parse(post.due_at) > now) return { kind: "planned" };
  return account && account.next_slots.length === 0 ? { kind: "now" } : { kind: "slot" };
}

/** The choices in the order the T key walks them. */
export function choices(
  post: Pick<Post, "due_local" | "due_at">,
  account: Account | undefined,
  now: number,
): When["kind"][] {
  const out: When["kind"][] = [];
  if (post.due_at && Date.parse(post.due_at) > now) out.push("planned");
  if (!account || account.next_slots.length > 0) out.push("slot");
  out.push("now", "pick");
  return out;
}

/** What the approval says about time, as the API takes it. */
export function asRequest(
  when: When,
  post: Pick<Post, "due_local">,
): { at: "now" | "next_slot" } | { due_local: string } {
  switch (when.kind) {
    case "planned":
      return post.due_local ? { due_local: post.due_local } : { at: "next_slot" };
    case "slot":
      return { at: "next_slot" };
    case "now":
      return { at: "now" };
    case "pick":
      return { due_local: `${when.local.slice(0, 16)}:00` };
  }
}

/** The time in words: "Tomorrow 09:30 CET". */
export function whenWords(
  when: When,
  post: Pick<Post, "due_at" | "due_zone">,
  account: Account | undefined,
  now: number,
): string {
  const zone = post.due_zone ?? account?.time_zone ?? "UTC";
  const at =
    when.kind === "planned" ? post.due_at : when.kind === "slot" ? account?.next_slots[0]?.due_at : undefined;
  if (at) return `${shortTime(at, zone, now)} ${zoneWords(zone, at)}`;
  if (when.kind === "now") return "right away";
  if (when.kind === "pick") return when.local.replace("T", " ");
  return "the next free slot";
}
