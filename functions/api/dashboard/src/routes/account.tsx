import { Button, Menu } from "@mantine/core";
import {
  IconDots,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlugConnected,
  IconSparkles,
} from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { useBlocker, useParams, useSearchParams } from "react-router";
import { useAccount, useConnect, usePauseAccount } from "../api/accounts";
import type { Account } from "../api/model";
import { useMay } from "../api/session";
import { ProfileTab } from "../components/account/ProfileTab";
import { SaveBar } from "../components/account/SaveBar";
import { ScheduleTab } from "../components/account/ScheduleTab";
import { SourcesTab } from "../components/account/SourcesTab";
import { AccountMark } from "../components/AccountMark";
import { Empty, ProblemNote } from "../components/Empty";
import { LeaveDialog } from "../components/compose/LeaveDialog";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { RowSkeleton } from "../components/PostRow";
import { Tag } from "../components/Tag";
import { When } from "../components/When";
import { networkName } from "../lib/networks";
import { useOverlays } from "../lib/overlays";
import { say, sayProblem } from "../lib/toast";
import { useProfileForm } from "../lib/useProfileForm";
import classes from "./account.module.css";

const ReasonDialog = lazy(() => import("../components/approvals/ReasonDialog"));

export default function AccountPage() {
  const { id = "" } = useParams();
  const query = useAccount(id);
  if (query.data) return <Loaded key={id} account={query.data} />;
  return (
    <Page title="Account" width="text" note=" ">
      {query.isError ? (
        <ProblemNote error={query.error} onRetry={() => void query.refetch()} />
      ) : query.isPending ? (
        <Panel>
          <RowSkeleton rows={5} />
        </Panel>
      ) : (
        <Empty title="This account is not here any more">It may have been removed from the workspace.</Empty>
      )}
    </Page>
  );
}

const tabs = [
  { key: "profile", label: "Profile" },
  { key: "schedule", label: "Schedule" },
  { key: "sources", label: "Agents and sources" },
] as const;

function Loaded({ account }: { account: Account }) {
  const [search, setSearch] = useSearchParams();
  const tab = tabs.find((t) => t.key === search.get("tab"))?.key ?? "profile";
  const form = useProfileForm(account);
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) =>
      form.changed.length > 0 && currentLocation.pathname !== nextLocation.pathname,
  );
  return (
    <Page
      title={`@${account.handle}`}
      width="text"
      note={
        <span className="row wrap">
          <AccountMark account={account} size={18} />
          <span>
            {account.display_name}, {networkName(account.network)}
          </span>
          <Status account={account} />
        </span>
      }
      actions={<Actions account={account} />}
    >
      <Notices account={account} justConnected={search.get("connected") === "1"} />
      <div className={classes.tabs} role="tablist" aria-label="Account settings">
        {tabs.map((t) => (
          <button
            key={t.key}
            type="button"
            role="tab"
            id={`tab-${t.key}`}
            aria-selected={t.key === tab}
            aria-controls="tab-panel"
            className={classes.tab}
            onClick={() => setSearch(t.key === "profile" ? {} : { tab: t.key }, { replace: true })}
          >
            {t.label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab}`}>
        {tab === "profile" && <ProfileTab form={form} />}
        {tab === "schedule" && <ScheduleTab form={form} account={account} />}
        {tab === "sources" && <SourcesTab account={account} />}
      </div>
      <SaveBar form={form} />
      {blocker.state === "blocked" && (
        <LeaveDialog kept={false} onStay={() => blocker.reset()} onLeave={() => blocker.proceed()} />
      )}
    </Page>
  );
}

export function Status({ account }: { account: Account }) {
  if (account.status === "reauth_needed") return <Tag tone="red">Reconnect needed</Tag>;
  if (account.status === "disconnected") return <Tag tone="red">Disconnected</Tag>;
  if (account.paused) return <Tag tone="amber">Paused</Tag>;
  return <Tag tone="accent">Connected</Tag>;
}

function Notices({ account, justConnected }: { account: Account; justConnected: boolean }) {
  const connect = useConnect();
  return (
    <>
      {justConnected && account.status === "connected" && (
        <p className={classes.notice} data-tone="accent" role="status">
          Connected. Give it goals and a source, and the agents can begin.
        </p>
      )}
      {account.status !== "connected" && (
        <div className={classes.notice} data-tone="red" role="alert">
          <span>
            {networkName(account.network)} no longer accepts this account’s access. Its posts are held until
            it is connected again; none is lost.
          </span>
          <Button
            size="compact-sm"
            variant="default"
            loading={connect.isPending}
            onClick={() => connect.mutate(account, { onError: (e) => sayProblem(e) })}
          >
            Reconnect
          </Button>
        </div>
      )}
      {account.paused && (
        <p className={classes.notice} data-tone="amber">
          Paused. {account.pause_reason} Nothing goes out until it is resumed.
        </p>
      )}
      {account.limited_until && (
        <p className={classes.notice} data-tone="amber">
          {networkName(account.network)} asked to slow down; the next try is{" "}
          <When at={account.limited_until} zone={account.time_zone} as="both" mid />.
        </p>
      )}
    </>
  );
}

function Actions({ account }: { account: Account }) {
  const { openGenerate } = useOverlays();
  const may = useMay("manage_accounts");
  const pause = usePauseAccount();
  const connect = useConnect();
  const [asking, setAsking] = useState(false);
  const resume = () =>
    pause.mutate(
      { id: account.id, reason: null },
      { onSuccess: () => say(`@${account.handle} is running again`), onError: (e) => sayProblem(e) },
    );
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconSparkles size={16} />}
        onClick={() => openGenerate(account.id)}
      >
        Generate drafts
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" px={9} aria-label="More actions">
            <IconDots size={17} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {account.paused ? (
            <Menu.Item leftSection={<IconPlayerPlay size={16} />} disabled={!may} onClick={resume}>
              Resume
            </Menu.Item>
          ) : (
            <Menu.Item
              leftSection={<IconPlayerPause size={16} />}
              disabled={!may}
              onClick={() => setAsking(true)}
            >
              Pause
            </Menu.Item>
          )}
          <Menu.Item
            leftSection={<IconPlugConnected size={16} />}
            disabled={!may}
            onClick={() => connect.mutate(account, { onError: (e) => sayProblem(e) })}
          >
            Reconnect
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Suspense fallback={null}>
        {asking && (
          <ReasonDialog
            title={`Pause @${account.handle}`}
            label="Why?"
            description="Everyone sees this sentence. Scheduled posts wait; what happens to late ones is set under Schedule."
            button="Pause"
            pending={pause.isPending}
            error={pause.error}
            onClose={() => setAsking(false)}
            onSubmit={(reason) =>
              pause.mutate(
                { id: account.id, reason },
                {
                  onSuccess: () => {
                    setAsking(false);
                    say(`@${account.handle} is paused`);
                  },
                },
              )
            }
          />
        )}
      </Suspense>
    </>
  );
}
