import type { Change } from "../lib/diff";
import classes from "./DiffText.module.css";

/** Changed words in place: taken out struck through, put in underlined. */
export function DiffText({ changes }: { changes: Change[] }) {
  return (
    <span className="prewrap">
      {changes.map((c, i) => {
        if (c.kind === "added") {
          return (
            <ins key={i} className={classes.added}>
              {c.text}
            </ins>
          );
        }
        if (c.kind === "removed") {
          return (
            <del key={i} className={classes.removed}>
              {c.text}
            </del>
          );
        }
        return <span key={i}>{c.text}</span>;
      })}
    </span>
  );
}
