import { describe, expect, it } from "vitest";
import type { Today } from "../api/model";
import { aPost } from "../test/factories";
import { guideSteps } from "./FirstMinute";

const none = { count: 0, items: [] };
const empty: Today = {
  needs_me: { awaiting_approval: none, unknown: none, held: none, changes_requested: none },
  next_out: [],
  failed: [],
  published: [],
  lateness: null,
  drafts_in_progress: [],
};
const done = (today: Partial<Today>) => guideSteps({ ...empty, ...today }).map((s) => s.done);

describe("the guide of the first minute", () => {
  it("begins with nothing done", () => expect(done({})).toEqual([false, false, false, false]));
  it("follows what really happened", () => {
    const waiting = { ...empty.needs_me, awaiting_approval: { count: 1, items: [aPost()] } };
    expect(done({ needs_me: waiting })).toEqual([true, false, false, false]);
    expect(done({ next_out: [aPost({ state: "scheduled" })] })).toEqual([true, true, false, false]);
    const out = { ...aPost({ state: "published" }), metrics: null };
    expect(done({ published: [out] })).toEqual([true, true, true, false]);
    expect(done({ published: [{ ...out, metrics: { impressions: 3, likes: 0 } }] })).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });
});
