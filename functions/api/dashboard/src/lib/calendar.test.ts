// @vitest-environment node
import { describe, expect, it } from "vitest";
import { aPost } from "../test/factories";
import { daysShown, entriesByDay, stepDate } from "./calendar";

describe("daysShown", () => {
  it("shows whole weeks from Monday around a month", () => {
    const days = daysShown("month", "2026-11-24");
    expect(days[0]).toBe("2026-10-26");
    expect(days.at(-1)).toBe("2026-12-06");
    expect(days.length % 7).toBe(0);
  });
  it("does not add an empty week to a month that fills its own", () => {
    expect(daysShown("month", "2027-02-10")).toHaveLength(28);
  });
  it("steps months without skipping a short one", () => {
    expect(stepDate("month", "2027-01-31", 1)).toBe("2027-02-01");
    expect(stepDate("week", "2026-12-30", 1)).toBe("2027-01-06");
  });
});

describe("entriesByDay", () => {
  const now = Date.parse("2026-11-24T12:00:00Z");
  const slot = (due_at: string, taken = false) => ({ account_id: "a1", local: "", due_at, taken });
  const calendar = {
    items: [aPost({ state: "scheduled", due_at: "2026-11-24T23:30:00Z" })],
    slots: [slot("2026-11-25T08:00:00Z"), slot("2026-11-24T09:00:00Z"), slot("2026-11-25T09:00:00Z", true)],
    truncated: false,
  };
  it("puts a post on the day of the chosen clock", () => {
    expect([...entriesByDay(calendar, "Europe/Berlin", now, new Set()).keys()]).toEqual(["2026-11-25"]);
    expect(entriesByDay(calendar, "UTC", now, new Set()).get("2026-11-24")?.[0]?.time).toBe("23:30");
  });
  it("leaves out taken and past slots and hidden accounts", () => {
    const all = [...entriesByDay(calendar, "UTC", now, new Set()).values()].flat();
    expect(all.filter((e) => e.kind === "slot")).toHaveLength(1);
    expect(entriesByDay(calendar, "UTC", now, new Set(["a1"])).size).toBe(0);
  });
});
