import { useEffect, useRef } from "react";
import { Link } from "react-router";
import type { PostSummary } from "../../api/model";
import { AccountMark } from "../AccountMark";
import { When } from "../When";
import { useAccountLooks } from "../../lib/accounts";
import classes from "./QueueList.module.css";

/** The posts that wait, beside the one that is open. */
export function QueueList({ posts, current }: { posts: PostSummary[]; current: string | undefined }) {
  const looks = useAccountLooks();
  const list = useRef<HTMLElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  }, [current]);
  return (
    <nav ref={list} className={classes.list} aria-label="Waiting for approval">
      {posts.map((p) => (
        <Link
          key={p.id}
          to={`/approvals/${p.id}`}
          className={classes.item}
          aria-current={p.id === current ? "true" : undefined}
          preventScrollReset
        >
          <span className={classes.top}>
            <AccountMark account={p.account} size={18} />
            <span className="clip">@{p.account.handle}</span>
            <span className={classes.age}>
              <When at={p.created_at} zone={looks(p.account.id).zone} />
            </span>
          </span>
          <span className={classes.text}>{p.text}</span>
          <span className={classes.marks}>
            {p.findings_count.block > 0 && <span data-tone="red">{p.findings_count.block} must fix</span>}
            {p.findings_count.warn > 0 && <span data-tone="amber">{p.findings_count.warn} to look at</span>}
            {p.parts_count > 1 && <span>Thread of {p.parts_count}</span>}
          </span>
        </Link>
      ))}
    </nav>
  );
}
