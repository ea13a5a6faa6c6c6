import type { PartImage } from "../api/media";

// The thread editor's rules, free of React: what each key and button does to the parts.

export interface ThreadPart {
  /** Stable while the part lives, so that focus and undo stay with it. */
  key: number;
  text: string;
  images: PartImage[];
}

/** A part as it is loaded: its text, with its images where it has any. */
export type Loaded = string | { text: string; images: PartImage[] };

export interface Thread {
  parts: ThreadPart[];
  nextKey: number;
  /** Where the caret should go after this change; null leaves it alone. */
  focus: { key: number; caret: number } | null;
}

export type ThreadAction =
  | { type: "set"; index: number; text: string }
  | { type: "images"; key: number; change: (images: PartImage[]) => PartImage[] }
  | { type: "add"; after: number }
  | { type: "remove"; index: number }
  | { type: "move"; index: number; by: 1 | -1 }
  | { type: "split"; index: number; at: number }
  | { type: "join"; index: number }
  | { type: "merge" }
  | { type: "load"; texts: Loaded[] };

export const maxParts = 25;

export function thread(texts: Loaded[]): Thread {
  const list = texts.length > 0 ? texts : [""];
  const parts = list.map((p, key) => (typeof p === "string" ? { key, text: p, images: [] } : { key, ...p }));
  return { parts, nextKey: list.length, focus: null };
}

export function threadReducer(state: Thread, action: ThreadAction): Thread {
  const { parts, nextKey } = state;
  switch (action.type) {
    case "load":
      return thread(action.texts);
    case "set":
      return {
        ...state,
        focus: null,
        parts: parts.map((p, i) => (i === action.index ? { ...p, text: action.text } : p)),
      };
    case "images":
      return {
        ...state,
        focus: null,
        parts: parts.map((p) => (p.key === action.key ? { ...p, images: action.change(p.images) } : p)),
      };
    case "add":
      return insert(state, action.after + 1, "");
    case "remove": {
      if (parts.length <= 1)
        return {
          ...state,
          parts: [{ key: nextKey, text: "", images: [] }],
          nextKey: nextKey + 1,
          focus: { key: nextKey, caret: 0 },
        };
      const left = parts.filter((_, i) => i !== action.index);
      const near = left[Math.max(0, action.index - 1)];
      return { ...state, parts: left, focus: near ? { key: near.key, caret: near.text.length } : null };
    }
    case "move": {
      const to = action.index + action.by;
      const moved = parts[action.index];
      if (!moved || to < 0 || to >= parts.length) return state;
      const left = parts.filter((_, i) => i !== action.index);
      return {
        ...state,
        parts: left.toSpliced(to, 0, moved),
        focus: { key: moved.key, caret: moved.text.length },
      };
    }
    case "split": {
      const part = parts[action.index];
      if (!part || parts.length >= maxParts) return state;
      const head = part.text.slice(0, action.at).trimEnd();
      const kept = parts.map((p, i) => (i === action.index ? { ...p, text: head } : p));
      const next = insert(
        { ...state, parts: kept },
        action.index + 1,
        part.text.slice(action.at).trimStart(),
      );
      return { ...next, focus: next.focus ? { ...next.focus, caret: 0 } : null };
    }
    case "merge": {
      const [first, ...rest] = parts;
      if (!first || rest.length === 0) return state;
      const text = parts
        .map((p) => p.text.trim())
        .filter((t) => t !== "")
        .join("\n\n");
      const merged = { ...first, text, images: parts.flatMap((p) => p.images) };
      return { ...state, parts: [merged], focus: { key: first.key, caret: text.length } };
    }
    case "join": {
      const part = parts[action.index];
      const before = parts[action.index - 1];
      if (!part || !before) return state;
      const gap = before.text !== "" && part.text !== "" ? "\n" : "";
      const joined = {
        ...before,
        text: before.text + gap + part.text,
        images: [...before.images, ...part.images],
      };
      const left = parts.filter((_, i) => i !== action.index).map((p) => (p.key === before.key ? joined : p));
      return { ...state, parts: left, focus: { key: before.key, caret: before.text.length } };
    }
  }
}

function insert(state: Thread, at: number, text: string): Thread {
  if (state.parts.length >= maxParts) return state;
  const part = { key: state.nextKey, text, images: [] };
  return {
    parts: state.parts.toSpliced(at, 0, part),
    nextKey: state.nextKey + 1,
    focus: { key: part.key, caret: text.length },
  };
}

/**
 * Where a text that is too long should be cut: after the last sentence that
 * fits, else before the last word that does, else at the last character.
 */
export function splitPoint(text: string, count: (text: string) => number, limit: number): number {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const mid = Math.ceil((low + high) / 2);
    if (count(text.slice(0, mid)) <= limit) low = mid;
    else high = mid - 1;
  }
  // Never between the two halves of a surrogate pair.
  const fits = low > 0 && /[\uD800-\uDBFF]/.test(text.charAt(low - 1)) ? low - 1 : low;
  if (fits >= text.length) return text.length;
  const head = text.slice(0, fits);
  const sentence = Math.max(...[". ", "! ", "? ", "\n"].map((mark) => head.lastIndexOf(mark) + 1));
  if (sentence > fits * 0.4) return sentence;
  const word = head.lastIndexOf(" ");
  return word > 0 ? word : fits;
}
