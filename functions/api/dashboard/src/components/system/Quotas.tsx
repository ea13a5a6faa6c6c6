import type { Quota } from "../../api/model";
import { networkName } from "../../lib/networks";
import { number } from "../../lib/words";
import { When } from "../When";
import classes from "./Quotas.module.css";

interface Group {
  key: string;
  name: string;
  note: string;
  quotas: Quota[];
}

/** The quotas by whose they are: the developer app's first, then each account's. */
export function quotaGroups(quotas: Quota[]): Group[] {
  const groups = new Map<string, Group>();
  for (const q of quotas) {
    const key = q.account_id ?? q.network;
    const group = groups.get(key) ?? {
      key,
      name: q.handle ? `@${q.handle}` : networkName(q.network),
      note: q.handle ? "" : "the developer app, all accounts together",
      quotas: [],
    };
    group.quotas.push(q);
    groups.set(key, group);
  }
  return [...groups.values()];
}

const uses: Record<Quota["use"], string> = {
  post: "Posts",
  read: "Reading back",
  measure: "Reading numbers",
};

export function windowWords(seconds: number): string {
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : `${Math.round(seconds / 60)} min`;
}

export function QuotaGroup({ group, zone }: { group: Group; zone: string }) {
  return (
    <section>
      <h3 className={classes.name}>
        {group.name} {group.note && <span className="muted">{group.note}</span>}
      </h3>
      <ul className={classes.list}>
        {group.quotas.map((q) => (
          <Bar key={`${q.use} ${q.window_seconds}`} quota={q} zone={zone} />
        ))}
      </ul>
    </section>
  );
}

function Bar({ quota: q, zone }: { quota: Quota; zone: string }) {
  const share = q.remaining / q.limit;
  const label = `${uses[q.use]}, ${windowWords(q.window_seconds)}`;
  return (
    <li className={classes.row} data-level={q.remaining === 0 ? "out" : share <= 0.25 ? "low" : "fine"}>
      <span className={classes.label}>{label}</span>
      <span
        className={classes.bar}
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={q.limit}
        aria-valuenow={q.remaining}
        aria-valuetext={`${number(q.remaining)} of ${number(q.limit)} left`}
      >
        <span style={{ width: `${share * 100}%` }} />
      </span>
      <span className={classes.left}>
        <b className="num">{number(q.remaining)}</b> of {number(q.limit)} left
      </span>
      <span className={classes.reset}>
        resets <When at={q.resets_at} zone={zone} />
      </span>
    </li>
  );
}
