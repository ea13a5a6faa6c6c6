import { Button, useMantineColorScheme } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import type { Me } from "../api/model";
import { useMay, useMe, usePauseWorkspace } from "../api/session";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { say, sayProblem } from "../lib/toast";
import classes from "./settings.module.css";

const ReasonDialog = lazy(() => import("../components/approvals/ReasonDialog"));

export default function Settings() {
  const me = useMe().data;
  if (!me) return <Page title="Settings">{null}</Page>;
  return (
    <Page title="Settings" width="text" note={me.workspace.name}>
      <div className="stack" style={{ gap: 16 }}>
        <PauseAll me={me} />
        <Look />
        <Panel title="You">
          <dl className={classes.facts}>
            <div>
              <dt>Name</dt>
              <dd>{me.person.name}</dd>
            </div>
            <div>
              <dt>Email</dt>
              <dd>{me.person.email}</dd>
            </div>
            <div>
              <dt>Role</dt>
              <dd style={{ textTransform: "capitalize" }}>{me.role}</dd>
            </div>
            <div>
              <dt>Model</dt>
              <dd>
                {me.model.name}
                {me.model.simulated && " (simulated: it answers without the network and costs nothing)"}
              </dd>
            </div>
          </dl>
        </Panel>
      </div>
    </Page>
  );
}

function PauseAll({ me }: { me: Me }) {
  const may = useMay("manage_workspace");
  const pause = usePauseWorkspace();
  const [asking, setAsking] = useState(false);
  const paused = me.workspace.paused;
  return (
    <Panel title="Publishing" tone={paused ? "amber" : undefined}>
      <div className={classes.pause}>
        <div>
          <p>
            <b>{paused ? "Everything is paused." : "Running."}</b> {paused && me.workspace.pause_reason}
          </p>
          <p className="muted small">
            {paused
              ? "Nothing goes out. Posts whose time passes follow their account’s rule for late ones."
              : "The switch for emergencies: nothing leaves any account of this workspace until it is resumed."}
          </p>
        </div>
        {paused ? (
          <Button
            leftSection={<IconPlayerPlay size={16} />}
            disabled={!may}
            loading={pause.isPending}
            onClick={() =>
              pause.mutate(null, { onSuccess: () => say("Running again"), onError: (e) => sayProblem(e) })
            }
          >
            Resume
          </Button>
        ) : (
          <Button
            variant="default"
            leftSection={<IconPlayerPause size={16} />}
            disabled={!may}
            onClick={() => setAsking(true)}
          >
            Pause everything
          </Button>
        )}
      </div>
      <Suspense fallback={null}>
        {asking && (
          <ReasonDialog
            title="Pause everything"
            label="Why?"
            description="Everyone in the workspace sees this sentence."
            button="Pause everything"
            danger
            pending={pause.isPending}
            error={pause.error}
            onClose={() => setAsking(false)}
            onSubmit={(reason) =>
              pause.mutate(reason, {
                onSuccess: () => {
                  setAsking(false);
                  say("Everything is paused");
                },
              })
            }
          />
        )}
      </Suspense>
    </Panel>
  );
}

function Look() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const choices = [
    { key: "light", label: "Light" },
    { key: "dark", label: "Dark" },
    { key: "auto", label: "As the system" },
  ] as const;
  return (
    <Panel title="Appearance">
      <div className={classes.look} role="group" aria-label="Colour scheme">
        {choices.map((c) => (
          <button
            key={c.key}
            type="button"
            aria-pressed={colorScheme === c.key}
            onClick={() => setColorScheme(c.key)}
          >
            {c.label}
          </button>
        ))}
      </div>
    </Panel>
  );
}
