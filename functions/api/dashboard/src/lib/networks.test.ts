import { describe, expect, it } from "vitest";
import { aNetwork } from "../test/factories";
import { imageProblem, lack, partProblems, plainLength } from "./networks";

const x = aNetwork();
const instagram = aNetwork({ network: "instagram" });
const image = (width: number, height: number, change = {}) => ({
  id: `${width}x${height}`,
  alt: "",
  url: null,
  width,
  height,
  type: "image/jpeg",
  bytes: 1000,
  ...change,
});

describe("what a network takes", () => {
  it("refuses images at the limits at which the server does", () => {
    expect(imageProblem(image(1080, 1350), instagram)).toBeNull();
    expect(imageProblem(image(1080, 1351), instagram)).toBe(
      "It is too tall for Instagram: at most 4:5. Crop it and add it again.",
    );
    expect(imageProblem(image(1910, 1000), instagram)).toBeNull();
    expect(imageProblem(image(1911, 1000), instagram)).toMatch(/too wide for Instagram: at most 1.91:1/);
    expect(imageProblem(image(9, 9, { type: "image/png" }), instagram)).toMatch(/takes JPEG only/);
    expect(imageProblem(image(9, 9, { bytes: 9_000_000 }), instagram)).toMatch(/9.0 MB; Instagram takes 8.4/);
    for (const odd of [image(3000, 10), image(9, 9, { type: "image/png" })])
      expect(imageProblem(odd, x)).toBeNull();
    expect(imageProblem(image(9, 9), undefined)).toBeNull();
    expect(imageProblem({ id: "1", alt: "", url: null, width: 9, height: 9 }, instagram)).toBeNull();
  });
  it("counts parts, hashtags and mentions as the server does", () => {
    const said = (...texts: string[]) =>
      partProblems(
        texts.map((text) => ({ text, images: [] })),
        instagram,
      );
    expect(said("one", "two")).toEqual(["Instagram has no threads. Join the parts into one caption."]);
    expect(said("#a#b" + " #漢".repeat(28))).toEqual([]);
    expect(said("#a#b" + " #漢".repeat(29))).toEqual(["Instagram takes 30 hashtags; there are 31."]);
    expect(said("mail a@b.example" + " @c".repeat(20))).toEqual([]);
    expect(said("@c ".repeat(21))).toEqual(["Instagram takes 20 mentions; there are 21."]);
    expect(partProblems([{ text: "#a ".repeat(40), images: [] }], x)).toEqual([]);
    const many = Array.from({ length: 11 }, (_, i) => image(9, 9 + i));
    expect(partProblems([{ text: "a", images: many }], instagram)).toEqual([
      "Instagram takes 10 images in one post; there are 11.",
    ]);
  });
  it("counts a caption in UTF-16 units of its composed form", () => {
    expect(plainLength("a😀")).toBe(3);
    expect(plainLength("e\u0301")).toBe(1);
  });
  it("asks for an image where the network wants one", () => {
    expect(lack([{ text: "a", images: [] }], instagram)).toMatch(/no post without an image/);
    expect(lack([{ text: "a", images: [image(1, 1)] }], instagram)).toBeNull();
    expect(lack([{ text: "a", images: [] }], x)).toBeNull();
  });
});
