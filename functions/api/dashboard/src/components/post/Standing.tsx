import type { Post } from "../../api/model";
import { useAccountLooks } from "../../lib/accounts";
import { networkName } from "../../lib/networks";
import { exactTime, span } from "../../lib/time";
import { stateWords } from "../../lib/words";
import { Countdown } from "../Countdown";
import { Panel } from "../Panel";
import { When } from "../When";
import classes from "./Facts.module.css";

/** Where the post stands, why it is not out, and when it is due. */
export function Standing({ post }: { post: Post }) {
  const looks = useAccountLooks();
  const zone = post.due_zone ?? looks(post.account.id).zone;
  const waits = post.state === "scheduled" || post.state === "sending";
  const reason = post.failure?.sentence ?? post.hold?.sentence ?? null;
  // A hold goes by itself or by a person's word; a failure of before it is no verdict.
  const tone = post.hold ? "amber" : post.failure ? "red" : undefined;
  return (
    <Panel title="Where it stands">
      <p className={classes.sentence}>
        {post.state === "scheduled" && post.hold
          ? "It is approved and kept back."
          : stateWords(post.state).sentence}
      </p>
      {(post.why_not_out ?? reason) && post.state !== "published" && (
        <p className={classes.why} data-tone={tone}>
          {post.why_not_out ?? reason}
        </p>
      )}
      {post.state !== "published" &&
        post.lacks.map((sentence) => (
          <p key={sentence} className={classes.why} data-tone="amber">
            {sentence}
          </p>
        ))}
      <div className={classes.gap} />
      <dl className={classes.facts}>
        {waits && post.due_at && !post.hold && (
          <div>
            <dt>Goes out in</dt>
            <dd>
              <Countdown to={post.due_at} sending={post.state === "sending"} />
            </dd>
          </div>
        )}
        {post.due_at && (
          <div>
            <dt>{post.published_at ? "Planned for" : "Due"}</dt>
            <dd className="num">{exactTime(post.due_at, zone)}</dd>
          </div>
        )}
        {post.published_at && (
          <div>
            <dt>Went out</dt>
            <dd>
              <When at={post.published_at} zone={zone} as="both" />
              {post.lateness_ms !== null && (
                <span className="muted">, {span(post.lateness_ms)} after its second</span>
              )}
            </dd>
          </div>
        )}
        {post.remote_url && (
          <div>
            <dt>On {networkName(post.account.network)}</dt>
            <dd>
              <a href={post.remote_url} target="_blank" rel="noreferrer" className="link">
                Open the post
                <span className="sr"> (opens a new tab)</span>
              </a>
            </dd>
          </div>
        )}
        {post.schedule_note && (
          <div>
            <dt>Note</dt>
            <dd>{post.schedule_note}</dd>
          </div>
        )}
      </dl>
    </Panel>
  );
}
