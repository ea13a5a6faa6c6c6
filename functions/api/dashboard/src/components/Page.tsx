import { useEffect, type ReactNode } from "react";
import classes from "./Page.module.css";

interface Props {
  title: string;
  /** A second line under the title. */
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** wide uses the whole window; text keeps a readable measure. */
  width?: "text" | "normal" | "wide";
}

/** The frame of every page: one h1, its actions, its content. */
export function Page({ title, note, actions, children, width = "normal" }: Props) {
  useEffect(() => {
    document.title = `${title} · Rostrum`;
  }, [title]);
  return (
    <div className={classes.page} data-width={width}>
      <header className={classes.head}>
        <div className={classes.titles}>
          <h1>{title}</h1>
          {note && <div className={classes.note}>{note}</div>}
        </div>
        {actions && <div className={classes.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}
