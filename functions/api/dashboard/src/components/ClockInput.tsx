import { TextInput } from "@mantine/core";
import { useState } from "react";
import { parseClock } from "../lib/clocktext";

interface Props {
  label: string;
  /** "HH:MM" */
  value: string;
  onChange: (value: string) => void;
  onEnter?: (value: string) => void;
  autoFocus?: boolean;
}

/** A time of day on the 24-hour clock, whatever the browser's own custom is; takes "9", "930" or "9:30 pm". */
export function ClockInput({ label, value, onChange, onEnter, autoFocus }: Props) {
  const [text, setText] = useState<string | null>(null);
  const shown = text ?? value;
  const parsed = parseClock(shown);
  return (
    <TextInput
      label={label}
      placeholder="09:30"
      inputMode="numeric"
      autoComplete="off"
      data-autofocus={autoFocus || undefined}
      value={shown}
      error={parsed === null && shown.trim().length > 4 ? "Such as 09:30" : undefined}
      onChange={(e) => {
        setText(e.currentTarget.value);
        const next = parseClock(e.currentTarget.value);
        if (next) onChange(next);
      }}
      onFocus={(e) => e.currentTarget.select()}
      onBlur={() => setText(null)}
      onKeyDown={(e) => {
        if (e.key === "Enter" && onEnter && parsed) {
          e.preventDefault();
          onEnter(parsed);
        }
      }}
    />
  );
}
