// @vitest-environment node
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { weightedLength } from "./weight-rules";

interface Vector {
  text: string;
  length: number;
}

// The server counts in Go, the composer with X's own library: both are held to this one file.
const path = new URL("../../../../../shared/platform/testdata/weight.json", import.meta.url);

describe("weighted length", () => {
  it("agrees with the server's counter on every vector", () => {
    const { vectors } = JSON.parse(readFileSync(path, "utf8")) as { vectors: Vector[] };
    expect(vectors.length).toBeGreaterThan(20);
    const wrong = vectors.filter((v) => weightedLength(v.text) !== v.length);
    expect(wrong.map((v) => ({ ...v, counted: weightedLength(v.text) }))).toEqual([]);
  });
});
