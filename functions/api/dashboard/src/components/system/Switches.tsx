import { Button } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { Link } from "react-router";
import { useAccounts } from "../../api/accounts";
import type { Permission, Switch } from "../../api/model";
import { useNetworks } from "../../api/networks";
import { useMay } from "../../api/session";
import { useSwitch, useSystem } from "../../api/workspace";
import { say, sayProblem } from "../../lib/toast";
import { ProblemNote } from "../Empty";
import { Panel } from "../Panel";
import { When } from "../When";
import classes from "./Switches.module.css";

const ReasonDialog = lazy(() => import("../approvals/ReasonDialog"));

interface Line {
  kind: "network" | "agent";
  subject: string;
  /** The account that it is of; left out, it is of all. */
  account_id?: string;
  name: string;
  stops: string;
  right: Permission;
}

const agents: Line[] = [
  {
    kind: "agent",
    subject: "generate",
    name: "Drafting",
    stops: "The agents look for no ideas and write no drafts.",
    right: "manage_accounts",
  },
  {
    kind: "agent",
    subject: "review",
    name: "The reviewer",
    stops: "Submitted posts stay in review.",
    right: "manage_accounts",
  },
];

/** The agents' switches for one account, which stand beside those for all. */
export function AccountAgents({ account }: { account: { id: string; handle: string; time_zone: string } }) {
  const system = useSystem();
  const thrown = system.data?.switches ?? [];
  return (
    <Panel title="Agents" aside="For this account alone">
      {system.isError && !system.data ? (
        <ProblemNote error={system.error} onRetry={() => void system.refetch()} compact />
      ) : (
        <ul className={classes.list}>
          {agents.map((l) => (
            <SwitchRow
              key={l.subject}
              line={ofAccount(l, account)}
              title={l.name}
              thrown={thrown.find((s) => isOf(s, l, account.id))}
              everywhere={thrown.some((s) => isOf(s, l, null))}
              zone={account.time_zone}
            />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function ofAccount(line: Line, account: { id: string; handle: string }): Line {
  return { ...line, account_id: account.id, name: `${line.name} for @${account.handle}` };
}

function isOf(s: Switch, line: Line, account: string | null): boolean {
  return s.kind === line.kind && s.subject === line.subject && s.account_id === account;
}

/** One switch for each network that has an account or is paused, and one for each agent. */
function useLines(thrown: Switch[]): Line[] {
  const accounts = useAccounts().data ?? [];
  const networks = (useNetworks().data ?? []).filter(
    (n) =>
      accounts.some((a) => a.network === n.network) ||
      thrown.some((s) => s.kind === "network" && s.subject === n.network),
  );
  return [
    ...networks.map((n): Line => ({
      kind: "network",
      subject: n.network,
      name: `Sending to ${n.name}`,
      stops: `Nothing goes out to ${n.name}. What falls due waits.`,
      right: "manage_workspace",
    })),
    ...agents,
  ];
}

/** The switches of the workspace, and every other pause that is in force. */
export function Switches({ thrown, zone }: { thrown: Switch[]; zone: string }) {
  const lines = useLines(thrown);
  const others = thrown.filter(
    (s) => s.account_id !== null || !lines.some((l) => l.kind === s.kind && l.subject === s.subject),
  );
  return (
    <Panel title="Switches" aside="What a person can pause">
      <ul className={classes.list}>
        {lines.map((l) => (
          <SwitchRow
            key={l.kind + l.subject}
            line={l}
            thrown={thrown.find((s) => isOf(s, l, null))}
            zone={zone}
          />
        ))}
        {others.map((s) => {
          const agent = agents.find((l) => isOf(s, l, s.account_id));
          return agent && s.account_id ? (
            <SwitchRow
              key={s.subject + s.account_id}
              line={ofAccount(agent, { id: s.account_id, handle: s.handle ?? "" })}
              thrown={s}
              zone={zone}
            />
          ) : (
            <li key={s.kind + s.subject + (s.account_id ?? "")} className={classes.row}>
              <div>
                <p>
                  <b>{otherName(s)}</b> <span className={classes.paused}>Paused</span>
                </p>
                <Who thrown={s} zone={zone} />
              </div>
              <Button
                component={Link}
                to={s.account_id ? `/accounts/${s.account_id}` : "/settings"}
                variant="default"
                size="xs"
              >
                {s.account_id ? "Open the account" : "Open settings"}
              </Button>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

function otherName(s: Switch): string {
  return s.kind === "workspace" ? "Everything" : `Sending from @${s.handle ?? ""}`;
}

function Who({ thrown: s, zone }: { thrown: Switch; zone: string }) {
  return (
    <p className="muted small">
      By {s.by} <When at={s.since} zone={zone} />
      {s.reason ? `: ${s.reason}` : "."}
    </p>
  );
}

interface RowProps {
  line: Line;
  /** What the row is called where its account needs no naming. */
  title?: string;
  thrown: Switch | undefined;
  /** It is paused for all accounts. */
  everywhere?: boolean;
  zone: string;
}

function SwitchRow({ line, title = line.name, thrown, everywhere = false, zone }: RowProps) {
  const may = useMay(line.right);
  const turn = useSwitch();
  const [asking, setAsking] = useState(false);
  const what = {
    kind: line.kind,
    subject: line.subject,
    ...(line.account_id ? { account_id: line.account_id } : {}),
  };
  return (
    <li className={classes.row}>
      <div>
        <p>
          <b>{title}</b> {thrown && <span className={classes.paused}>Paused</span>}
        </p>
        {thrown ? (
          <Who thrown={thrown} zone={zone} />
        ) : (
          <p className="muted small">
            {everywhere ? (
              <>
                Paused for all accounts, under{" "}
                <Link to="/system" className="link">
                  System
                </Link>
                .
              </>
            ) : (
              "Running."
            )}
          </p>
        )}
      </div>
      {thrown ? (
        <Button
          size="xs"
          leftSection={<IconPlayerPlay size={14} />}
          disabled={!may}
          loading={turn.isPending}
          aria-label={`Resume: ${line.name}`}
          onClick={() =>
            turn.mutate(
              { ...what, reason: null },
              { onSuccess: () => say(`${line.name}: running again`), onError: (e) => sayProblem(e) },
            )
          }
        >
          Resume
        </Button>
      ) : (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlayerPause size={14} />}
          disabled={!may}
          aria-label={`Pause: ${line.name}`}
          onClick={() => setAsking(true)}
        >
          Pause
        </Button>
      )}
      <Suspense fallback={null}>
        {asking && (
          <ReasonDialog
            title={`Pause: ${line.name}`}
            label="Why?"
            description={`${line.stops} Everyone in the workspace sees this sentence.`}
            button="Pause"
            danger
            pending={turn.isPending}
            error={turn.error}
            onClose={() => setAsking(false)}
            onSubmit={(reason) =>
              turn.mutate(
                { ...what, reason },
                {
                  onSuccess: () => {
                    setAsking(false);
                    say(`${line.name}: paused`);
                  },
                },
              )
            }
          />
        )}
      </Suspense>
    </li>
  );
}
