// Times for people: always in a named IANA zone, never in the browser's by accident.

const formats = new Map<string, Intl.DateTimeFormat>();

function format(
  zone: string,
  key: string,
  options: Intl.DateTimeFormatOptions,
  locale = "en-GB",
): Intl.DateTimeFormat {
  const id = `${locale} ${zone} ${key}`;
  let f = formats.get(id);
  if (!f) {
    f = new Intl.DateTimeFormat(locale, { timeZone: safeZone(zone), ...options });
    formats.set(id, f);
  }
  return f;
}

const zones = new Map<string, boolean>();

/** The zone itself when this browser knows it, else UTC. */
export function safeZone(zone: string): string {
  let known = zones.get(zone);
  if (known === undefined) {
    try {
      new Intl.DateTimeFormat("en-GB", { timeZone: zone });
      known = true;
    } catch {
      known = false;
    }
    zones.set(zone, known);
  }
  return known ? zone : "UTC";
}

export interface LocalTime {
  /** YYYY-MM-DD */
  date: string;
  /** HH:MM */
  time: string;
  /** 0 is Sunday. */
  weekday: number;
}

/** The wall clock of a zone at an instant. */
export function localTime(at: number | string, zone: string): LocalTime {
  const parts = format(zone, "parts", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(new Date(at));
  const get = (type: Intl.DateTimeFormatPartTypes) => parts.find((p) => p.type === type)?.value ?? "";
  const date = `${get("year")}-${get("month")}-${get("day")}`;
  return { date, time: `${get("hour")}:${get("minute")}`, weekday: weekdayOf(date) };
}

/** The weekday of a calendar date, 0 is Sunday. */
export function weekdayOf(date: string): number {
  return new Date(`${date}T00:00:00Z`).getUTCDay();
}

/** A calendar date moved by whole days. */
export function addDays(date: string, days: number): string {
  const d = new Date(`${date}T00:00:00Z`);
  d.setUTCDate(d.getUTCDate() + days);
  return d.toISOString().slice(0, 10);
}

export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000);
}

const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

export const weekdayName = (n: number, short = false): string => {
  const name = weekdays[n] ?? "";
  return short ? name.slice(0, 3) : name;
};

/** "25 Nov", with the year when it is not this year's. */
export function dateWords(date: string, thisYear?: string): string {
  const [year = "", month = "1", day = "1"] = date.split("-");
  const words = `${Number(day)} ${(months[Number(month) - 1] ?? "").slice(0, 3)}`;
  return thisYear !== undefined && year !== thisYear ? `${words} ${year}` : words;
}

/** "November 2026" */
export function monthWords(date: string): string {
  const [year = "", month = "1"] = date.split("-");
  return `${months[Number(month) - 1] ?? ""} ${year}`;
}

/** "Today", "Tomorrow", "Wed 25 Nov". */
export function dayWords(date: string, today: string): string {
  const days = daysBetween(today, date);
  if (days === 0) return "Today";
  if (days === 1) return "Tomorrow";
  if (days === -1) return "Yesterday";
  return `${weekdayName(weekdayOf(date), true)} ${dateWords(date, today.slice(0, 4))}`;
}

/** "Today 09:30", "Wed 25 Nov 09:30", in the zone. */
export function shortTime(at: number | string, zone: string, now: number): string {
  const local = localTime(at, zone);
  return `${dayWords(local.date, localTime(now, zone).date)} ${local.time}`;
}

/** The words of a time in the middle of a sentence: "today 09:30", and still "Wed 25 Nov 09:30". */
export function midSentence(words: string): string {
  return words.replace(/^(Today|Tomorrow|Yesterday)\b/, (day) => day.toLowerCase());
}

// Each English locale knows the names its own readers use: CET here, EST or AEDT there.
const namingLocales = ["en-GB", "en-US", "en-AU"];

/** The zone's short name at an instant: "CET", "EST", "GMT+2" where it has none. */
export function zoneWords(zone: string, at: number | string): string {
  const names = namingLocales.map(
    (locale) =>
      format(zone, "name", { timeZoneName: "short" }, locale)
        .formatToParts(new Date(at))
        .find((p) => p.type === "timeZoneName")?.value ?? zone,
  );
  return names.find((n) => !/^(GMT|UTC)[+-]/.test(n)) ?? names[0] ?? zone;
}

/** "Wednesday 25 November 2026, 09:30:00 CET (Europe/Berlin)" */
export function exactTime(at: number | string, zone: string): string {
  const local = localTime(at, zone);
  const [year = "", month = "1", day = "1"] = local.date.split("-");
  const seconds = new Date(at).getUTCSeconds().toString().padStart(2, "0");
  const short = zoneWords(zone, at);
  const name = short === zone ? zone : `${short} (${zone})`;
  return `${weekdayName(local.weekday)} ${Number(day)} ${months[Number(month) - 1] ?? ""} ${year}, ${local.time}:${seconds} ${name}`;
}

/** "in 3 min", "2 h ago", "now". */
export function relativeTime(at: number | string, now: number): string {
  const ms = new Date(at).getTime() - now;
  const abs = Math.abs(ms);
  const words = (n: number, unit: string) => (ms > 0 ? `in ${n} ${unit}` : `${n} ${unit} ago`);
  if (abs < 5_000) return "now";
  if (abs < 60_000) return words(Math.round(abs / 1000), "s");
  if (abs < 3_600_000) return words(Math.round(abs / 60_000), "min");
  if (abs < 36 * 3_600_000) return words(Math.round(abs / 3_600_000), "h");
  return words(Math.round(abs / 86_400_000), "days");
}

/** A live countdown: "2 d 04:10", "03:12:09", "00:42". */
export function countdown(ms: number): string {
  const total = Math.max(0, Math.ceil(ms / 1000));
  const two = (n: number) => n.toString().padStart(2, "0");
  const days = Math.floor(total / 86_400);
  const hours = Math.floor((total % 86_400) / 3_600);
  const minutes = Math.floor((total % 3_600) / 60);
  const seconds = total % 60;
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}`;
  if (hours > 0) return `${two(hours)}:${two(minutes)}:${two(seconds)}`;
  return `${two(minutes)}:${two(seconds)}`;
}

/** How far from its second a post went out: "on its second", "412 ms late", "3.2 s late". */
export function latenessWords(ms: number): string {
  return `${span(ms)} late`;
}

/** A short span: "140 ms", "3.2 s", "4 min", "2 h". */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

/** An age on the metrics scale: "1 h", "24 h", "7 days". */
export function ageWords(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`;
  if (seconds <= 72 * 3_600) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** "Europe/Berlin" as a place: "Berlin". */
export function zonePlace(zone: string): string {
  return (zone.split("/").pop() ?? zone).replaceAll("_", " ");
}
