// @vitest-environment node
import { describe, expect, it } from "vitest";
import { aFinding } from "../test/factories";
import { gravest, segments } from "./highlight";

describe("segments", () => {
  it("marks the stretch a finding names", () => {
    const text = "A revolutionary gauge";
    expect(segments(text, 0, [aFinding({ start: 2, end: 15 })])).toEqual([
      { text: "A ", findings: [] },
      { text: "revolutionary", findings: [0] },
      { text: " gauge", findings: [] },
    ]);
  });
  it("cuts where findings overlap and names both", () => {
    const out = segments("abcdef", 0, [aFinding({ start: 0, end: 4 }), aFinding({ start: 2, end: 6 })]);
    expect(out).toEqual([
      { text: "ab", findings: [0] },
      { text: "cd", findings: [0, 1] },
      { text: "ef", findings: [1] },
    ]);
  });
  it("counts in UTF-16, so that text after an emoji is marked right", () => {
    const text = "🌊🌊 tide";
    expect(segments(text, 0, [aFinding({ start: 5, end: 9 })]).at(-1)).toEqual({
      text: "tide",
      findings: [0],
    });
  });
  it("ignores other parts and keeps offsets inside the text", () => {
    const out = segments("short", 1, [
      aFinding({ part: 0, start: 0, end: 3 }),
      aFinding({ part: 1, start: -2, end: 99 }),
    ]);
    expect(out).toEqual([{ text: "short", findings: [1] }]);
  });
  it("always gives the text back", () => {
    const text = "one two three";
    const findings = [
      aFinding({ start: 4, end: 4 }),
      aFinding({ start: 9, end: 2 }),
      aFinding({ start: 3, end: 8 }),
    ];
    expect(
      segments(text, 0, findings)
        .map((s) => s.text)
        .join(""),
    ).toBe(text);
    expect(segments("", 0, findings)).toEqual([{ text: "", findings: [] }]);
  });
});

describe("gravest", () => {
  it("picks the worst of those that cover a stretch", () => {
    const findings = [
      aFinding({ severity: "note" }),
      aFinding({ severity: "block" }),
      aFinding({ severity: "warn" }),
    ];
    expect(gravest(findings, [0, 2])).toBe("warn");
    expect(gravest(findings, [0, 1, 2])).toBe("block");
  });
});
