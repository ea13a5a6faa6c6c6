import { IconBolt, IconGauge } from "@tabler/icons-react";
import type { System as SystemBody } from "../api/model";
import { useSystem } from "../api/workspace";
import { Empty, ProblemNote } from "../components/Empty";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { RowSkeleton } from "../components/PostRow";
import { BreakerRow } from "../components/system/BreakerRow";
import { Queues } from "../components/system/Queues";
import { QuotaGroup, quotaGroups } from "../components/system/Quotas";
import { Switches } from "../components/system/Switches";
import { browserZone } from "../lib/accounts";
import { count } from "../lib/words";
import classes from "./system.module.css";

/** What keeps posts back just now, or might: switches, breakers, quotas, queues. */
export default function System() {
  const system = useSystem();
  return (
    <Page title="System" width="text" note="What keeps posts back just now, or might">
      {system.isError && !system.data ? (
        <ProblemNote error={system.error} onRetry={() => void system.refetch()} />
      ) : (
        <div className="stack" style={{ gap: 16 }}>
          {system.data ? (
            <Sections system={system.data} />
          ) : (
            <Panel flush>
              <RowSkeleton rows={8} />
            </Panel>
          )}
          <Queues />
        </div>
      )}
    </Page>
  );
}

function Sections({ system }: { system: SystemBody }) {
  const zone = browserZone();
  const waiting = system.held.reduce((sum, h) => sum + h.posts, 0);
  const open = system.breakers.some((b) => b.state !== "closed");
  return (
    <>
      {waiting > 0 && (
        <Panel title="Kept back" aside={count(waiting, "post")} tone="amber">
          <ul className={classes.held}>
            {system.held.map((h) => (
              <li key={h.code}>
                <span>{h.label}</span>
                <span className="num">{h.posts}</span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <Panel title="Breakers" aside="Stop sending where nobody answers" tone={open ? "red" : undefined}>
        {system.breakers.length === 0 ? (
          <Empty compact icon={<IconBolt size={18} />} title="Every network answers">
            When one stops, its posts wait here instead of failing, and one at a time tries again.
          </Empty>
        ) : (
          <ul className={classes.rows}>
            {system.breakers.map((b) => (
              <BreakerRow key={b.account_id ?? b.network} breaker={b} zone={zone} />
            ))}
          </ul>
        )}
      </Panel>
      <Panel title="Quotas" aside="As the network said last">
        {system.quotas.length === 0 ? (
          <Empty compact icon={<IconGauge size={18} />} title="Nothing known yet">
            Networks tell with each answer how many calls are left. The first post fills this in.
          </Empty>
        ) : (
          <div className={classes.groups}>
            {quotaGroups(system.quotas).map((g) => (
              <QuotaGroup key={g.key} group={g} zone={zone} />
            ))}
          </div>
        )}
      </Panel>
      <Switches thrown={system.switches} zone={zone} />
    </>
  );
}
