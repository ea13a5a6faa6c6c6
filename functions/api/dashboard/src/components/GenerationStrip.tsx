import { IconSparkles } from "@tabler/icons-react";
import type { Generation } from "../api/model";
import { useAccountLooks } from "../lib/accounts";
import { count } from "../lib/words";
import classes from "./GenerationStrip.module.css";

/** Drafts being written right now. */
export function GenerationStrip({ generation: g }: { generation: Generation }) {
  const look = useAccountLooks()(g.account_id);
  const share = g.wanted > 0 ? Math.min(1, g.drafts_made / g.wanted) : 0;
  return (
    <div className={classes.strip} role="status">
      <IconSparkles size={16} aria-hidden />
      <span className={classes.text}>
        {g.state === "queued" ? "About to write" : "Writing"} {count(g.wanted, "draft")} for{" "}
        <b>@{look.handle}</b>
        {g.progress && <span className="muted"> · {g.progress}</span>}
      </span>
      <span className={classes.meter} aria-hidden>
        <span style={{ transform: `scaleX(${Math.max(0.06, share)})` }} />
      </span>
      <span className="num muted small">
        {g.drafts_made} of {g.wanted}
      </span>
    </div>
  );
}
