import { useRuns } from "../../api/workspace";
import { span } from "../../lib/time";
import { humanCode, money, number } from "../../lib/words";
import { Panel } from "../Panel";
import classes from "./Facts.module.css";

/** Which agents worked on a post, with what, and what it cost. */
export function Runs({ postId }: { postId: string }) {
  const runs = useRuns({ post_id: postId }).data;
  if (!runs || runs.length === 0) return null;
  const total = runs.reduce((sum, r) => sum + r.cost_micro_usd, 0);
  return (
    <Panel title="Agents" aside={<span className="num">{money(total)}</span>}>
      <ul className={classes.list}>
        {runs.map((r) => (
          <li key={r.id}>
            <div className={classes.line}>
              <span>
                {humanCode(r.agent)}
                {r.problem && <span className="muted"> · {r.problem}</span>}
              </span>
              <span className="num muted">{money(r.cost_micro_usd)}</span>
            </div>
            <p className={classes.detail}>
              {r.model}
              {r.simulated && " (simulated)"}, prompt version {r.prompt_version}, {number(r.input_tokens)}{" "}
              tokens in, {number(r.output_tokens)} out, {span(r.duration_ms)}
            </p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
