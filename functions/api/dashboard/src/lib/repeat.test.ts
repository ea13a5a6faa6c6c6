import { describe, expect, it } from "vitest";
import { choicesFor, type Repeat, repeatOf, ruleOf, ruleWords } from "./repeat";

const plain: Repeat = { every: "day", interval: 1, days: [], ends: { kind: "never" } };
const start = "2026-11-25"; // the fourth Wednesday

describe("repeating", () => {
  it.each<[Partial<Repeat>, string, string]>([
    [{}, "FREQ=DAILY", "Every day"],
    [{ every: "weekday" }, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Every weekday"],
    [{ every: "week", days: [0, 4, 1] }, "FREQ=WEEKLY;BYDAY=MO,TH,SU", "Every week on Mon, Thu and Sun"],
    [
      { every: "week", interval: 2, days: [3], ends: { kind: "on", date: "2027-01-31" } },
      "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE;UNTIL=20270131",
      "Every 2 weeks on Wed, until 31 Jan 2027",
    ],
    [{ every: "month_nth" }, "FREQ=MONTHLY;BYDAY=4WE", "Monthly on the fourth Wednesday"],
    [
      { every: "month_last", ends: { kind: "after", count: 6 } },
      "FREQ=MONTHLY;BYDAY=-1WE;COUNT=6",
      "Monthly on the last Wednesday, 6 times",
    ],
    [{ every: "month_day" }, "FREQ=MONTHLY;BYMONTHDAY=25", "Monthly on day 25"],
  ])("says the same as a rule and in words", (change, rule, words) => {
    const repeat = { ...plain, ...change };
    expect(ruleOf(repeat, start)).toBe(rule);
    expect(ruleWords(rule, `${start}T09:00:00`)).toBe(words);
    const back = repeatOf(rule);
    expect(back && ruleOf(back, start)).toBe(rule);
  });

  it("leaves a rule that was written by hand as it is", () => {
    expect(repeatOf("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29")).toBeNull();
    expect(ruleWords("FREQ=DAILY;INTERVAL=3", start)).toBe("By the rule FREQ=DAILY;INTERVAL=3");
  });

  it("names the choices after the day of the start", () => {
    const labels = choicesFor("2026-12-29").map((c) => c.label);
    expect(labels).toContain("Monthly, on the fourth Tuesday");
    expect(labels).toContain("Monthly, on the last Tuesday");
  });
});
