import { Button, Select } from "@mantine/core";
import { IconBulb, IconPencil, IconSparkles } from "@tabler/icons-react";
import { Link, useSearchParams } from "react-router";
import { useAccounts } from "../api/accounts";
import type { Idea } from "../api/model";
import { useMay } from "../api/session";
import { useDismissIdea, useDraftIdea, useIdeas } from "../api/workspace";
import { AccountName } from "../components/AccountMark";
import { Empty, ProblemNote } from "../components/Empty";
import { IdeaCard } from "../components/IdeaCard";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { RowSkeleton } from "../components/PostRow";
import { When } from "../components/When";
import { useAccountLooks } from "../lib/accounts";
import { useOverlays } from "../lib/overlays";
import { say, sayProblem } from "../lib/toast";
import classes from "./ideas.module.css";

const shows: { key: Idea["state"]; label: string }[] = [
  { key: "new", label: "New" },
  { key: "drafted", label: "Drafted" },
  { key: "dismissed", label: "Dismissed" },
];

export default function Ideas() {
  const [search, setSearch] = useSearchParams();
  const { openGenerate } = useOverlays();
  const accounts = useAccounts().data ?? [];
  const state = shows.find((s) => s.key === search.get("show"))?.key ?? "new";
  const account = search.get("account") ?? "";
  const ideas = useIdeas(account ? { state, account_id: account } : { state });
  const list = ideas.data?.pages.flatMap((p) => p.items);
  const set = (key: string, value: string) =>
    setSearch(
      (old) => {
        if (value) old.set(key, value);
        else old.delete(key);
        return old;
      },
      { replace: true },
    );
  return (
    <Page
      title="Ideas"
      width="text"
      note="Found in the sources, ranked against each account’s goals"
      actions={
        <Button variant="default" leftSection={<IconSparkles size={16} />} onClick={() => openGenerate()}>
          Generate drafts
        </Button>
      }
    >
      <div className={classes.filters}>
        <div className={classes.tabs} role="group" aria-label="Show">
          {shows.map((s) => (
            <button
              key={s.key}
              type="button"
              aria-pressed={s.key === state}
              onClick={() => set("show", s.key === "new" ? "" : s.key)}
            >
              {s.label}
            </button>
          ))}
        </div>
        <Select
          aria-label="Account"
          size="xs"
          w={160}
          data={[
            { value: "", label: "All accounts" },
            ...accounts.map((a) => ({ value: a.id, label: `@${a.handle}` })),
          ]}
          value={account}
          onChange={(v) => set("account", v ?? "")}
        />
      </div>
      {ideas.isError && !ideas.data ? (
        <ProblemNote error={ideas.error} onRetry={() => void ideas.refetch()} />
      ) : !list ? (
        <Panel flush>
          <RowSkeleton rows={5} />
        </Panel>
      ) : list.length === 0 ? (
        <Panel>
          <Empty icon={<IconBulb size={20} />} title={state === "new" ? "No new ideas" : "Nothing here"}>
            {state === "new"
              ? "The researcher reads each account’s sources every quarter of an hour. Add a source, or generate drafts from a note."
              : "Ideas that were drafted or dismissed are listed here."}
          </Empty>
        </Panel>
      ) : (
        <div className="stack">
          {list.map((i) => (
            <Row key={i.id} idea={i} />
          ))}
          {ideas.hasNextPage && (
            <Button
              variant="default"
              loading={ideas.isFetchingNextPage}
              onClick={() => void ideas.fetchNextPage()}
            >
              Show more
            </Button>
          )}
        </div>
      )}
    </Page>
  );
}

function Row({ idea }: { idea: Idea }) {
  const looks = useAccountLooks();
  const look = looks(idea.account_id);
  const draft = useDraftIdea();
  const dismiss = useDismissIdea();
  const may = useMay("run_agents");
  const onError = (error: unknown) => sayProblem(error);
  return (
    <article className={classes.idea}>
      <div className={classes.head}>
        <AccountName
          account={{ id: idea.account_id, handle: look.handle, display_name: look.name }}
          size={18}
        />
        <span className="muted small">
          <When at={idea.created_at} zone={look.zone} />
        </span>
      </div>
      <IdeaCard idea={idea} />
      <div className={classes.acts}>
        {idea.post_id && (
          <Button size="xs" variant="default" component={Link} to={`/posts/${idea.post_id}`}>
            Open the post
          </Button>
        )}
        {idea.state === "new" && (
          <>
            <Button
              size="xs"
              leftSection={<IconPencil size={14} />}
              disabled={!may}
              loading={draft.isPending}
              onClick={() =>
                draft.mutate(idea.id, {
                  onSuccess: () =>
                    say("Writing a draft", { body: "It shows up in Approvals once it is reviewed." }),
                  onError,
                })
              }
            >
              Draft it
            </Button>
            <Button
              size="xs"
              variant="subtle"
              color="gray"
              loading={dismiss.isPending}
              onClick={() => dismiss.mutate(idea.id, { onSuccess: () => say("Dismissed"), onError })}
            >
              Dismiss
            </Button>
          </>
        )}
      </div>
    </article>
  );
}
