import { Button } from "@mantine/core";
import { asProblem } from "../../api/problem";
import { fieldNames, profileOf, valueWords } from "../../lib/merge";
import type { ProfileForm } from "../../lib/useProfileForm";
import { ProblemNote } from "../Empty";
import classes from "./SaveBar.module.css";
import { ZoneDialog } from "./ZoneDialog";

/** What the server asks or says when a new time zone meets planned posts. */
const zoneCodes = ["posts_planned", "would_be_past"];

/** Shows up once something differs: what, and the two ways on. */
export function SaveBar({ form }: { form: ProfileForm }) {
  if (form.changed.length === 0 && !form.clash) return null;
  const asksZone = form.error !== null && zoneCodes.includes(asProblem(form.error).code);
  const names = form.changed.map((f) => fieldNames[f]).join(", ");
  return (
    <div className={classes.bar} role="region" aria-label="Unsaved changes">
      {form.clash && (
        <div className={classes.clash} role="alert">
          <p className={classes.title}>Someone else changed the same fields while you were editing</p>
          {form.clash.fields.map((f) => (
            <div key={f} className={classes.field}>
              <div>
                <b>{fieldNames[f]}</b>
                <p>
                  <span className="muted">Theirs:</span>{" "}
                  {valueWords(profileOf(form.clash?.theirs ?? form.mine), f)}
                </p>
                <p>
                  <span className="muted">Yours:</span> {valueWords(form.mine, f)}
                </p>
              </div>
              <Button size="compact-sm" variant="default" onClick={() => form.takeTheirs(f)}>
                Take theirs
              </Button>
            </div>
          ))}
        </div>
      )}
      {form.error && !asksZone ? <ProblemNote error={form.error} compact /> : null}
      {asksZone && <ZoneDialog form={form} />}
      <div className={classes.line}>
        <span className={classes.names}>Changed: {names || "nothing"}</span>
        <Button variant="default" onClick={form.reset} disabled={form.pending}>
          Discard
        </Button>
        <Button onClick={() => form.save()} loading={form.pending}>
          {form.clash ? "Save with mine" : "Save"}
        </Button>
      </div>
    </div>
  );
}
