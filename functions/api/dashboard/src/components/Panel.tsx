import type { ReactNode } from "react";
import classes from "./Panel.module.css";

interface Props {
  title?: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
  /** Rows run to the panel's edge. */
  flush?: boolean;
  tone?: "red" | "amber" | "violet" | undefined;
  id?: string;
}

export function Panel({ title, aside, children, flush, tone, id }: Props) {
  return (
    <section className={classes.panel} data-flush={flush || undefined} data-tone={tone} id={id}>
      {title && (
        <div className={classes.head}>
          <h2>{title}</h2>
          {aside && <div className={classes.aside}>{aside}</div>}
        </div>
      )}
      <div className={classes.body}>{children}</div>
    </section>
  );
}
