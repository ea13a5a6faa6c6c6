/** Reads a time of day as people type it ("9", "930", "9.30", "9:30 pm") into "HH:MM"; null when it is none. */
export function parseClock(text: string): string | null {
  const m = /^\s*(\d{1,2})(?:[:.h ]?\s*(\d{2}))?\s*([ap])?\.?m?\.?\s*$/i.exec(text);
  if (!m) return null;
  let hour = Number(m[1]);
  const minute = Number(m[2] ?? 0);
  const half = m[3]?.toLowerCase();
  if (half && (hour < 1 || hour > 12)) return null;
  if (half === "p" && hour < 12) hour += 12;
  if (half === "a" && hour === 12) hour = 0;
  if (hour > 23 || minute > 59) return null;
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}
