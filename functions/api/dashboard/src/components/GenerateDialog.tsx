import { Button, NumberInput, Select, Textarea } from "@mantine/core";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useAccounts } from "../api/accounts";
import type { Generation } from "../api/model";
import { newKey, useGenerate, useGeneration } from "../api/workspace";
import { count } from "../lib/words";
import { Empty, ProblemNote } from "./Empty";
import { Dialog } from "./Dialog";
import classes from "./GenerateDialog.module.css";

/** Asks the agents for drafts, and shows how far they are. */
export default function GenerateDialog({
  onClose,
  accountId,
}: {
  onClose: () => void;
  accountId?: string | undefined;
}) {
  const [started, setStarted] = useState<Generation | null>(null);
  return (
    <Dialog onClose={onClose} title="Generate drafts" size="md">
      {started ? (
        <Progress started={started} onClose={onClose} onAgain={() => setStarted(null)} />
      ) : (
        <Form accountId={accountId} onStarted={setStarted} />
      )}
    </Dialog>
  );
}

function Form({
  accountId,
  onStarted,
}: {
  accountId: string | undefined;
  onStarted: (g: Generation) => void;
}) {
  const accounts = useAccounts();
  const generate = useGenerate();
  const [chosen, setChosen] = useState<string | null>(accountId ?? null);
  const [wanted, setWanted] = useState<number | string>(3);
  const [note, setNote] = useState("");
  const [key] = useState(newKey);
  const list = accounts.data ?? [];
  const account = chosen ?? list[0]?.id ?? null;
  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault();
    if (!account) return;
    const body = { key, account_id: account, wanted: Number(wanted) || 1 };
    generate.mutate(note.trim() ? { ...body, note: note.trim() } : body, { onSuccess: onStarted });
  };
  if (accounts.data?.length === 0) {
    return (
      <Empty compact title="No account is connected">
        Connect an account first; drafts are always written for one.
      </Empty>
    );
  }
  return (
    <form onSubmit={submit} className="stack">
      <div className={classes.pair}>
        <Select
          label="Account"
          data={list.map((a) => ({ value: a.id, label: `@${a.handle}` }))}
          value={account}
          onChange={setChosen}
          data-autofocus
        />
        <NumberInput
          label="How many"
          min={1}
          max={10}
          value={wanted}
          onChange={setWanted}
          clampBehavior="strict"
        />
      </div>
      <Textarea
        label="A note to start from"
        description="Optional. Paste an announcement, a link’s text or a rough thought; drafts keep to what it says."
        minRows={4}
        maxRows={10}
        autosize
        value={note}
        onChange={(e) => setNote(e.currentTarget.value)}
      />
      {generate.isError && <ProblemNote error={generate.error} compact />}
      <div className={classes.foot}>
        <p className="muted small">Every draft is reviewed, then waits for a person.</p>
        <Button type="submit" loading={generate.isPending}>
          Generate
        </Button>
      </div>
    </form>
  );
}

function Progress({
  started,
  onClose,
  onAgain,
}: {
  started: Generation;
  onClose: () => void;
  onAgain: () => void;
}) {
  const query = useGeneration(started.id);
  const navigate = useNavigate();
  const g = query.data ?? started;
  const over = g.state === "done" || g.state === "failed";
  const first = g.post_ids[0];
  const open = () => {
    onClose();
    void navigate(first ? `/approvals/${first}` : "/approvals");
  };
  return (
    <div className="stack" aria-live="polite">
      <div className={classes.progress}>
        {Array.from({ length: g.wanted }, (_, i) => (
          <span
            key={i}
            data-state={i < g.drafts_made ? "done" : !over && i === g.drafts_made ? "now" : "later"}
            aria-hidden
          />
        ))}
      </div>
      <p>
        <b>{headline(g)}</b>
        {!over && g.progress && <span className="muted"> {g.progress}</span>}
      </p>
      {g.state === "failed" && (
        <p className="muted">
          {g.progress || "The agents could not finish."} You can try again; nothing was lost.
        </p>
      )}
      {query.isError && <ProblemNote error={query.error} compact />}
      <div className={classes.foot}>
        <p className="muted small">{over ? "" : "You can close this; the drafts come anyway."}</p>
        <div className="row">
          {g.state === "failed" && <Button onClick={onAgain}>Try again</Button>}
          {!over && (
            <Button variant="default" onClick={onClose}>
              Close
            </Button>
          )}
          {g.drafts_made > 0 && <Button onClick={open}>Go to approvals</Button>}
        </div>
      </div>
    </div>
  );
}

function headline(g: Generation): string {
  switch (g.state) {
    case "queued":
      return "Waiting for a free agent.";
    case "running":
      return `${g.drafts_made} of ${count(g.wanted, "draft")} written.`;
    case "done":
      return g.drafts_made === 0 ? "No draft came out of this." : `${count(g.drafts_made, "draft")} written.`;
    case "failed":
      return "This did not work.";
  }
}
