import type { ReactNode } from "react";
import { Link } from "react-router";
import type { PostSummary } from "../api/model";
import { AccountMark } from "./AccountMark";
import classes from "./PostRow.module.css";
import { StateTag } from "./Tag";

interface Props {
  post: PostSummary;
  to?: string;
  /** What stands at the end of the row; the state by default. */
  end?: ReactNode;
  /** A second line under the text. */
  sub?: ReactNode;
}

export function PostRow({ post, to, end, sub }: Props) {
  return (
    <Link to={to ?? `/posts/${post.id}`} className={classes.row}>
      <AccountMark account={post.account} size={24} />
      <span className={classes.main}>
        <span className={classes.text}>{post.text}</span>
        <span className={classes.sub}>
          <span className={classes.handle}>@{post.account.handle}</span>
          {post.parts_count > 1 && <span>Thread of {post.parts_count}</span>}
          {sub}
        </span>
      </span>
      <span className={classes.end}>{end ?? <StateTag post={post} />}</span>
    </Link>
  );
}

/** The same height as a row, so that nothing moves when the rows arrive. */
export function RowSkeleton({ rows = 3 }: { rows?: number }) {
  return (
    <div aria-hidden>
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className={classes.row} data-skeleton>
          <span className={classes.ghost} style={{ width: 24, height: 24, borderRadius: 8 }} />
          <span className={classes.main}>
            <span
              className={classes.ghost}
              style={{ width: `${72 - i * 9}%`, height: 12, margin: "4px 0" }}
            />
            <span className={classes.ghost} style={{ width: 110, height: 10, margin: "4px 0" }} />
          </span>
        </div>
      ))}
    </div>
  );
}
