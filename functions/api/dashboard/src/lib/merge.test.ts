// @vitest-environment node
import { describe, expect, it } from "vitest";
import { anAccount } from "../test/factories";
import { merge, patchOf, profileOf } from "./merge";

const base = profileOf(anAccount());

describe("merge", () => {
  it("keeps both people's changes to different fields", () => {
    const out = merge(base, { ...base, voice: "Warm" }, { ...base, goals: ["Another"] });
    expect(out.conflicts).toEqual([]);
    expect(out.merged).toMatchObject({ voice: "Warm", goals: ["Another"] });
  });
  it("names the fields both changed and takes theirs for now", () => {
    const out = merge(base, { ...base, voice: "Warm" }, { ...base, voice: "Dry" });
    expect(out.conflicts).toEqual(["voice"]);
    expect(out.merged.voice).toBe("Dry");
  });
  it("is no conflict when both made the same change", () => {
    expect(merge(base, { ...base, voice: "Warm" }, { ...base, voice: "Warm" }).conflicts).toEqual([]);
  });
  it("sends only what differs", () => {
    expect(patchOf(base, { ...base, posts_per_week: 9 })).toEqual({ posts_per_week: 9 });
    expect(patchOf(base, { ...base })).toEqual({});
  });
});
