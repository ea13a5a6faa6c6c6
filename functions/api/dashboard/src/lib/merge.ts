import type { AccountProfile } from "../api/model";

export type Field = keyof AccountProfile;

export const fieldNames: Record<Field, string> = {
  display_name: "Name",
  time_zone: "Time zone",
  goals: "Goals",
  interests: "Interests",
  projects: "Projects",
  audience: "Audience",
  voice: "Voice",
  guidelines: "Guidelines",
  banned_words: "Banned words",
  slots: "Weekly slots",
  posts_per_week: "Posts per week",
  min_gap_minutes: "Gap between posts",
  catch_up: "Late approval",
  catch_up_within_minutes: "Late approval, how late",
};

export const fields = Object.keys(fieldNames) as Field[];

export function profileOf(account: AccountProfile): AccountProfile {
  return Object.fromEntries(fields.map((f) => [f, account[f]])) as unknown as AccountProfile;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The fields in which two profiles differ. */
export function changedFields(a: AccountProfile, b: AccountProfile): Field[] {
  return fields.filter((f) => !same(a[f], b[f]));
}

/** Only what differs from the base: what a PATCH carries. */
export function patchOf(base: AccountProfile, mine: AccountProfile): Partial<AccountProfile> {
  return Object.fromEntries(changedFields(base, mine).map((f) => [f, mine[f]]));
}

export interface Merge {
  /** Theirs, with my changes on top wherever they did not touch the same field. */
  merged: AccountProfile;
  /** Fields both of us changed, differently. */
  conflicts: Field[];
}

/** Joins two people's edits of one profile. */
export function merge(base: AccountProfile, mine: AccountProfile, theirs: AccountProfile): Merge {
  const conflicts = fields.filter(
    (f) => !same(base[f], mine[f]) && !same(base[f], theirs[f]) && !same(mine[f], theirs[f]),
  );
  const taken = changedFields(base, mine).filter((f) => !conflicts.includes(f));
  const merged = { ...theirs, ...Object.fromEntries(taken.map((f) => [f, mine[f]])) };
  return { merged, conflicts };
}

/** A field's value as a person reads it. */
export function valueWords(profile: AccountProfile, field: Field): string {
  const value = profile[field];
  if (Array.isArray(value)) {
    if (value.length === 0) return "Nothing";
    return value
      .map((v) =>
        typeof v === "string"
          ? v
          : "name" in v
            ? v.name
            : `${["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][v.weekday] ?? ""} ${v.time}`,
      )
      .join(", ");
  }
  return value === "" ? "Nothing" : String(value);
}
