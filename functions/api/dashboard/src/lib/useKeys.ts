import { useEffect, useRef, type RefObject } from "react";

export type KeyMap = Record<string, (event: KeyboardEvent) => void>;

const sequenceMs = 1_200;

/** Whether typing goes into a field, where single letters are text and not commands. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/** A key as the maps write it: "mod+k", "?", "j", "Escape". */
export function keyName(event: KeyboardEvent): string {
  const mod = event.metaKey || event.ctrlKey ? "mod+" : "";
  return mod + (event.key.length === 1 ? event.key.toLowerCase() : event.key);
}

// One listener for all maps, the newest first, so that "g a" can never also
// mean the "a" of another map.
const maps: RefObject<KeyMap>[] = [];
let prefix = "";
let prefixAt = 0;

function find(key: string): KeyMap[string] | undefined {
  for (let i = maps.length - 1; i >= 0; i--) {
    const handler = maps[i]?.current[key];
    if (handler) return handler;
  }
  return undefined;
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.repeat || event.altKey) return;
  if (["Shift", "Control", "Meta"].includes(event.key)) return;
  const key = keyName(event);
  const plain = !key.startsWith("mod+");
  const dialogOpen = document.querySelector('[role="dialog"]') !== null;
  if (plain && (isTyping(event.target) || dialogOpen)) return;
  const begun = prefix !== "" && event.timeStamp - prefixAt < sequenceMs ? prefix : "";
  prefix = "";
  if (begun !== "") {
    const handler = find(`${begun} ${key}`);
    event.preventDefault();
    handler?.(event);
    return;
  }
  const handler = find(key);
  if (handler) {
    event.preventDefault();
    handler(event);
  } else if (plain && maps.some((m) => Object.keys(m.current).some((k) => k.startsWith(`${key} `)))) {
    prefix = key;
    prefixAt = event.timeStamp;
  }
}

/**
 * Single-key commands and two-key sequences ("g t") on the whole page. Keys
 * without a modifier stay silent while someone types or a dialog is open.
 */
export function useKeys(map: KeyMap, enabled = true): void {
  const latest = useRef(map);
  useEffect(() => {
    latest.current = map;
  });
  useEffect(() => {
    if (!enabled) return;
    if (maps.length === 0) window.addEventListener("keydown", onKeyDown);
    maps.push(latest);
    return () => {
      maps.splice(maps.indexOf(latest), 1);
      if (maps.length === 0) window.removeEventListener("keydown", onKeyDown);
    };
  }, [enabled]);
}
