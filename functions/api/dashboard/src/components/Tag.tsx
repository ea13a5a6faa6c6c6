import type { ReactNode } from "react";
import type { PostSummary } from "../api/model";
import { postLabel, type Tone } from "../lib/words";
import classes from "./Tag.module.css";

export function Tag({
  tone = "neutral",
  children,
  title,
}: {
  tone?: Tone;
  children: ReactNode;
  title?: string;
}) {
  return (
    <span className={classes.tag} data-tone={tone} title={title}>
      {children}
    </span>
  );
}

/** A post's state in words. */
export function StateTag({ post }: { post: Pick<PostSummary, "state" | "hold"> }) {
  const { label, tone } = postLabel(post);
  return (
    <span className={classes.tag} data-tone={tone} data-live={post.state === "sending" || undefined}>
      <span className={classes.dot} aria-hidden />
      {label}
    </span>
  );
}
