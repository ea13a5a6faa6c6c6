import { diffWordsWithSpace } from "diff";

export interface Change {
  kind: "same" | "added" | "removed";
  text: string;
}

/** The words that differ between two texts, in reading order. */
export function wordDiff(before: string, after: string): Change[] {
  if (before === after) return after === "" ? [] : [{ kind: "same", text: after }];
  return diffWordsWithSpace(before, after).map((c) => ({
    kind: c.added ? "added" : c.removed ? "removed" : "same",
    text: c.value,
  }));
}

export interface PartDiff {
  part: number;
  changes: Change[];
  status: "same" | "changed" | "added" | "removed";
}

/** Compares two versions part by part; a thread that grew or shrank shows whole parts. */
export function partsDiff(before: { text: string }[], after: { text: string }[]): PartDiff[] {
  const out: PartDiff[] = [];
  for (let i = 0; i < Math.max(before.length, after.length); i++) {
    const a = before[i]?.text;
    const b = after[i]?.text;
    if (a === undefined && b !== undefined) {
      out.push({ part: i, status: "added", changes: [{ kind: "added", text: b }] });
    } else if (a !== undefined && b === undefined) {
      out.push({ part: i, status: "removed", changes: [{ kind: "removed", text: a }] });
    } else if (a !== undefined && b !== undefined) {
      out.push({ part: i, status: a === b ? "same" : "changed", changes: wordDiff(a, b) });
    }
  }
  return out;
}
