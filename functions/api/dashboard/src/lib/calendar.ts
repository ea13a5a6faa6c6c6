// The calendar's arithmetic: which days a view shows and what stands on each.
import type { Calendar, CalendarSlot, PostSummary } from "../api/model";
import { addDays, localTime, weekdayOf } from "./time";

export type View = "month" | "week";

export type Entry =
  | { kind: "post"; at: string; time: string; post: PostSummary }
  | { kind: "slot"; at: string; time: string; slot: CalendarSlot };

/** Monday of the week a date lies in. */
export function weekStart(date: string): string {
  return addDays(date, -((weekdayOf(date) + 6) % 7));
}

/** The days a view shows, whole weeks from Monday. */
export function daysShown(view: View, date: string): string[] {
  const first = view === "week" ? weekStart(date) : weekStart(`${date.slice(0, 7)}-01`);
  if (view === "week") return Array.from({ length: 7 }, (_, i) => addDays(first, i));
  const days: string[] = [];
  for (
    let d = first;
    days.length < 28 || d.slice(0, 7) === date.slice(0, 7) || days.length % 7 !== 0;
    d = addDays(d, 1)
  ) {
    days.push(d);
  }
  return days;
}

/** The date a step forwards or back lands on. */
export function stepDate(view: View, date: string, by: 1 | -1): string {
  if (view === "week") return addDays(date, 7 * by);
  const [year = 1970, month = 1] = date.split("-").map(Number);
  const d = new Date(Date.UTC(year, month - 1 + by, 1));
  return d.toISOString().slice(0, 10);
}

/** Entries by day on the wall clock of one zone; taken and past slots are left out. */
export function entriesByDay(
  calendar: Calendar | undefined,
  zone: string,
  now: number,
  hidden: ReadonlySet<string>,
): Map<string, Entry[]> {
  const days = new Map<string, Entry[]>();
  const put = (at: string, make: (time: string) => Entry) => {
    const local = localTime(at, zone);
    const list = days.get(local.date) ?? [];
    list.push(make(local.time));
    days.set(local.date, list);
  };
  for (const post of calendar?.items ?? []) {
    const at = post.due_at ?? post.published_at;
    if (at && !hidden.has(post.account.id)) put(at, (time) => ({ kind: "post", at, time, post }));
  }
  for (const slot of calendar?.slots ?? []) {
    if (slot.taken || Date.parse(slot.due_at) <= now || hidden.has(slot.account_id)) continue;
    put(slot.due_at, (time) => ({ kind: "slot", at: slot.due_at, time, slot }));
  }
  for (const list of days.values())
    list.sort((a, b) => a.at.localeCompare(b.at) || a.kind.localeCompare(b.kind));
  return days;
}
