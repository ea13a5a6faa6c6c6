import type { Idea } from "../api/model";
import { inQuotes, siteOf } from "../lib/words";
import classes from "./IdeaCard.module.css";

/** Where a draft came from: the idea, the goal it serves, the source's words. */
export function IdeaCard({ idea }: { idea: Idea }) {
  return (
    <div className={classes.card}>
      <h2>{idea.title}</h2>
      {idea.angle && <p>{idea.angle}</p>}
      <dl className={classes.facts}>
        {idea.goal && (
          <div>
            <dt>Goal</dt>
            <dd>{idea.goal}</dd>
          </div>
        )}
        {idea.why && (
          <div>
            <dt>Why now</dt>
            <dd>{idea.why}</dd>
          </div>
        )}
        {(idea.quote || idea.source_url || idea.source_title) && (
          <div>
            <dt>Source</dt>
            <dd>
              {idea.quote && inQuotes(idea.quote)}
              <span className={classes.cite}>
                {idea.source_url ? (
                  <a href={idea.source_url} target="_blank" rel="noreferrer" className="link">
                    {idea.source_title || siteOf(idea.source_url)}
                    <span className="sr"> (opens a new tab)</span>
                  </a>
                ) : (
                  idea.source_title
                )}
              </span>
            </dd>
          </div>
        )}
      </dl>
    </div>
  );
}
