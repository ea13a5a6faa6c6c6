// @vitest-environment node
import { describe, expect, it } from "vitest";
import { parseClock } from "./clocktext";
import {
  addDays,
  ageWords,
  countdown,
  dayWords,
  exactTime,
  localTime,
  midSentence,
  relativeTime,
  shortTime,
  span,
  zoneWords,
} from "./time";

const now = Date.parse("2026-11-24T20:00:00Z");

describe("times in an account's zone", () => {
  it("reads the wall clock of the zone, also across midnight", () => {
    expect(localTime("2026-11-24T23:30:00Z", "Europe/Berlin")).toEqual({
      date: "2026-11-25",
      time: "00:30",
      weekday: 3,
    });
    expect(localTime("2026-11-24T02:30:00Z", "America/New_York").date).toBe("2026-11-23");
  });
  it("says Today and Tomorrow by the zone's date, not the browser's", () => {
    expect(shortTime("2026-11-24T23:30:00Z", "Europe/Berlin", now)).toBe("Tomorrow 00:30");
    expect(shortTime("2026-11-24T23:30:00Z", "America/New_York", now)).toBe("Today 18:30");
  });
  it("says today in the middle of a sentence, and keeps the names of days", () => {
    expect(midSentence(shortTime("2026-11-24T20:30:00Z", "UTC", now))).toBe("today 20:30");
    expect(midSentence(shortTime("2026-11-23T20:30:00Z", "UTC", now))).toBe("yesterday 20:30");
    expect(midSentence(shortTime("2026-11-27T20:30:00Z", "UTC", now))).toBe("Fri 27 Nov 20:30");
  });
  it("follows daylight saving on both sides of the change", () => {
    expect(localTime("2026-03-29T00:59:00Z", "Europe/Berlin").time).toBe("01:59");
    expect(localTime("2026-03-29T01:00:00Z", "Europe/Berlin").time).toBe("03:00");
    expect(zoneWords("Europe/Berlin", "2026-07-01T00:00:00Z")).toBe("CEST");
    expect(zoneWords("Europe/Berlin", "2026-12-01T00:00:00Z")).toBe("CET");
    expect(zoneWords("America/New_York", "2026-12-01T00:00:00Z")).toBe("EST");
  });
  it("names the exact second and the zone", () => {
    expect(exactTime("2026-11-25T08:30:05Z", "Europe/Berlin")).toBe(
      "Wednesday 25 November 2026, 09:30:05 CET (Europe/Berlin)",
    );
  });
  it("falls back to UTC for a zone this browser does not know", () => {
    expect(localTime("2026-11-24T20:00:00Z", "Mars/Olympus").time).toBe("20:00");
  });
});

describe("spans", () => {
  it("says how far away a moment is", () => {
    expect(relativeTime(now + 2_000, now)).toBe("now");
    expect(relativeTime(now + 180_000, now)).toBe("in 3 min");
    expect(relativeTime(now - 2 * 3_600_000, now)).toBe("2 h ago");
    expect(relativeTime(now - 3 * 86_400_000, now)).toBe("3 days ago");
  });
  it("counts down by the second and never below zero", () => {
    expect(countdown(42_000)).toBe("00:42");
    expect(countdown(3_600_000 * 3 + 1)).toBe("03:00:01");
    expect(countdown(86_400_000 * 2 + 60_000)).toBe("2 d 00:01");
    expect(countdown(-5_000)).toBe("00:00");
  });
  it("gives lateness the unit it deserves", () => {
    expect([140, 3_240, 240_000].map(span)).toEqual(["140 ms", "3.2 s", "4 min"]);
    expect([45, 3_600, 86_400, 604_800].map(ageWords)).toEqual(["45 s", "1 h", "24 h", "7 days"]);
  });
  it("moves dates over months and years", () => {
    expect(addDays("2026-12-31", 1)).toBe("2027-01-01");
    expect(dayWords("2027-01-02", "2026-11-24")).toBe("Sat 2 Jan 2027");
  });
});

describe("parseClock", () => {
  it.each([
    ["9", "09:00"],
    ["930", "09:30"],
    ["9.30", "09:30"],
    ["21:05", "21:05"],
    ["9:30 pm", "21:30"],
    ["12am", "00:00"],
  ])("reads %s", (text, want) => expect(parseClock(text)).toBe(want));
  it.each(["", "25:00", "9:75", "13pm", "soon"])("refuses “%s”", (text) =>
    expect(parseClock(text)).toBeNull(),
  );
});
