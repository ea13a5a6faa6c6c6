import { Button } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { Link } from "react-router";
import { useAccounts } from "../../api/accounts";
import type { Permission, Switch } from "../../api/model";
import { useNetworks } from "../../api/networks";
import { useMay } from "../../api/session";
import { useSwitch } from "../../api/workspace";
import { say, sayProblem } from "../../lib/toast";
import { Panel } from "../Panel";
import { When } from "../When";
import classes from "./Switches.module.css";

const ReasonDialog = lazy(() => import("../approvals/ReasonDialog"));

interface Line {
  kind: "network" | "agent";
  subject: string;
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
            thrown={thrown.find((s) => s.kind === l.kind && s.subject === l.subject && s.account_id === null)}
            zone={zone}
          />
        ))}
        {others.map((s) => (
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
        ))}
      </ul>
    </Panel>
  );
}

function otherName(s: Switch): string {
  if (s.kind === "workspace") return "Everything";
  if (s.kind === "account") return `Sending from @${s.handle ?? ""}`;
  return `${s.subject === "review" ? "The reviewer" : "Drafting"} for @${s.handle ?? ""}`;
}

function Who({ thrown: s, zone }: { thrown: Switch; zone: string }) {
  return (
    <p className="muted small">
      By {s.by} <When at={s.since} zone={zone} />
      {s.reason ? `: ${s.reason}` : "."}
    </p>
  );
}

function SwitchRow({ line, thrown, zone }: { line: Line; thrown: Switch | undefined; zone: string }) {
  const may = useMay(line.right);
  const turn = useSwitch();
  const [asking, setAsking] = useState(false);
  const { kind, subject } = line;
  return (
    <li className={classes.row}>
      <div>
        <p>
          <b>{line.name}</b> {thrown && <span className={classes.paused}>Paused</span>}
        </p>
        {thrown ? <Who thrown={thrown} zone={zone} /> : <p className="muted small">Running.</p>}
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
              { kind, subject, reason: null },
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
                { kind, subject, reason },
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
