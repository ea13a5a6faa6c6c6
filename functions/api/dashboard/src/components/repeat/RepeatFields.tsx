import { NumberInput, Select, TextInput } from "@mantine/core";
import { choicesFor, type Ends, type Every, type Repeat } from "../../lib/repeat";
import { weekdayName, weekdayOf } from "../../lib/time";
import classes from "./Repeat.module.css";

interface Props {
  value: Repeat | null;
  /** The first date it may come to. */
  date: string;
  onChange: (value: Repeat | null) => void;
  /** Whether "does not repeat" is a choice. */
  optional?: boolean;
}

const week = [1, 2, 3, 4, 5, 6, 0];
const never = "never";

/** How often, on which days, and until when. */
export function RepeatFields({ value, date, onChange, optional }: Props) {
  const choices = [
    ...(optional ? [{ value: never, label: "Does not repeat" }] : []),
    ...choicesFor(date),
  ] as const;
  const choose = (every: string | null) => {
    if (every === null) return;
    if (every === never) onChange(null);
    else onChange({ ...fresh(date), ...value, every: every as Every });
  };
  return (
    <div className={classes.fields}>
      <Select
        label="Repeat"
        allowDeselect={false}
        data={[...choices]}
        value={value?.every ?? never}
        onChange={choose}
        className={classes.wide}
      />
      {value?.every === "week" && <Weeks value={value} onChange={onChange} />}
      {value && <EndField value={value.ends} date={date} onChange={(ends) => onChange({ ...value, ends })} />}
    </div>
  );
}

/** A choice to begin with: weekly on the day of the start, without an end. */
export function fresh(date: string): Repeat {
  return { every: "week", interval: 1, days: [weekdayOf(date)], ends: { kind: "never" } };
}

function Weeks({ value, onChange }: { value: Repeat; onChange: (v: Repeat) => void }) {
  const toggle = (day: number) => {
    const days = value.days.includes(day) ? value.days.filter((d) => d !== day) : [...value.days, day];
    if (days.length > 0) onChange({ ...value, days });
  };
  return (
    <>
      <div className={classes.days} role="group" aria-label="On">
        {week.map((d) => (
          <button
            key={d}
            type="button"
            className={classes.day}
            aria-pressed={value.days.includes(d)}
            aria-label={weekdayName(d)}
            onClick={() => toggle(d)}
          >
            {weekdayName(d, true)}
          </button>
        ))}
      </div>
      <NumberInput
        label="Every how many weeks"
        min={1}
        max={52}
        clampBehavior="strict"
        value={value.interval}
        onChange={(n) => typeof n === "number" && n >= 1 && onChange({ ...value, interval: n })}
        className={classes.narrow}
      />
    </>
  );
}

function EndField({ value, date, onChange }: { value: Ends; date: string; onChange: (e: Ends) => void }) {
  const choose = (kind: string | null) => {
    if (kind === "on") onChange({ kind, date });
    else if (kind === "after") onChange({ kind, count: 10 });
    else if (kind === "never") onChange({ kind });
  };
  return (
    <div className={classes.ends}>
      <Select
        label="Ends"
        allowDeselect={false}
        className={classes.narrow}
        data={[
          { value: "never", label: "Never" },
          { value: "on", label: "On a date" },
          { value: "after", label: "After some posts" },
        ]}
        value={value.kind}
        onChange={choose}
      />
      {value.kind === "on" && (
        <TextInput
          label="Last day"
          type="date"
          min={date}
          value={value.date}
          onChange={(e) => onChange({ kind: "on", date: e.currentTarget.value })}
        />
      )}
      {value.kind === "after" && (
        <NumberInput
          label="How many posts"
          className={classes.narrow}
          min={1}
          max={1000}
          clampBehavior="strict"
          value={value.count}
          onChange={(n) => typeof n === "number" && n >= 1 && onChange({ kind: "after", count: n })}
        />
      )}
    </div>
  );
}
