import type { PartImage } from "../api/media";
import type { Network, NetworkId } from "../api/model";
import { type Counter, useCounter } from "./weight";

// What a network takes, as the composer must know it before the server says it.

export type Limits = Network["limits"];

/** A network as people call it; it needs no answer of the server. */
export function networkName(id: NetworkId): string {
  return { x: "X", instagram: "Instagram" }[id];
}

/** The longest text of a part; X's, while the network's limits are not here yet. */
export function maxLength(network: Network | undefined): number {
  return network?.limits.max_length ?? 280;
}

/** UTF-16 units, as the server counts for every network but X. */
export const plainLength: Counter = (text) => text.normalize("NFC").length;

/** How the network counts; undefined until its rules are here. */
export function useNetworkCounter(id: NetworkId | undefined): Counter | undefined {
  const weighted = useCounter();
  if (id === undefined) return undefined;
  return id === "x" ? weighted : plainLength;
}

/** Why the network would refuse the image, in a sentence; null when it would not. */
export function imageProblem(image: PartImage, network: Network | undefined): string | null {
  if (!network) return null;
  const { min_aspect, max_aspect, image_types, max_image_bytes } = network.limits;
  if (image.type && !image_types.includes(image.type))
    return `${network.name} takes ${typeNames(image_types)} only. Remove it and add it anew.`;
  if (image.bytes && image.bytes > max_image_bytes)
    return `It has ${megabytes(image.bytes)} MB; ${network.name} takes ${megabytes(max_image_bytes)}.`;
  const aspect = image.width / image.height;
  // The server decides; the two must not differ by a rounding.
  if (min_aspect > 0 && aspect < min_aspect - 1e-9)
    return `It is too tall for ${network.name}: at most 4:5. Crop it and add it again.`;
  if (max_aspect > 0 && aspect > max_aspect + 1e-9)
    return `It is too wide for ${network.name}: at most ${max_aspect}:1. Crop it and add it again.`;
  return null;
}

function typeNames(types: string[]): string {
  return types.map((t) => t.replace("image/", "").toUpperCase()).join(", ");
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

interface Part {
  text: string;
  images: PartImage[];
}

/** Why the network would refuse the parts, in sentences; lengths have their own meter. */
export function partProblems(parts: Part[], network: Network | undefined): string[] {
  if (!network) return [];
  const { limits, name } = network;
  const found: string[] = [];
  if (parts.length > limits.max_parts && limits.max_parts === 1)
    found.push(`${name} has no threads. Join the parts into one caption.`);
  const tooMany = (sign: string, most: number, noun: string) => {
    const n = Math.max(0, ...parts.map((p) => marks(p.text, sign)));
    if (most > 0 && n > most) found.push(`${name} takes ${most} ${noun}; there are ${n}.`);
  };
  tooMany("#", limits.max_hashtags, "hashtags");
  tooMany("@", limits.max_mentions, "mentions");
  for (const p of parts) {
    if (p.images.length > limits.max_images) {
      found.push(`${name} takes ${limits.max_images} images in one post; there are ${p.images.length}.`);
      break;
    }
  }
  return found;
}

/** Counts hashtags or mentions as the server does. */
function marks(text: string, sign: string): number {
  const pattern =
    sign === "#" ? /(?<!&)[#＃](?=[\p{L}\p{N}_])/gu : /(?<![\p{L}\p{N}_])[@＠](?=[\p{L}\p{N}_])/gu;
  return text.match(pattern)?.length ?? 0;
}

/** What the post still lacks before it can be approved; null when it lacks nothing. */
export function lack(parts: Part[], network: Network | undefined): string | null {
  if (!network || parts.every((p) => p.images.length >= network.limits.min_images)) return null;
  return `${network.name} takes no post without an image. Add one before it is approved.`;
}
