import { Button, Popover } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { useState } from "react";
import type { Slot } from "../../api/model";
import { weekdayName } from "../../lib/time";
import { count } from "../../lib/words";
import { ClockInput } from "../ClockInput";
import classes from "./SlotsField.module.css";

const week = [1, 2, 3, 4, 5, 6, 0];

/** Slots in the order of the week, without doubles. */
export function tidySlots(slots: Slot[]): Slot[] {
  const seen = new Map(slots.map((s) => [`${s.weekday} ${s.time}`, s]));
  return [...seen.values()].sort(
    (a, b) => week.indexOf(a.weekday) - week.indexOf(b.weekday) || a.time.localeCompare(b.time),
  );
}

interface Props {
  values: Slot[];
  zone: string;
  onChange: (values: Slot[]) => void;
}

/** The week at a glance: a column per day, a chip per slot. */
export function SlotsField({ values, zone, onChange }: Props) {
  return (
    <fieldset className={classes.set}>
      <legend>Weekly slots</legend>
      <p className="muted small">
        {count(values.length, "slot")} a week on the clock of {zone}. Approved posts take the next free one.
      </p>
      <div className={classes.week}>
        {week.map((weekday) => (
          <div key={weekday} className={classes.day}>
            <span className={classes.name}>{weekdayName(weekday, true)}</span>
            {tidySlots(values)
              .filter((s) => s.weekday === weekday)
              .map((s) => (
                <button
                  key={s.time}
                  type="button"
                  className={classes.slot}
                  aria-label={`Remove ${weekdayName(weekday)} ${s.time}`}
                  onClick={() => onChange(values.filter((x) => x.weekday !== weekday || x.time !== s.time))}
                >
                  {s.time}
                  <IconX size={12} aria-hidden />
                </button>
              ))}
            <AddSlot weekday={weekday} onAdd={(slots) => onChange(tidySlots([...values, ...slots]))} />
          </div>
        ))}
      </div>
    </fieldset>
  );
}

function AddSlot({ weekday, onAdd }: { weekday: number; onAdd: (slots: Slot[]) => void }) {
  const [open, setOpen] = useState(false);
  const [time, setTime] = useState("09:00");
  const add = (days: number[]) => {
    onAdd(days.map((d) => ({ weekday: d, time })));
    setOpen(false);
  };
  return (
    <Popover opened={open} onChange={setOpen} trapFocus position="bottom" shadow="md" radius="9px">
      <Popover.Target>
        <button
          type="button"
          className={classes.add}
          aria-label={`Add a slot on ${weekdayName(weekday)}`}
          onClick={() => setOpen((o) => !o)}
        >
          <IconPlus size={14} />
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <div className={classes.form}>
          <ClockInput label="Time" autoFocus value={time} onChange={setTime} onEnter={() => add([weekday])} />
          <Button size="xs" disabled={!time} onClick={() => add([weekday])}>
            Add on {weekdayName(weekday)}
          </Button>
          <Button size="xs" variant="default" disabled={!time} onClick={() => add([1, 2, 3, 4, 5])}>
            Every weekday
          </Button>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
