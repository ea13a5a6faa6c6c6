import { DatePicker } from "@mantine/dates";
import "@mantine/dates/styles.css";

interface Props {
  value: string;
  min: string;
  onChange: (date: string) => void;
}

export default function MonthPicker({ value, min, onChange }: Props) {
  return (
    <DatePicker
      value={value || null}
      minDate={min}
      onChange={(d) => d && onChange(d)}
      firstDayOfWeek={1}
      weekendDays={[]}
      size="sm"
      ariaLabels={{ nextMonth: "Next month", previousMonth: "Previous month" }}
    />
  );
}
