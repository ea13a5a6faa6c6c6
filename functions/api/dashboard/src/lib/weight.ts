import { useEffect, useState } from "react";

/** X's weighted length: the limit is 280 of these. */
export type Counter = (text: string) => number;

let loading: Promise<Counter> | undefined;
let loaded: Counter | undefined;

/** Loads X's own counting rules (twitter-text) on first use; they are too heavy for the first page. */
export function loadCounter(): Promise<Counter> {
  loading ??= import("./weight-rules").then((rules) => {
    loaded = rules.weightedLength;
    return loaded;
  });
  return loading;
}

/** The counter once it has arrived; until then undefined. */
export function useCounter(): Counter | undefined {
  const [counter, setCounter] = useState<Counter | undefined>(() => loaded);
  useEffect(() => {
    if (counter) return;
    let live = true;
    void loadCounter().then((c) => {
      if (live) setCounter(() => c);
    });
    return () => {
      live = false;
    };
  }, [counter]);
  return counter;
}

export const limit = 280;
