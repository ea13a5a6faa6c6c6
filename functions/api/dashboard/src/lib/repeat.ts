// How often a post repeats: plain choices here, an RRULE for the API.
import { dateWords, weekdayName, weekdayOf } from "./time";

export type Every = "day" | "weekday" | "week" | "month_day" | "month_nth" | "month_last";

export type Ends = { kind: "never" } | { kind: "on"; date: string } | { kind: "after"; count: number };

export interface Repeat {
  every: Every;
  /** Every how many weeks; only for weeks. */
  interval: number;
  /** 0 is Sunday; only for weeks. */
  days: number[];
  ends: Ends;
}

const codes = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];
const ordinals = ["first", "second", "third", "fourth"];
const weekdays = "MO,TU,WE,TH,FR";

/** Which weekday of its month a date is: the second Tuesday is 2. A fifth counts as the fourth. */
export function nthOf(date: string): number {
  return Math.min(4, Math.ceil(Number(date.slice(8, 10)) / 7));
}

/** Monday first, as weeks are read. */
const byWeek = (days: number[]) => [...days].sort((a, b) => ((a + 6) % 7) - ((b + 6) % 7));

/** The rule of a choice that starts on a date. */
export function ruleOf(repeat: Repeat, date: string): string {
  const day = codes[weekdayOf(date)] ?? "MO";
  return [baseOf(repeat, date, day), ...endOf(repeat.ends)].join(";");
}

function baseOf(repeat: Repeat, date: string, day: string): string {
  switch (repeat.every) {
    case "day":
      return "FREQ=DAILY";
    case "weekday":
      return `FREQ=WEEKLY;BYDAY=${weekdays}`;
    case "week": {
      const days = byWeek(repeat.days).map((d) => codes[d] ?? "MO");
      const interval = repeat.interval > 1 ? `;INTERVAL=${repeat.interval}` : "";
      return `FREQ=WEEKLY${interval};BYDAY=${days.length > 0 ? days.join(",") : day}`;
    }
    case "month_day":
      return `FREQ=MONTHLY;BYMONTHDAY=${Number(date.slice(8, 10))}`;
    case "month_nth":
      return `FREQ=MONTHLY;BYDAY=${nthOf(date)}${day}`;
    case "month_last":
      return `FREQ=MONTHLY;BYDAY=-1${day}`;
  }
}

function endOf(ends: Ends): string[] {
  if (ends.kind === "on" && ends.date) return [`UNTIL=${ends.date.replaceAll("-", "")}`];
  if (ends.kind === "after") return [`COUNT=${ends.count}`];
  return [];
}

/** The choice a rule stands for; null for one that was written by hand. */
export function repeatOf(rule: string): Repeat | null {
  const parts = new Map(rule.split(";").map((p) => p.split("=") as [string, string]));
  const ends = endsOf(parts);
  const interval = Number(parts.get("INTERVAL") ?? 1);
  const day = parts.get("BYDAY") ?? "";
  for (const name of ["UNTIL", "COUNT", "INTERVAL"]) parts.delete(name);
  const shape = [...parts.keys()].sort().join();
  const make = (every: Every, days: number[] = []): Repeat => ({ every, interval, days, ends });
  const freq = parts.get("FREQ");
  if (freq === "DAILY" && shape === "FREQ" && interval === 1) return make("day");
  if (freq === "WEEKLY" && shape === "BYDAY,FREQ") {
    if (day === weekdays && interval === 1) return make("weekday");
    const days = day.split(",").map((c) => codes.indexOf(c));
    return days.includes(-1) ? null : make("week", days);
  }
  if (freq === "MONTHLY" && shape === "BYDAY,FREQ" && interval === 1) {
    if (/^-1[A-Z]{2}$/.test(day)) return make("month_last");
    if (/^[1-4][A-Z]{2}$/.test(day)) return make("month_nth");
  }
  if (freq === "MONTHLY" && shape === "BYMONTHDAY,FREQ" && interval === 1) return make("month_day");
  return null;
}

function endsOf(parts: Map<string, string>): Ends {
  const until = parts.get("UNTIL");
  if (until) return { kind: "on", date: `${until.slice(0, 4)}-${until.slice(4, 6)}-${until.slice(6, 8)}` };
  const count = parts.get("COUNT");
  return count ? { kind: "after", count: Number(count) } : { kind: "never" };
}

/** "Every 2 weeks on Mon and Thu, until 31 Dec" */
export function ruleWords(rule: string, start: string): string {
  const repeat = repeatOf(rule);
  if (!repeat) return `By the rule ${rule}`;
  const date = start.slice(0, 10);
  return everyWords(repeat, rule, date) + endWords(repeat.ends, date);
}

function everyWords(repeat: Repeat, rule: string, date: string): string {
  const inRule = codes.indexOf((/BYDAY=-?\d?([A-Z]{2})/.exec(rule) ?? [])[1] ?? "");
  const day = weekdayName(inRule >= 0 ? inRule : weekdayOf(date));
  const nth = Number((/BYDAY=(\d)/.exec(rule) ?? [])[1] ?? 1);
  switch (repeat.every) {
    case "day":
      return "Every day";
    case "weekday":
      return "Every weekday";
    case "week": {
      const names = byWeek(repeat.days).map((d) => weekdayName(d, true));
      return `${repeat.interval > 1 ? `Every ${repeat.interval} weeks` : "Every week"} on ${joined(names)}`;
    }
    case "month_day":
      return `Monthly on day ${(/BYMONTHDAY=(\d+)/.exec(rule) ?? [])[1] ?? ""}`;
    case "month_nth":
      return `Monthly on the ${ordinals[nth - 1] ?? "first"} ${day}`;
    case "month_last":
      return `Monthly on the last ${day}`;
  }
}

function endWords(ends: Ends, date: string): string {
  if (ends.kind === "on") return `, until ${dateWords(ends.date, date.slice(0, 4))}`;
  if (ends.kind === "after") return ends.count === 1 ? ", once" : `, ${ends.count} times`;
  return "";
}

function joined(names: string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}`;
}

/** The choices for a start, as a list offers them. */
export function choicesFor(date: string): { value: Every; label: string }[] {
  const day = weekdayName(weekdayOf(date));
  return [
    { value: "day", label: "Every day" },
    { value: "weekday", label: "Every weekday, Monday to Friday" },
    { value: "week", label: "Weekly, on chosen days" },
    { value: "month_nth", label: `Monthly, on the ${ordinals[nthOf(date) - 1] ?? "first"} ${day}` },
    { value: "month_last", label: `Monthly, on the last ${day}` },
    { value: "month_day", label: `Monthly, on day ${Number(date.slice(8, 10))}` },
  ];
}
