import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { asProblem } from "../api/problem";
import classes from "./Empty.module.css";

interface Props {
  title: string;
  icon?: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
  compact?: boolean;
}

/** What a place says when it holds nothing: why, and what to do. */
export function Empty({ title, icon, children, action, compact }: Props) {
  return (
    <div className={classes.empty} data-compact={compact || undefined}>
      {icon && (
        <div className={classes.icon} aria-hidden>
          {icon}
        </div>
      )}
      <p className={classes.title}>{title}</p>
      {children && <div className={classes.body}>{children}</div>}
      {action && <div className={classes.action}>{action}</div>}
    </div>
  );
}

/** A problem where content was expected: what happened and what to do. */
export function ProblemNote({
  error,
  onRetry,
  compact,
}: {
  error: unknown;
  onRetry?: () => void;
  compact?: boolean;
}) {
  const p = asProblem(error);
  // A single field's message is often the sentence itself.
  const fields = p.fields.filter((f) => f.message !== p.sentence);
  return (
    <div className={classes.problem} role="alert" data-compact={compact || undefined}>
      <div>
        <p className={classes.problemTitle}>{p.sentence}</p>
        {p.hint && <p className={classes.hint}>{p.hint}</p>}
        {fields.length > 0 && (
          <ul className={classes.fields}>
            {fields.map((f) => (
              <li key={f.location + f.message}>{f.message}</li>
            ))}
          </ul>
        )}
      </div>
      {onRetry && (
        <Button variant="default" size="xs" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
