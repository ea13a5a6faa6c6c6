import { lazy, Suspense } from "react";
import type { MetricReading, Post } from "../../api/model";
import { useMetrics } from "../../api/posts";
import { useNow } from "../../lib/clock";
import { ageWords, relativeTime } from "../../lib/time";
import { number } from "../../lib/words";
import { ProblemNote } from "../Empty";
import { Panel } from "../Panel";
import classes from "./Metrics.module.css";

const MetricsChart = lazy(() => import("./MetricsChart"));

const figures: [keyof MetricReading, string][] = [
  ["impressions", "Views"],
  ["likes", "Likes"],
  ["reposts", "Reposts"],
  ["replies", "Replies"],
  ["quotes", "Quotes"],
  ["bookmarks", "Bookmarks"],
  ["link_clicks", "Link clicks"],
  ["profile_clicks", "Profile visits"],
];

/** What people call a figure on Instagram, where it has another name. */
const onInstagram: Partial<Record<keyof MetricReading, string>> = {
  reposts: "Shares",
  replies: "Comments",
  bookmarks: "Saved",
};

/** The newest reading in figures, and how the post grew. */
export function Metrics({ post }: { post: Post }) {
  const query = useMetrics(post.id, true);
  const now = useNow(15_000);
  if (query.isError) return <ProblemNote error={query.error} compact onRetry={() => void query.refetch()} />;
  const readings = query.data ?? [];
  const taken = readings.filter((r) => r.taken_at !== null);
  const last = taken.at(-1);
  const next = readings.find((r) => r.taken_at === null);
  const soon = next ? `Next reading ${relativeTime(next.due_at, now)}` : "All readings taken";
  return (
    <Panel
      title="Numbers"
      aside={query.data ? (last ? `At ${ageWords(last.age_seconds)}. ${soon}` : soon) : " "}
    >
      {last ? (
        <dl className={classes.figures}>
          {figures.map(([key, label]) => {
            const value = last[key];
            return typeof value === "number" ? (
              <div key={key}>
                <dt>{(post.account.network === "instagram" && onInstagram[key]) || label}</dt>
                <dd className="num">{number(value)}</dd>
              </div>
            ) : null;
          })}
        </dl>
      ) : (
        <p className={classes.none}>
          {query.data ? (next?.problem ? next.problem : "The first reading has not been taken yet.") : " "}
        </p>
      )}
      {taken.length > 1 && (
        <Suspense fallback={<div className={classes.ghost} aria-hidden />}>
          <MetricsChart readings={taken} />
        </Suspense>
      )}
    </Panel>
  );
}
