import { ActionIcon, Button, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import classes from "./ListField.module.css";

interface Props {
  label: string;
  description?: string;
  placeholder: string;
  add: string;
  values: string[];
  onChange: (values: string[]) => void;
}

/** A list of short sentences, one line each. Enter adds the next line. */
export function ListField({ label, description, placeholder, add, values, onChange }: Props) {
  const set = (i: number, v: string) => onChange(values.map((x, k) => (k === i ? v : x)));
  return (
    <fieldset className={classes.set}>
      <legend>{label}</legend>
      {description && <p className="muted small">{description}</p>}
      {values.map((v, i) => (
        <div key={i} className={classes.line}>
          <TextInput
            aria-label={`${label} ${i + 1}`}
            placeholder={placeholder}
            value={v}
            onChange={(e) => set(i, e.currentTarget.value)}
            onKeyDown={(e) => {
              if (e.key === "Enter" && v.trim() !== "") {
                e.preventDefault();
                onChange(values.toSpliced(i + 1, 0, ""));
                const list = e.currentTarget.closest("fieldset");
                requestAnimationFrame(() => list?.querySelectorAll("input")[i + 1]?.focus());
              }
            }}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove ${v || `line ${i + 1}`}`}
            onClick={() => onChange(values.filter((_, k) => k !== i))}
          >
            <IconX size={16} />
          </ActionIcon>
        </div>
      ))}
      <Button
        variant="subtle"
        color="gray"
        size="compact-sm"
        leftSection={<IconPlus size={15} />}
        onClick={() => onChange([...values, ""])}
      >
        {add}
      </Button>
    </fieldset>
  );
}
