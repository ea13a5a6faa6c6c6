import { useEffect, useMemo, useReducer, useRef, useState } from "react";
import { newKey } from "../api/client";
import type { Post } from "../api/model";
import { forget, keep, readKept } from "./autosave";
import { thread, threadReducer } from "./thread";

const autosaveMs = 600;

/** The state of one composer: its parts, account, planned time, and whether it is saved. */
export function useComposer(post: Post | undefined, startAccount: string | null, startDue: string | null) {
  const id = post?.id ?? "new";
  const [kept] = useState(() => readKept(id));
  const saved = useMemo(() => (post ? post.parts.map((p) => p.text) : [""]), [post]);
  const restored = kept !== null && !same(kept.texts, saved);
  const [state, dispatch] = useReducer(threadReducer, kept?.texts ?? saved, thread);
  const [accountId, setAccountId] = useState<string | null>(
    post?.account.id ?? startAccount ?? kept?.accountId ?? null,
  );
  const [due, setDue] = useState<string | null>(startDue ?? (post ? null : (kept?.due ?? null)));
  const [showRestored, setShowRestored] = useState(restored);
  const [key, setKey] = useState(newKey);
  const done = useRef(false);

  const texts = useMemo(() => state.parts.map((p) => p.text), [state.parts]);
  const dirty = !same(texts, saved);
  const base = post?.etag ?? null;

  useEffect(() => {
    if (done.current) return;
    if (!dirty) {
      forget(id);
      return;
    }
    const timer = setTimeout(
      () => keep(id, { texts, accountId, due, base, savedAt: Date.now() }),
      autosaveMs,
    );
    return () => clearTimeout(timer);
  }, [id, texts, accountId, due, base, dirty]);

  return {
    state,
    dispatch,
    texts,
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

function same(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((t, i) => t === b[i]);
}
