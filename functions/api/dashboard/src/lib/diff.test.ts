// @vitest-environment node
import { describe, expect, it } from "vitest";
import { partsDiff, wordDiff } from "./diff";

const joined = (before: string, after: string) => {
  const changes = wordDiff(before, after);
  return {
    before: changes
      .filter((c) => c.kind !== "added")
      .map((c) => c.text)
      .join(""),
    after: changes
      .filter((c) => c.kind !== "removed")
      .map((c) => c.text)
      .join(""),
  };
};

describe("wordDiff", () => {
  it("names the words that were put in and taken out", () => {
    expect(wordDiff("the tide rose", "the water rose")).toEqual([
      { kind: "same", text: "the " },
      { kind: "removed", text: "tide" },
      { kind: "added", text: "water" },
      { kind: "same", text: " rose" },
    ]);
  });
  it("gives both texts back whole, line breaks and emoji included", () => {
    const before = "First line\n\nsecond 👩‍👩‍👧 line  with spaces";
    const after = "First line\nsecond 👩‍👩‍👧‍👦 line with\nspaces.";
    expect(joined(before, after)).toEqual({ before, after });
  });
  it("says nothing about equal texts", () => {
    expect(wordDiff("same", "same")).toEqual([{ kind: "same", text: "same" }]);
    expect(wordDiff("", "")).toEqual([]);
  });
});

describe("partsDiff", () => {
  it("shows parts that joined or left a thread as a whole", () => {
    const longer = partsDiff([{ text: "a" }], [{ text: "a" }, { text: "b" }]);
    expect(longer.map((d) => d.status)).toEqual(["same", "added"]);
    const shorter = partsDiff([{ text: "a" }, { text: "b" }], [{ text: "x" }]);
    expect(shorter.map((d) => d.status)).toEqual(["changed", "removed"]);
  });
});
