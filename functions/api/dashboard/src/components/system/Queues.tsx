import type { QueueDepth } from "../../api/model";
import { useQueues } from "../../api/workspace";
import { count, number } from "../../lib/words";
import { ProblemNote } from "../Empty";
import { Panel } from "../Panel";
import classes from "./Queues.module.css";

const queueWords: Record<string, string> = {
  generate: "Drafting",
  review: "Review",
  publish: "Sending",
  metrics: "Numbers",
};

export function Queues() {
  const queues = useQueues(true);
  return (
    <Panel title="Queues" aside="Work waiting in each">
      {queues.isError && !queues.data ? (
        <ProblemNote error={queues.error} compact onRetry={() => void queues.refetch()} />
      ) : (
        <div className={classes.queues} style={{ minHeight: 92 }}>
          {queues.data?.map((q) => (
            <Queue key={q.name} queue={q} />
          ))}
        </div>
      )}
    </Panel>
  );
}

/** What the number above is made of, and what is worked on beside it. */
export function depthWords(q: Pick<QueueDepth, "visible" | "delayed" | "in_flight">): string {
  const parts = [
    q.visible > 0 && (q.delayed > 0 ? `${number(q.visible)} now` : "waiting"),
    q.delayed > 0 && (q.visible > 0 ? `${number(q.delayed)} for later` : "for later"),
    q.in_flight > 0 && `${number(q.in_flight)} being worked on`,
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(", ") : "Nothing waits";
}

function Queue({ queue: q }: { queue: QueueDepth }) {
  return (
    <div className={classes.queue} data-dead={q.dead_letters > 0 || undefined}>
      <p className={classes.queueName}>{queueWords[q.name] ?? q.name}</p>
      <p className={classes.depth}>{number(q.visible + q.delayed)}</p>
      <p className="muted small">{depthWords(q)}</p>
      {q.dead_letters > 0 && (
        <p className={classes.dead}>{count(q.dead_letters, "message")} could not be handled. See the log.</p>
      )}
    </div>
  );
}
