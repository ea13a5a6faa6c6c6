// @vitest-environment node
import { describe, expect, it } from "vitest";
import { maxParts, splitPoint, thread, threadReducer, type Thread, type ThreadAction } from "./thread";

const texts = (t: Thread) => t.parts.map((p) => p.text);
const run = (start: string[], ...actions: ThreadAction[]) => actions.reduce(threadReducer, thread(start));

describe("threadReducer", () => {
  it("adds a part after the one named and puts the caret there", () => {
    const t = run(["a", "b"], { type: "add", after: 0 });
    expect(texts(t)).toEqual(["a", "", "b"]);
    expect(t.focus?.key).toBe(t.parts[1]?.key);
  });
  it("moves a part with its key, and not past the ends", () => {
    const t = run(["a", "b", "c"], { type: "move", index: 2, by: -1 });
    expect(texts(t)).toEqual(["a", "c", "b"]);
    expect(t.parts[1]?.key).toBe(2);
    expect(texts(run(["a", "b"], { type: "move", index: 1, by: 1 }))).toEqual(["a", "b"]);
  });
  it("splits at the caret without stray spaces, and joins back", () => {
    const t = run(["one two"], { type: "split", index: 0, at: 4 });
    expect(texts(t)).toEqual(["one", "two"]);
    expect(t.focus).toEqual({ key: t.parts[1]?.key, caret: 0 });
    expect(texts(threadReducer(t, { type: "join", index: 1 }))).toEqual(["one\ntwo"]);
  });
  it("keeps one empty part when the last is removed", () => {
    expect(texts(run(["a"], { type: "remove", index: 0 }))).toEqual([""]);
  });
  it("never gives two parts one key", () => {
    const t = run(["a"], { type: "add", after: 0 }, { type: "remove", index: 0 }, { type: "add", after: 0 });
    expect(new Set(t.parts.map((p) => p.key)).size).toBe(t.parts.length);
  });
  it("stops at the longest thread", () => {
    const full = thread(Array.from({ length: maxParts }, () => "x y"));
    expect(threadReducer(full, { type: "add", after: 0 }).parts).toHaveLength(maxParts);
    expect(threadReducer(full, { type: "split", index: 0, at: 1 })).toBe(full);
  });
});

describe("splitPoint", () => {
  const plain = (t: string) => t.length;
  it("cuts after the last sentence that fits", () => {
    const text = "First one. Second one. Third is too long for it.";
    expect(text.slice(0, splitPoint(text, plain, 30))).toBe("First one. Second one.");
  });
  it("cuts before a word when no sentence ends in time", () => {
    const text = "no sentence ends here at all";
    expect(text.slice(0, splitPoint(text, plain, 14))).toBe("no sentence");
  });
  it("never cuts a surrogate pair in half", () => {
    const text = "🌊".repeat(20);
    const at = splitPoint(text, plain, 7);
    expect(at % 2).toBe(0);
    expect(at).toBeGreaterThan(0);
  });
  it("leaves a text that fits alone", () => {
    expect(splitPoint("fits", plain, 280)).toBe(4);
  });
});
