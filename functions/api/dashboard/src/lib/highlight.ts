import type { Finding } from "../api/model";

export interface Segment {
  text: string;
  /** Indexes into the findings given, of those that cover this stretch. */
  findings: number[];
}

/**
 * Cuts one part's text where findings begin and end. Offsets are UTF-16, as
 * JavaScript counts; offsets outside the text are drawn in to it, and a finding
 * without extent marks nothing. Joined again, the segments are the text.
 */
export function segments(text: string, part: number, findings: Finding[]): Segment[] {
  const spans = findings
    .map((f, index) => ({
      index,
      part: f.part,
      start: clamp(f.start, text.length),
      end: clamp(f.end, text.length),
    }))
    .filter((s) => s.part === part && s.end > s.start);
  const cuts = [...new Set([0, text.length, ...spans.flatMap((s) => [s.start, s.end])])].sort(
    (a, b) => a - b,
  );
  const out: Segment[] = [];
  for (let i = 0; i + 1 < cuts.length; i++) {
    const from = cuts[i] ?? 0;
    const to = cuts[i + 1] ?? text.length;
    out.push({
      text: text.slice(from, to),
      findings: spans.filter((s) => s.start <= from && s.end >= to).map((s) => s.index),
    });
  }
  return out.length > 0 ? out : [{ text, findings: [] }];
}

function clamp(n: number, max: number): number {
  return Math.min(Math.max(0, n), max);
}

const rank = { block: 2, warn: 1, note: 0 } as const;

/** The gravest severity among the findings named. */
export function gravest(findings: Finding[], indexes: number[]): "note" | "warn" | "block" {
  let worst: "note" | "warn" | "block" = "note";
  for (const i of indexes) {
    const s = findings[i]?.severity;
    if (s && rank[s] > rank[worst]) worst = s;
  }
  return worst;
}
