import { Button } from "@mantine/core";
import type { Breaker } from "../../api/model";
import { useMay } from "../../api/session";
import { useTryBreaker } from "../../api/workspace";
import { useNow } from "../../lib/clock";
import { networkName } from "../../lib/networks";
import { say, sayProblem } from "../../lib/toast";
import { count, troubleWords, type Tone } from "../../lib/words";
import { Tag } from "../Tag";
import { When } from "../When";
import classes from "./BreakerRow.module.css";

const states: Record<Breaker["state"], { label: string; tone: Tone }> = {
  open: { label: "Open", tone: "red" },
  half_open: { label: "Trying", tone: "violet" },
  closed: { label: "Watching", tone: "amber" },
};

/** One breaker: whose it is, since when it fails, and when it tries again. */
export function BreakerRow({ breaker: b, zone }: { breaker: Breaker; zone: string }) {
  const may = useMay("manage_accounts");
  const attempt = useTryBreaker();
  const name = b.handle ? `@${b.handle}` : networkName(b.network);
  const { label, tone } = states[b.state];
  const now = useNow(5_000);
  const waits = b.state === "open" && b.retry_at !== null && Date.parse(b.retry_at) > now;
  const go = () =>
    attempt.mutate(
      { network: b.network, ...(b.account_id ? { account_id: b.account_id } : {}) },
      {
        onSuccess: (r) =>
          say(r.trying ? "One post tries now" : "Nothing waits here; the next post that falls due tries"),
        onError: (e) => sayProblem(e),
      },
    );
  return (
    <li className={classes.row}>
      <div className={classes.what}>
        <p className={classes.name}>
          <b>{name}</b>
          {!b.handle && <span className="muted">the whole network</span>}
          <Tag tone={tone}>{label}</Tag>
        </p>
        <p className="muted small">
          {b.state === "closed" ? count(b.failures, "failure") + " in a row" : "No proper answer"}
          {b.failing_since && (
            <>
              {" "}
              since <When at={b.failing_since} zone={zone} as="short" mid />
            </>
          )}
          {troubleWords(b.last_code)}.
          {b.state === "open" &&
            (waits && b.retry_at ? (
              <>
                {" "}
                Tries again <When at={b.retry_at} zone={zone} />.
              </>
            ) : (
              " The next post that is due tries."
            ))}
          {b.state === "half_open" && " One post is on its way to see."}
        </p>
      </div>
      {waits && (
        <Button variant="default" size="xs" disabled={!may} loading={attempt.isPending} onClick={go}>
          Try now
        </Button>
      )}
    </li>
  );
}
