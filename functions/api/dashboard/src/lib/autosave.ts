// What is being written survives a closed tab; it lives in this browser only.
import type { PartImage } from "../api/media";

export interface Kept {
  texts: string[];
  /** The images of each part; their addresses may have run out. */
  images?: PartImage[][];
  accountId: string | null;
  due: string | null;
  /** The version it was written over; null for a new post. */
  base: string | null;
  savedAt: number;
}

const prefix = "rostrum.compose.";

export function readKept(id: string): Kept | null {
  try {
    const raw = localStorage.getItem(prefix + id);
    if (!raw) return null;
    const kept = JSON.parse(raw) as Partial<Kept>;
    if (!Array.isArray(kept.texts) || kept.texts.every((t) => t.trim() === "")) return null;
    return {
      texts: kept.texts.map(String),
      images: Array.isArray(kept.images) ? kept.images : [],
      accountId: kept.accountId ?? null,
      due: kept.due ?? null,
      base: kept.base ?? null,
      savedAt: kept.savedAt ?? 0,
    };
  } catch {
    return null;
  }
}

export function keep(id: string, kept: Kept): void {
  try {
    localStorage.setItem(prefix + id, JSON.stringify(kept));
  } catch {
    // A full or blocked store only costs the safety net, not the writing.
  }
}

export function forget(id: string): void {
  try {
    localStorage.removeItem(prefix + id);
  } catch {
    // As above.
  }
}
