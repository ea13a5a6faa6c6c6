import { ActionIcon, Button, Textarea, TextInput } from "@mantine/core";
import { IconNote, IconRss, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useAddSource, useRemoveSource, useSources } from "../../api/accounts";
import type { Account, Source } from "../../api/model";
import { say, sayProblem } from "../../lib/toast";
import { count } from "../../lib/words";
import { Empty, ProblemNote } from "../Empty";
import { AccountAgents } from "../system/Switches";
import { Panel } from "../Panel";
import { RowSkeleton } from "../PostRow";
import { When } from "../When";
import classes from "./SourcesTab.module.css";

/** What the agents read for this account, and whether they work for it. */
export function SourcesTab({ account }: { account: Account }) {
  const sources = useSources(account.id);
  return (
    <div className="stack" style={{ gap: 16 }}>
      <Panel title="Sources" flush>
        {sources.isPending && <RowSkeleton rows={2} />}
        {sources.isError && <ProblemNote error={sources.error} onRetry={() => void sources.refetch()} />}
        {sources.data?.length === 0 && (
          <Empty compact icon={<IconRss size={19} />} title="No sources yet">
            Add a feed the audience cares about, or a note. Every draft cites where it comes from.
          </Empty>
        )}
        {sources.data?.map((s) => (
          <Row key={s.id} source={s} account={account} />
        ))}
      </Panel>
      <Panel title="Add a source">
        <AddSource accountId={account.id} />
      </Panel>
      <AccountAgents account={account} />
    </div>
  );
}

function Row({ source: s, account }: { source: Source; account: Account }) {
  const remove = useRemoveSource(account.id);
  const drop = () =>
    remove.mutate(s.id, {
      onSuccess: () => say(`“${s.title || s.url}” is no longer read`),
      onError: (error) => sayProblem(error),
    });
  return (
    <div className={classes.row}>
      <span className={classes.icon} aria-hidden>
        {s.kind === "feed" ? <IconRss size={17} /> : <IconNote size={17} />}
      </span>
      <div className={classes.main}>
        <p className={classes.title}>{s.title || s.url || "Note"}</p>
        <p className="muted small clip">{s.kind === "feed" ? s.url : s.note}</p>
        {s.last_problem && (
          <p className={classes.problem}>{s.last_problem} It is tried again at the next round.</p>
        )}
      </div>
      <span className={classes.meta}>
        {s.kind === "feed" &&
          (s.last_fetched_at ? (
            <>
              {count(s.item_count, "item")}, read <When at={s.last_fetched_at} zone={account.time_zone} />
            </>
          ) : (
            "Not read yet"
          ))}
      </span>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={`Remove ${s.title || s.url}`}
        onClick={drop}
        loading={remove.isPending}
      >
        <IconTrash size={16} />
      </ActionIcon>
    </div>
  );
}

function AddSource({ accountId }: { accountId: string }) {
  const add = useAddSource(accountId);
  const [kind, setKind] = useState<"feed" | "note">("feed");
  const [url, setUrl] = useState("");
  const [title, setTitle] = useState("");
  const [note, setNote] = useState("");
  const ready = kind === "feed" ? url.trim() !== "" : note.trim() !== "" && title.trim() !== "";
  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault();
    const body =
      kind === "feed" ? { kind, url: url.trim() } : { kind, title: title.trim(), note: note.trim() };
    add.mutate(body, {
      onSuccess: () => {
        setUrl("");
        setTitle("");
        setNote("");
        say("Source added", { body: "The agents read it before the next drafts." });
      },
    });
  };
  return (
    <form onSubmit={submit} className="stack">
      <div className={classes.kinds} role="group" aria-label="Kind of source">
        <button type="button" aria-pressed={kind === "feed"} onClick={() => setKind("feed")}>
          Feed
        </button>
        <button type="button" aria-pressed={kind === "note"} onClick={() => setKind("note")}>
          Note
        </button>
      </div>
      {kind === "feed" ? (
        <TextInput
          label="Address of an RSS or Atom feed"
          placeholder="https://"
          type="url"
          value={url}
          onChange={(e) => setUrl(e.currentTarget.value)}
        />
      ) : (
        <>
          <TextInput label="Title" value={title} onChange={(e) => setTitle(e.currentTarget.value)} />
          <Textarea
            label="Note"
            autosize
            minRows={3}
            value={note}
            onChange={(e) => setNote(e.currentTarget.value)}
          />
        </>
      )}
      {add.isError && <ProblemNote error={add.error} compact />}
      <div>
        <Button type="submit" variant="default" disabled={!ready} loading={add.isPending}>
          Add source
        </Button>
      </div>
    </form>
  );
}
