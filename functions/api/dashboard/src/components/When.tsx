import { Tooltip } from "@mantine/core";
import { useNow } from "../lib/clock";
import { exactTime, midSentence, relativeTime, shortTime, zoneWords } from "../lib/time";

interface Props {
  at: string;
  zone: string;
  /** relative: "in 3 min"; short: "Today 09:30"; both: "Today 09:30 · in 3 min". */
  as?: "relative" | "short" | "both";
  /** Adds the zone's short name to a wall-clock time. */
  showZone?: boolean;
  /** Words come before it: "today 09:30". */
  mid?: boolean;
}

/** A moment, with the exact second and the zone on hover. */
export function When({ at, zone, as = "relative", showZone = false, mid = false }: Props) {
  const seconds = useNow(1_000);
  // Far moments need no tick each second: the words change by the minute.
  const now = Math.abs(Date.parse(at) - seconds) < 120_000 ? seconds : Math.floor(seconds / 15_000) * 15_000;
  const words = `${shortTime(at, zone, now)}${showZone ? ` ${zoneWords(zone, at)}` : ""}`;
  const short = mid ? midSentence(words) : words;
  const text =
    as === "short" ? short : as === "both" ? `${short} · ${relativeTime(at, now)}` : relativeTime(at, now);
  const exact = exactTime(at, zone);
  return (
    <Tooltip label={as === "relative" ? exact : `${exact} · ${relativeTime(at, now)}`}>
      <time dateTime={at} className="num" style={{ whiteSpace: "nowrap" }}>
        {text}
      </time>
    </Tooltip>
  );
}
