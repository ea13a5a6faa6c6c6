import { useState } from "react";
import { useHistory } from "../../api/posts";
import { sentenceCase } from "../../lib/words";
import { ProblemNote } from "../Empty";
import { Panel } from "../Panel";
import { When } from "../When";
import classes from "./Facts.module.css";

const shownAtFirst = 8;

/** Everything that happened to a post, newest first. */
export function HistoryList({ postId, zone }: { postId: string; zone: string }) {
  const query = useHistory(postId);
  const [all, setAll] = useState(false);
  if (query.isError) return <ProblemNote error={query.error} compact />;
  const events = [...(query.data ?? [])].sort((a, b) => b.at.localeCompare(a.at));
  const shown = all ? events : events.slice(0, shownAtFirst);
  return (
    <Panel title="History">
      {query.data?.length === 0 && <p className="muted small">Nothing has happened yet.</p>}
      <ol className={classes.timeline} style={{ minHeight: query.data ? undefined : 96 }}>
        {shown.map((e) => (
          <li key={e.id}>
            <p>{sentenceCase(e.sentence)}</p>
            <p className="muted small">
              <When at={e.at} zone={zone} as="both" />
            </p>
          </li>
        ))}
      </ol>
      {events.length > shown.length && (
        <button type="button" className="link small" onClick={() => setAll(true)}>
          Show all {events.length}
        </button>
      )}
    </Panel>
  );
}
