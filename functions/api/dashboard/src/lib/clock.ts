import { useSyncExternalStore } from "react";

// The server's clock, as far as this page knows it: lateness and countdowns
// would lie on a laptop whose clock is off by minutes.
let offsetMs = 0;

/** Learns the difference between this machine's clock and the server's. */
export function setServerTime(iso: string): void {
  const server = Date.parse(iso);
  if (!Number.isNaN(server)) offsetMs = server - Date.now();
}

/** Now, by the server's clock, in epoch milliseconds. */
export function now(): number {
  return Date.now() + offsetMs;
}

let second = Math.floor(now() / 1000) * 1000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    second = Math.floor(now() / 1000) * 1000;
    for (const l of listeners) l();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== undefined) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The current time in steps of stepMs; components render again only when a step passes. */
export function useNow(stepMs = 1_000): number {
  return useSyncExternalStore(subscribe, () => Math.floor(second / stepMs) * stepMs);
}
