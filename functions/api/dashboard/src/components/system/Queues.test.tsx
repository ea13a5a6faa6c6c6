import { expect, it } from "vitest";
import { depthWords } from "./Queues";

it.each([
  [{ visible: 0, delayed: 0, in_flight: 0 }, "Nothing waits"],
  [{ visible: 3, delayed: 0, in_flight: 0 }, "waiting"],
  [{ visible: 0, delayed: 9, in_flight: 0 }, "for later"],
  [{ visible: 2, delayed: 9, in_flight: 1 }, "2 now, 9 for later, 1 being worked on"],
])("a queue tells each message once: %j", (depth, words) => {
  expect(depthWords(depth)).toBe(words);
});
