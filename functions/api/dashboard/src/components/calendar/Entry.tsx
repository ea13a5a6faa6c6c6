import { IconCalendarTime, IconRepeat } from "@tabler/icons-react";
import { Link } from "react-router";
import type { AccountLook } from "../../lib/accounts";
import type { Entry as CalendarEntry } from "../../lib/calendar";
import { useOverlays } from "../../lib/overlays";
import { stateWords } from "../../lib/words";
import classes from "./Entry.module.css";

interface Props {
  entry: CalendarEntry;
  look: AccountLook;
  /** roomy shows two lines of text and the handle; tight shows one line. */
  size: "tight" | "roomy";
}

const movable = new Set(["scheduled", "approved", "missed"]);
/** Planned, but nothing goes out before a person has approved it. */
const unapproved = new Set(["draft", "in_review", "awaiting_approval", "changes_requested"]);

/** A post or a free slot on the calendar. */
export function Entry({ entry, look, size }: Props) {
  const { openMove } = useOverlays();
  if (entry.kind === "slot") {
    const to = `/compose?account=${entry.slot.account_id}&at=${entry.slot.local.slice(0, 16)}`;
    return (
      <Link to={to} className={classes.slot} style={{ "--hue": look.hue }} data-size={size}>
        <span className="num">{entry.time}</span>
        <span className="clip">
          <span className="sr">Free slot of </span>
          {size === "roomy" ? `@${look.handle}, free` : `@${look.handle}`}
        </span>
      </Link>
    );
  }
  const { post } = entry;
  const canMove = movable.has(post.state);
  return (
    <div
      className={classes.post}
      style={{ "--hue": look.hue }}
      data-state={post.state}
      data-size={size}
      data-open={unapproved.has(post.state) || undefined}
    >
      <Link to={`/posts/${post.id}`} className={classes.link}>
        <span className={classes.time}>
          {entry.time}
          {post.recurrence_id !== null && (
            <IconRepeat size={11} role="img" aria-label="repeats" className={classes.repeats} />
          )}
        </span>
        <span className="sr">
          @{post.account.handle}, {stateWords(post.state).label}:{" "}
        </span>
        <span className={classes.text}>{post.text}</span>
        {size === "roomy" && (
          <span className={classes.meta}>
            @{post.account.handle} · {stateWords(post.state).label}
          </span>
        )}
      </Link>
      {canMove && (
        <button
          type="button"
          className={classes.move}
          aria-label={`Move the post of ${entry.time}`}
          onClick={() => openMove(post)}
        >
          <IconCalendarTime size={14} />
        </button>
      )}
    </div>
  );
}
