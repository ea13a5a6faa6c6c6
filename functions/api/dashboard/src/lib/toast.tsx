import { notifications } from "@mantine/notifications";
import type { ReactNode } from "react";
import { asProblem } from "../api/problem";
import classes from "./toast.module.css";

interface Said {
  act?: { label: string; run: () => void };
  body?: ReactNode;
}

/** A quiet word that something happened, with a way back where there is one. */
export function say(title: string, { act, body }: Said = {}): void {
  const id = notifications.show({
    title,
    message: (
      <span className={classes.body}>
        <span>{body}</span>
        {act && (
          <button
            type="button"
            className="link"
            onClick={() => {
              notifications.hide(id);
              act.run();
            }}
          >
            {act.label}
          </button>
        )}
      </span>
    ),
    color: "pine",
    autoClose: act ? 9_000 : 4_000,
    classNames: { root: classes.root ?? "", title: classes.title ?? "" },
  });
}

/** A problem with something the person asked for: what happened and what to do. */
export function sayProblem(error: unknown, what?: string): void {
  const p = asProblem(error);
  notifications.show({
    title: what ?? p.sentence,
    message: [what ? p.sentence : "", p.hint].filter(Boolean).join(" "),
    color: "danger",
    autoClose: 12_000,
    classNames: { root: classes.root ?? "", title: classes.title ?? "" },
  });
}
