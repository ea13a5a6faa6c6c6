import { useDebouncedValue } from "@mantine/hooks";
import { type RuleToTry, useRulePreview } from "../../api/recurrences";
import { useNow } from "../../lib/clock";
import { dateWords, localTime, weekdayName, weekdayOf, zonePlace } from "../../lib/time";
import { ProblemNote } from "../Empty";
import classes from "./Repeat.module.css";

/** The next ten dates of a rule, live, with what a change of the clocks does to them. */
export function RuleDates({ asked }: { asked: RuleToTry }) {
  const [settled] = useDebouncedValue(asked, 250);
  const preview = useRulePreview(settled);
  const now = useNow(60_000);
  if (preview.isError) return <ProblemNote error={preview.error} compact />;
  const data = preview.data;
  const year = localTime(now, data?.time_zone ?? "UTC").date.slice(0, 4);
  return (
    <section className={classes.dates} aria-label="The next dates" aria-busy={preview.isPlaceholderData}>
      <h3 className={classes.datesTitle}>
        {data?.ends ? "All dates" : "The next ten dates"}
        {data && <span className="muted">, {zonePlace(data.time_zone)} time</span>}
      </h3>
      <ol className={classes.list}>
        {data
          ? data.next.map((o) => (
              <li key={o.local}>
                <span className="num">
                  {weekdayName(weekdayOf(o.local.slice(0, 10)), true)} {dateWords(o.local.slice(0, 10), year)}
                  , {o.local.slice(11, 16)}
                </span>
                {o.notes.map((note) => (
                  <span key={note} className={classes.note}>
                    {note}
                  </span>
                ))}
              </li>
            ))
          : Array.from({ length: 10 }, (_, i) => <li key={i} className={classes.ghost} aria-hidden />)}
      </ol>
      {data?.warnings.map((w) => (
        <p key={w} className={classes.warning} role="status">
          {w}
        </p>
      ))}
      <p className="muted small">
        Each date becomes a post two weeks ahead, reviewed and approved by itself.
      </p>
    </section>
  );
}
