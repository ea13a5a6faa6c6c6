import classes from "./Meter.module.css";

const around = 2 * Math.PI * 8;

/** How much of the limit is used; the rest in numbers when it gets close. */
export function Meter({ length, limit }: { length: number | undefined; limit: number }) {
  const used = length ?? 0;
  const left = limit - used;
  const tone = left < 0 ? "over" : left <= 20 ? "near" : undefined;
  return (
    <span className={classes.meter} data-tone={tone}>
      <span className="num" aria-hidden>
        {length === undefined ? "" : tone ? left : `${used}`}
      </span>
      <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden>
        <circle cx="10" cy="10" r="8" className={classes.track} />
        <circle
          cx="10"
          cy="10"
          r="8"
          className={classes.fill}
          strokeDasharray={around}
          strokeDashoffset={around * (1 - Math.min(1, used / limit))}
        />
      </svg>
      <span className="sr" role="status">
        {left < 0 ? `${-left} over the limit of ${limit}` : `${used} of ${limit}`}
      </span>
    </span>
  );
}
