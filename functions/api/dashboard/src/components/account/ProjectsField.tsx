import { ActionIcon, Button, TextInput } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import type { Project } from "../../api/model";
import classes from "./ListField.module.css";

export function ProjectsField({
  values,
  onChange,
}: {
  values: Project[];
  onChange: (values: Project[]) => void;
}) {
  const set = (i: number, change: Partial<Project>) =>
    onChange(values.map((p, k) => (k === i ? { ...p, ...change } : p)));
  return (
    <fieldset className={classes.set}>
      <legend>Projects</legend>
      <p className="muted small">What is going on, in a sentence each. Drafts can refer to it.</p>
      {values.map((p, i) => (
        <div key={i} className={classes.project}>
          <TextInput
            aria-label={`Project ${i + 1}, name`}
            placeholder="Name"
            value={p.name}
            onChange={(e) => set(i, { name: e.currentTarget.value })}
          />
          <TextInput
            aria-label={`Project ${i + 1}, about`}
            placeholder="What it is about"
            value={p.about}
            onChange={(e) => set(i, { about: e.currentTarget.value })}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove ${p.name || `project ${i + 1}`}`}
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
        onClick={() => onChange([...values, { name: "", about: "" }])}
      >
        Add a project
      </Button>
    </fieldset>
  );
}
