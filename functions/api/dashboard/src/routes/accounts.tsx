import { Button } from "@mantine/core";
import { IconPlus, IconUsers } from "@tabler/icons-react";
import { Link, useSearchParams } from "react-router";
import { useAccounts, useConnect } from "../api/accounts";
import type { Account } from "../api/model";
import { useMay } from "../api/session";
import { AccountMark } from "../components/AccountMark";
import { Empty, ProblemNote } from "../components/Empty";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { RowSkeleton } from "../components/PostRow";
import { Tag } from "../components/Tag";
import { useNow } from "../lib/clock";
import { shortTime, zonePlace, zoneWords } from "../lib/time";
import { sayProblem } from "../lib/toast";
import { count } from "../lib/words";
import classes from "./accounts.module.css";

// What the way back from X can bring, in words that say what to do.
const connectProblems: Record<string, string> = {
  access_denied: "X was told not to grant access. Connect again and press “Authorize” there.",
  state_expired: "The way to X and back took too long. Connect again.",
  already_connected: "This X account is connected already, in this or another workspace.",
  wrong_account: "You signed in to X as someone else. Sign in there as the account you want to reconnect.",
};

export default function Accounts() {
  const accounts = useAccounts();
  const connect = useConnect();
  const may = useMay("manage_accounts");
  const [search] = useSearchParams();
  const problem = search.get("connect_problem");
  const button = (
    <Button
      leftSection={<IconPlus size={16} />}
      disabled={!may}
      loading={connect.isPending}
      onClick={() => connect.mutate(undefined, { onError: (e) => sayProblem(e) })}
    >
      Connect an X account
    </Button>
  );
  return (
    <Page title="Accounts" width="text" actions={button}>
      {problem && (
        <p className={classes.problem} role="alert">
          <b>The account was not connected.</b>{" "}
          {connectProblems[problem] ?? "X did not finish the connection. Try again in a moment."}
        </p>
      )}
      {accounts.isError && !accounts.data ? (
        <ProblemNote error={accounts.error} onRetry={() => void accounts.refetch()} />
      ) : (
        <Panel flush>
          {accounts.isPending && <RowSkeleton rows={2} />}
          {accounts.data?.length === 0 && (
            <Empty icon={<IconUsers size={20} />} title="No account yet" action={button}>
              Connect the X account that Rostrum shall write and post for.
            </Empty>
          )}
          {accounts.data?.map((a) => (
            <Row key={a.id} account={a} />
          ))}
        </Panel>
      )}
    </Page>
  );
}

function Row({ account: a }: { account: Account }) {
  const now = useNow(60_000);
  const next = a.next_slots[0];
  return (
    <Link to={`/accounts/${a.id}`} className={classes.row}>
      <AccountMark account={a} size={34} />
      <span className={classes.main}>
        <span className={classes.name}>
          {a.display_name} <span className="muted">@{a.handle}</span>
        </span>
        <span className={classes.sub}>
          <span>{count(a.slots.length, "slot")} a week</span>
          <span>
            {zonePlace(a.time_zone)} time ({zoneWords(a.time_zone, now)})
          </span>
          {next && <span>Next free {shortTime(next.due_at, a.time_zone, now)}</span>}
        </span>
      </span>
      {a.status !== "connected" ? (
        <Tag tone="red">Reconnect needed</Tag>
      ) : a.paused ? (
        <Tag tone="amber">Paused</Tag>
      ) : (
        <Tag tone="accent">Connected</Tag>
      )}
    </Link>
  );
}
