import { TextInput } from "@mantine/core";
import { lazy, Suspense } from "react";
import { dayWords, localTime } from "../lib/time";
import { ClockInput } from "./ClockInput";
import classes from "./WhenPicker.module.css";

const MonthPicker = lazy(() => import("./MonthPicker"));

interface Props {
  /** "2026-11-25T09:30" in the account's zone. */
  value: string;
  onChange: (value: string) => void;
  zone: string;
  now: number;
  /** Free slots offered as one press each. */
  slots?: { local: string; label: string }[];
}

/** A date and a time on the account's own clock. */
export function WhenPicker({ value, onChange, zone, now, slots = [] }: Props) {
  const [date = "", time = ""] = value.split("T");
  return (
    <div className={classes.picker}>
      <div className={classes.month}>
        <Suspense fallback={<div className={classes.ghost} aria-hidden />}>
          <MonthPicker
            value={date}
            min={localTime(now, zone).date}
            onChange={(d) => onChange(`${d}T${time || "09:00"}`)}
          />
        </Suspense>
      </div>
      <div className={classes.side}>
        <div className={classes.inputs}>
          <div className={classes.dateInput}>
            <TextInput
              label="Date"
              type="date"
              value={date}
              min={localTime(now, zone).date}
              onChange={(e) => onChange(`${e.currentTarget.value}T${time}`)}
            />
          </div>
          <p className={classes.dateWords}>
            {date ? dayWords(date, localTime(now, zone).date) : "Choose a day"}
          </p>
          <ClockInput
            label="Time"
            autoFocus
            value={time.slice(0, 5)}
            onChange={(t) => onChange(`${date}T${t}`)}
          />
        </div>
        <p className="muted small">On the clock of {zone}.</p>
        {slots.length > 0 && (
          <>
            <h3 className={classes.slotsTitle}>Free slots</h3>
            <div className={classes.slots}>
              {slots.map((s) => (
                <button
                  key={s.local}
                  type="button"
                  className={classes.slot}
                  aria-pressed={s.local.slice(0, 16) === value.slice(0, 16)}
                  onClick={() => onChange(s.local.slice(0, 16))}
                >
                  {s.label}
                </button>
              ))}
            </div>
          </>
        )}
      </div>
    </div>
  );
}
