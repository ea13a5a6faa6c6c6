import classes from "./Key.module.css";

/** A key cap. Decorative: the same action is a button beside it. */
export function Key({ children, on = "plain" }: { children: string; on?: "plain" | "fill" }) {
  return (
    <kbd className={classes.key} data-on={on} aria-hidden>
      {children}
    </kbd>
  );
}
