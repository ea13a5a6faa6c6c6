import { IconCircleCheck } from "@tabler/icons-react";
import type { Post } from "../../api/model";
import { count, humanCode, inQuotes, severityWords, siteOf } from "../../lib/words";
import { Tag } from "../Tag";
import classes from "./Findings.module.css";

interface Props {
  post: Post;
  active: number | null;
  onActive: (index: number | null) => void;
}

/** What the reviewer found, gravest first, each with the source's own words. */
export function Findings({ post, active, onActive }: Props) {
  const review = post.review;
  if (!review) {
    return <p className={classes.none}>No review has run on this version.</p>;
  }
  const order = { block: 0, warn: 1, note: 2 };
  const rows = review.findings
    .map((f, index) => ({ f, index }))
    .sort(
      (a, b) => order[a.f.severity] - order[b.f.severity] || a.f.part - b.f.part || a.f.start - b.f.start,
    );
  return (
    <section className={classes.panel} aria-label="Review">
      <header className={classes.head}>
        <h2>Review</h2>
        <span className="muted small">
          {review.stale
            ? `Of version ${review.version_number}`
            : rows.length === 0
              ? "Nothing found"
              : count(rows.length, "finding")}
        </span>
      </header>
      {review.stale && (
        <p className={classes.stale}>The text was changed after this review; its marks may no longer fit.</p>
      )}
      <p className={classes.summary}>
        {rows.length === 0 && <IconCircleCheck size={17} className={classes.ok} aria-hidden />}
        {review.summary}
      </p>
      <ul className={classes.list}>
        {rows.map(({ f, index }) => (
          <li
            key={index}
            className={classes.item}
            data-severity={f.severity}
            data-active={active === index || undefined}
            onMouseEnter={() => onActive(index)}
            onMouseLeave={() => onActive(null)}
          >
            <div className={classes.top}>
              <Tag tone={severityWords(f.severity).tone}>{severityWords(f.severity).label}</Tag>
              <span className={classes.rule}>
                {humanCode(f.rule)}
                {post.parts.length > 1 && `, part ${f.part + 1}`}
              </span>
            </div>
            {f.quote && <p className={classes.quote}>{inQuotes(f.quote)}</p>}
            <p>{f.message}</p>
            {f.suggestion && (
              <p className={classes.suggestion}>
                <span>Suggestion</span> {f.suggestion}
              </p>
            )}
            {f.source_quote && (
              <blockquote className={classes.source}>
                <p>{f.source_quote}</p>
                {f.source_url && (
                  <a href={f.source_url} target="_blank" rel="noreferrer" className="link">
                    {siteOf(f.source_url)}
                    <span className="sr"> (opens a new tab)</span>
                  </a>
                )}
              </blockquote>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
