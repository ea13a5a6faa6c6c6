import { Button, Menu } from "@mantine/core";
import { IconPlus, IconUsers } from "@tabler/icons-react";
import { Link, useSearchParams } from "react-router";
import { useAccounts, useConnect } from "../api/accounts";
import type { Account, NetworkId } from "../api/model";
import { useNetworks } from "../api/networks";
import { useMay } from "../api/session";
import { AccountMark } from "../components/AccountMark";
import { Empty, ProblemNote } from "../components/Empty";
import { NetworkIcon } from "../components/NetworkIcon";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { RowSkeleton } from "../components/PostRow";
import { Tag } from "../components/Tag";
import { useNow } from "../lib/clock";
import { networkName } from "../lib/networks";
import { midSentence, shortTime, zonePlace, zoneWords } from "../lib/time";
import { sayProblem } from "../lib/toast";
import { count } from "../lib/words";
import classes from "./accounts.module.css";

/** What the way back from a network can bring, in words that say what to do. */
function connectProblem(code: string, network: string): string {
  const words: Record<string, string> = {
    connect_denied: `${network} was told not to grant access. Connect again and agree there.`,
    connect_expired: `The way to ${network} and back took too long, or began elsewhere. Connect again.`,
    other_account: `You signed in to ${network} as someone else. Sign in there as the account you want to reconnect.`,
    sign_in_required: "You are signed out here. Sign in, then connect again.",
    network_not_set_up: `${network} is not set up here.`,
  };
  return words[code] ?? `${network} did not finish the connection. Try again in a moment.`;
}

export default function Accounts() {
  const accounts = useAccounts();
  const [search] = useSearchParams();
  const problem = search.get("connect_problem");
  const network = useNetworks().data?.find((n) => n.network === search.get("network"))?.name ?? "The network";
  const none = accounts.data?.length === 0;
  return (
    <Page title="Accounts" width="text" actions={none ? undefined : <ConnectMenu />}>
      {problem && (
        <p className={classes.problem} role="alert">
          <b>The account was not connected.</b> {connectProblem(problem, network)}
        </p>
      )}
      {accounts.isError && !accounts.data ? (
        <ProblemNote error={accounts.error} onRetry={() => void accounts.refetch()} />
      ) : (
        <Panel flush>
          {accounts.isPending && <RowSkeleton rows={2} />}
          {none && (
            <Empty icon={<IconUsers size={20} />} title="No account yet" action={<ConnectButtons />}>
              Connect the account that Rostrum shall write and post for.
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

function useConnecting() {
  const connect = useConnect();
  const may = useMay("manage_accounts");
  const networks = useNetworks();
  const begin = (network: NetworkId) => connect.mutate({ network }, { onError: (e) => sayProblem(e) });
  return { networks: networks.data ?? [], may, begin, pending: connect.isPending };
}

/** Beside the accounts there are: one button, and the network is chosen behind it. */
function ConnectMenu() {
  const { networks, may, begin, pending } = useConnecting();
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        <Button leftSection={<IconPlus size={16} />} disabled={!may} loading={pending}>
          Connect an account
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {networks.map((n) => (
          <Menu.Item
            key={n.network}
            leftSection={<NetworkIcon network={n.network} size={17} />}
            disabled={!n.connectable}
            onClick={() => begin(n.network)}
          >
            Connect {n.name}
            {n.why_not && <span className={classes.whyNot}>{n.why_not}</span>}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** Where there is no account yet: a button for each network, and why one is missing. */
function ConnectButtons() {
  const { networks, may, begin, pending } = useConnecting();
  return (
    <div className={classes.connect}>
      <div className="row wrap">
        {networks
          .filter((n) => n.connectable)
          .map((n) => (
            <Button
              key={n.network}
              leftSection={<NetworkIcon network={n.network} />}
              disabled={!may || pending}
              onClick={() => begin(n.network)}
            >
              Connect {n.name}
            </Button>
          ))}
      </div>
      {networks
        .filter((n) => !n.connectable)
        .map((n) => (
          <p key={n.network} className="muted small">
            {n.why_not}
          </p>
        ))}
    </div>
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
          <span>{networkName(a.network)}</span>
          <span>{count(a.slots.length, "slot")} a week</span>
          <span>
            {zonePlace(a.time_zone)} time ({zoneWords(a.time_zone, now)})
          </span>
          {next && <span>Next free {midSentence(shortTime(next.due_at, a.time_zone, now))}</span>}
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
