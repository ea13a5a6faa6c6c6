import { Button } from "@mantine/core";
import { IconHistory } from "@tabler/icons-react";
import { Link } from "react-router";
import type { AuditEvent } from "../api/model";
import { useAudit } from "../api/workspace";
import { AccountMark } from "../components/AccountMark";
import { Empty, ProblemNote } from "../components/Empty";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { RowSkeleton } from "../components/PostRow";
import { When } from "../components/When";
import { browserZone, useAccountLooks } from "../lib/accounts";
import { useNow } from "../lib/clock";
import { sentenceCase } from "../lib/words";
import { dayWords, localTime, zonePlace } from "../lib/time";
import classes from "./activity.module.css";

/** Everything anyone did, newest first, day by day. */
export default function Activity() {
  const audit = useAudit();
  const zone = browserZone();
  const today = localTime(useNow(60_000), zone).date;
  const events = audit.data?.pages.flatMap((p) => p.items);
  const days = new Map<string, AuditEvent[]>();
  for (const e of events ?? []) {
    const day = localTime(e.at, zone).date;
    days.set(day, [...(days.get(day) ?? []), e]);
  }
  return (
    <Page title="Activity" width="text" note={`Who did what, on ${zonePlace(zone)} time`}>
      {audit.isError && !audit.data ? (
        <ProblemNote error={audit.error} onRetry={() => void audit.refetch()} />
      ) : !events ? (
        <Panel flush>
          <RowSkeleton rows={8} />
        </Panel>
      ) : events.length === 0 ? (
        <Panel>
          <Empty icon={<IconHistory size={20} />} title="Nothing has happened yet">
            Every draft, approval, send and change will be listed here.
          </Empty>
        </Panel>
      ) : (
        <div className="stack" style={{ gap: 16 }}>
          {[...days].map(([day, list]) => (
            <Panel key={day} title={dayWords(day, today)} flush>
              <ul className={classes.list}>
                {list.map((e) => (
                  <Row key={e.id} event={e} zone={zone} />
                ))}
              </ul>
            </Panel>
          ))}
          {audit.hasNextPage && (
            <Button
              variant="default"
              loading={audit.isFetchingNextPage}
              onClick={() => void audit.fetchNextPage()}
            >
              Show earlier
            </Button>
          )}
        </div>
      )}
    </Page>
  );
}

const pages: Record<string, string> = { post: "/posts/", account: "/accounts/" };

function Row({ event: e, zone }: { event: AuditEvent; zone: string }) {
  const page = pages[e.subject_kind];
  const handle = useAccountLooks()(e.account_id ?? "").handle;
  return (
    <li className={classes.row}>
      <span className={classes.time}>{localTime(e.at, zone).time}</span>
      <span className={classes.sentence}>
        {page ? (
          <Link to={page + e.subject_id} className={classes.link}>
            {sentenceCase(e.sentence)}
          </Link>
        ) : (
          sentenceCase(e.sentence)
        )}
      </span>
      {e.account_id && handle && (
        <Link to={`/accounts/${e.account_id}`} className={classes.account} title={`@${handle}`}>
          <AccountMark account={{ id: e.account_id, handle }} size={18} />
          <span className={classes.handle}>@{handle}</span>
        </Link>
      )}
      <span className={classes.age}>
        <When at={e.at} zone={zone} />
      </span>
    </li>
  );
}
