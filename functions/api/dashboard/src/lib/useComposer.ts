import { useEffect, useMemo, useReducer, useRef, useState } from "react";
import { newKey } from "../api/client";
import type { Post } from "../api/model";
import { forget, keep, readKept } from "./autosave";
import type { PartImage } from "../api/media";
import { type Loaded, thread, threadReducer } from "./thread";

const autosaveMs = 600;

/** The state of one composer: its parts, account, planned time, and whether it is saved. */
export function useComposer(post: Post | undefined, startAccount: string | null, startDue: string | null) {
  const id = post?.id ?? "new";
  const [kept] = useState(() => readKept(id));
  const saved = useMemo(() => (post ? loaded(post) : [blank]), [post]);
  const before = useMemo(() => (kept ? loadedKept(kept) : null), [kept]);
  const restored = before !== null && !same(before, saved);
  const [state, dispatch] = useReducer(threadReducer, before ?? saved, thread);
  const [accountId, setAccountId] = useState<string | null>(
    post?.account.id ?? startAccount ?? kept?.accountId ?? null,
  );
  const [due, setDue] = useState<string | null>(startDue ?? (post ? null : (kept?.due ?? null)));
  const [showRestored, setShowRestored] = useState(restored);
  const [key, setKey] = useState(newKey);
  const done = useRef(false);

  const texts = useMemo(() => state.parts.map((p) => p.text), [state.parts]);
  const images = useMemo(() => state.parts.map((p) => p.images), [state.parts]);
  const dirty = !same(state.parts, saved);
  const base = post?.etag ?? null;

  useEffect(() => {
    if (done.current) return;
    if (!dirty) {
      forget(id);
      return;
    }
    const timer = setTimeout(
      () => keep(id, { texts, images, accountId, due, base, savedAt: Date.now() }),
      autosaveMs,
    );
    return () => clearTimeout(timer);
  }, [id, texts, images, accountId, due, base, dirty]);

  return {
    state,
    dispatch,
    texts,
    /** The parts as the API takes them. */
    body: state.parts.map((p) => ({
      text: p.text,
      ...(p.images.length > 0 ? { media: p.images.map((m) => ({ id: m.id, alt: m.alt })) } : {}),
    })),
    accountId,
    setAccountId,
    due,
    setDue,
    dirty,
    restoredAt: showRestored && kept ? kept.savedAt : null,
    hideRestored: () => setShowRestored(false),
    discard: () => {
      forget(id);
      setShowRestored(false);
      dispatch({ type: "load", texts: saved });
    },
    /** The Idempotency-Key of this post's creation; the same for every retry of it. */
    key,
    /** Call once the server has it: the safety net is taken away. */
    finish: () => {
      done.current = true;
      forget(id);
      setKey(newKey());
    },
    isDone: () => done.current,
  };
}

export type Composer = ReturnType<typeof useComposer>;

type LoadedPart = Exclude<Loaded, string>;

const blank: LoadedPart = { text: "", images: [] };

/** The parts of a post as the composer takes them. */
export function loaded(post: Post): LoadedPart[] {
  return post.parts.map((p) => ({
    text: p.text,
    images: p.media.map(({ id, alt, url, width, height, type, bytes }) => ({
      id,
      alt,
      url,
      width,
      height,
      type,
      bytes,
    })),
  }));
}

function loadedKept(kept: { texts: string[]; images?: PartImage[][] }): LoadedPart[] {
  return kept.texts.map((text, i) => ({ text, images: kept.images?.[i] ?? [] }));
}

function same(a: LoadedPart[], b: LoadedPart[]): boolean {
  return a.length === b.length && a.every((p, i) => samePart(p, b[i]));
}

function samePart(a: LoadedPart, b: LoadedPart | undefined): boolean {
  return (
    a.text === b?.text &&
    a.images.length === b.images.length &&
    a.images.every((m, i) => sameImage(m, b.images[i]))
  );
}

function sameImage(a: PartImage, b: PartImage | undefined): boolean {
  return a.id === b?.id && a.alt === b.alt;
}
