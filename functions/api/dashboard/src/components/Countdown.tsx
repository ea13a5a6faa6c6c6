import { useNow } from "../lib/clock";
import { countdown } from "../lib/time";
import classes from "./Countdown.module.css";

/** Time left to the second a post is due. */
export function Countdown({ to, sending }: { to: string; sending: boolean }) {
  const left = Date.parse(to) - useNow(1_000);
  if (sending || left <= 0) {
    return (
      <span className={classes.count} data-live>
        Going out
      </span>
    );
  }
  return (
    <span className={classes.count} role="timer">
      <span className="sr">Goes out in </span>
      {countdown(left)}
    </span>
  );
}
