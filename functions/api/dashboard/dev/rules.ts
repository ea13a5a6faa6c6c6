// The rules the mock keeps.
import type { PostState } from "../src/api/model.ts";
import { localTime } from "../src/lib/time.ts";

export const actionsIn: Record<PostState, string[]> = {
  draft: ["edit", "submit", "cancel"],
  in_review: ["edit", "cancel"],
  awaiting_approval: ["edit", "approve", "request_changes", "reject", "cancel"],
  changes_requested: ["edit", "submit", "cancel"],
  rejected: ["edit"],
  approved: ["edit", "schedule", "publish_now", "cancel"],
  scheduled: ["edit", "schedule", "unschedule", "publish_now", "cancel"],
  sending: [],
  published: [],
  canceled: ["edit"],
  failed: ["edit", "retry", "cancel"],
  unknown: ["resolve"],
  missed: ["schedule", "publish_now", "cancel"],
};

/** The instant of a wall-clock time, by trying offsets; good enough for a mock. */
export function instantOf(local: string, zone: string): string {
  const guess = Date.parse(`${local.slice(0, 16)}:00Z`);
  for (let h = -14; h <= 14; h += 0.25) {
    const t = localTime(guess - h * 3_600_000, zone);
    if (`${t.date}T${t.time}` === local.slice(0, 16))
      return new Date(guess - h * 3_600_000).toISOString().replace(".000Z", "Z");
  }
  return new Date(guess).toISOString();
}
