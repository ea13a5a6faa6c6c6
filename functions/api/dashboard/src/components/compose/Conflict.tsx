import { Button } from "@mantine/core";
import type { Post } from "../../api/model";
import { partsDiff } from "../../lib/diff";
import { DiffText } from "../DiffText";
import classes from "./Conflict.module.css";

interface Props {
  mine: string[];
  theirs: Post;
  onTakeTheirs: () => void;
  onKeepMine: () => void;
}

/** Two people edited at once: shows how the texts differ and lets this one decide. */
export function Conflict({ mine, theirs, onTakeTheirs, onKeepMine }: Props) {
  const diff = partsDiff(
    theirs.parts,
    mine.map((text) => ({ text })),
  );
  return (
    <section className={classes.box} role="alert">
      <p className={classes.title}>
        {theirs.version.created_by} saved version {theirs.version.number} while you were writing
      </p>
      <p className="small">Nothing of yours is lost. This is how your text differs from theirs:</p>
      {diff.map((d) => (
        <p key={d.part} className={classes.diff}>
          <DiffText changes={d.changes} />
        </p>
      ))}
      <div className="row wrap">
        <Button size="xs" onClick={onKeepMine}>
          Save mine as the next version
        </Button>
        <Button size="xs" variant="default" onClick={onTakeTheirs}>
          Take theirs
        </Button>
      </div>
    </section>
  );
}
