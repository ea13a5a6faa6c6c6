import { Button, Select } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { useBeforeUnload, useBlocker, useNavigate } from "react-router";
import { useAccount, useAccounts } from "../../api/accounts";
import type { Account, Post } from "../../api/model";
import { useCreateRecurrence } from "../../api/recurrences";
import { act, postQuery, settle, useCreatePost, useEditPost } from "../../api/posts";
import { asProblem } from "../../api/problem";
import { useQueryClient } from "@tanstack/react-query";
import { dateWords, localTime, zonePlace } from "../../lib/time";
import { say, sayProblem } from "../../lib/toast";
import { type Repeat, ruleOf } from "../../lib/repeat";
import { type Composer, loaded, useComposer } from "../../lib/useComposer";
import { useKeys } from "../../lib/useKeys";
import { useUploads } from "../../lib/useUploads";
import { useNetwork } from "../../api/networks";
import {
  imageProblem,
  lack,
  maxLength,
  networkName,
  partProblems,
  useNetworkCounter,
} from "../../lib/networks";
import { Empty, ProblemNote } from "../Empty";
import { Key } from "../Key";
import { Page } from "../Page";
import { PostPreview } from "../PostPreview";
import { Conflict } from "./Conflict";
import classes from "./Editor.module.css";
import { LeaveDialog } from "./LeaveDialog";
import { RepeatFields } from "../repeat/RepeatFields";
import { RuleDates } from "../repeat/RuleDates";
import { ThreadEditor } from "./ThreadEditor";

const PickDialog = lazy(() => import("../approvals/PickDialog"));

interface Props {
  post?: Post;
  accountId: string | null;
  due: string | null;
}

export function Editor({ post, accountId, due }: Props) {
  const accounts = useAccounts();
  const composer = useComposer(post, accountId, due);
  const chosen = composer.accountId ?? accounts.data?.[0]?.id ?? null;
  const account = useAccount(chosen ?? "").data;
  const network = useNetwork(account?.network);
  const counter = useNetworkCounter(account?.network);
  const uploads = useUploads(network, (key, image) =>
    composer.dispatch({ type: "images", key, change: (images) => [...images, image] }),
  );
  const [repeat, setRepeat] = useState<Repeat | null>(null);
  const textOnly = (network?.limits.min_images ?? 0) === 0;
  const repeats = post === undefined && composer.due !== null && textOnly ? repeat : null;
  const save = useSave(post, composer, chosen, repeats);
  const blocker = useBlocker(() => composer.dirty && !composer.isDone());
  useBeforeUnload((event) => {
    if (composer.dirty && !composer.isDone()) event.preventDefault();
  });
  const tooLong = counter !== undefined && composer.texts.some((t) => counter(t) > maxLength(network));
  const problems = partProblems(composer.state.parts, network);
  const refused =
    problems.length > 0 || composer.state.parts.some((p) => p.images.some((m) => imageProblem(m, network)));
  const lacks = lack(composer.state.parts, network);
  const blank = composer.texts.some((t) => t.trim() === "");
  const pictured = repeats !== null && composer.state.parts.some((p) => p.images.length > 0);
  const ready =
    chosen !== null && !blank && !tooLong && !refused && !save.pending && !uploads.busy && !pictured;
  const submits = ready && (post === undefined || composer.dirty || post.actions.includes("submit"));
  const submit = () => submits && save.run(true);
  const keepDraft = () => ready && !repeats && save.run(false);
  useKeys({ "mod+s": keepDraft, "mod+Enter": submit });

  if (accounts.data?.length === 0) {
    return (
      <Page title="Compose">
        <Empty title="No account is connected">Connect an account first; a post always belongs to one.</Empty>
      </Page>
    );
  }
  const parts = composer.state.parts.map((p) => ({ text: p.text, media: p.images }));
  return (
    <Page title={post ? "Edit post" : "Compose"} width="wide" note={post ? revokeNote(post) : undefined}>
      <div className={classes.columns}>
        <div className="stack">
          <Restored composer={composer} />
          <AccountChoice
            accounts={accounts.data}
            post={post}
            value={chosen}
            onChange={composer.setAccountId}
          />
          <ThreadEditor
            thread={composer.state}
            dispatch={composer.dispatch}
            counter={counter}
            onFocusPart={() => undefined}
            uploads={uploads}
            network={network}
          />
          {problems.map((sentence) => (
            <p key={sentence} className={classes.refused} role="alert">
              {sentence}
            </p>
          ))}
          {lacks && (
            <p className={classes.lacks} role="status">
              {lacks}
            </p>
          )}
          {save.conflict && post ? (
            <Conflict
              mine={composer.texts}
              theirs={save.conflict}
              onTakeTheirs={save.takeTheirs}
              onKeepMine={save.keepMine}
            />
          ) : (
            save.error !== null && <ProblemNote error={save.error} compact />
          )}
          {!post && <Planned composer={composer} account={account} />}
          {!post && composer.due !== null && textOnly && (
            <RepeatFields optional value={repeat} date={composer.due.slice(0, 10)} onChange={setRepeat} />
          )}
          {pictured && (
            <p className="small" role="alert">
              A post that repeats cannot show images. Remove them, or send it once.
            </p>
          )}
          {repeats && chosen && composer.due && (
            <RuleDates
              asked={{
                account_id: chosen,
                parts: blank ? [] : composer.texts.map((text) => ({ text })),
                rule: ruleOf(repeats, composer.due.slice(0, 10)),
                start_local: `${composer.due.slice(0, 16)}:00`,
              }}
            />
          )}
          <div className={classes.acts}>
            <span className="muted small" role="status">
              {uploads.busy
                ? "Images are being uploaded"
                : composer.dirty
                  ? "Kept in this browser as you type"
                  : post
                    ? "No changes yet"
                    : ""}
            </span>
            {!repeats && (
              <Button
                variant="default"
                onClick={keepDraft}
                disabled={!ready || (post !== undefined && !composer.dirty)}
                loading={save.pending === "draft"}
              >
                {post ? "Save version" : "Save draft"}
              </Button>
            )}
            <Button onClick={submit} disabled={!submits} loading={save.pending === "submit"}>
              {repeats ? "Repeat" : "Send to review"}{" "}
              <span className={classes.keys}>
                <Key on="fill">Ctrl</Key> <Key on="fill">↵</Key>
              </span>
            </Button>
          </div>
        </div>
        <aside className={classes.preview} aria-label="Preview">
          <h2>On {networkName(account?.network ?? "x")}</h2>
          {account ? (
            <PostPreview account={account} parts={parts} />
          ) : (
            <div className={classes.ghost} aria-hidden />
          )}
          {parts.length > 1 && (
            <p className="muted small">
              A thread of {parts.length}: each part replies to the one before. If{" "}
              {networkName(account?.network ?? "x")} stops in between, the rest is sent from where it stopped.
            </p>
          )}
        </aside>
      </div>
      {blocker.state === "blocked" && (
        <LeaveDialog onStay={() => blocker.reset()} onLeave={() => blocker.proceed()} />
      )}
    </Page>
  );
}

function revokeNote(post: Post): string | undefined {
  if (post.state === "scheduled" || post.state === "approved") {
    return "It is approved. Saving a change takes the approval back; it goes out only after it is approved again.";
  }
  return `Version ${post.version.number} by ${post.version.created_by}`;
}

function Restored({ composer }: { composer: Composer }) {
  if (composer.restoredAt === null) return null;
  const at = localTime(composer.restoredAt, Intl.DateTimeFormat().resolvedOptions().timeZone);
  return (
    <div className={classes.restored} role="status">
      <span>
        This is what you wrote on {dateWords(at.date)} at {at.time} and had not saved.
      </span>
      <span className="row">
        <button type="button" className="link" onClick={composer.hideRestored}>
          Keep it
        </button>
        <button type="button" className="link" onClick={composer.discard}>
          Discard
        </button>
      </span>
    </div>
  );
}

interface ChoiceProps {
  accounts: Account[] | undefined;
  post: Post | undefined;
  value: string | null;
  onChange: (id: string | null) => void;
}

function AccountChoice({ accounts, post, value, onChange }: ChoiceProps) {
  const data = (accounts ?? []).map((a) => ({
    value: a.id,
    label: `@${a.handle} on ${networkName(a.network)}${a.paused ? " (paused)" : ""}`,
  }));
  return (
    <Select
      label="Account"
      className={classes.account}
      data={data}
      value={value}
      onChange={onChange}
      disabled={post !== undefined}
    />
  );
}

function Planned({ composer, account }: { composer: Composer; account: Account | undefined }) {
  const [open, setOpen] = useState(false);
  const { due } = composer;
  const [date = "", time = ""] = (due ?? "").split("T");
  return (
    <div className={classes.planned}>
      <span className="muted">Goes out</span>
      <button type="button" className="link num" onClick={() => setOpen(true)}>
        {due && account
          ? `${dateWords(date)} ${time.slice(0, 5)}, ${zonePlace(account.time_zone)} time`
          : "at the time chosen on approval"}
      </button>
      {due && (
        <button type="button" className="link" onClick={() => composer.setDue(null)}>
          Clear
        </button>
      )}
      <Suspense fallback={null}>
        {open && (
          <PickDialog
            account={account}
            initial={due}
            onClose={() => setOpen(false)}
            onPick={(local) => {
              composer.setDue(local);
              setOpen(false);
            }}
          />
        )}
      </Suspense>
    </div>
  );
}

/** Saves, and when wanted hands the post to the reviewer in the same go. */
function useSave(
  post: Post | undefined,
  composer: Composer,
  accountId: string | null,
  repeats: Repeat | null,
) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const create = useCreatePost();
  const edit = useEditPost();
  const createRecurrence = useCreateRecurrence();
  const [pending, setPending] = useState<"draft" | "submit" | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [conflict, setConflict] = useState<Post | null>(null);
  const parts = composer.body;

  const store = async (submit: boolean, etag: string | undefined): Promise<Post> => {
    if (!post) {
      const body = { key: composer.key, account_id: accountId ?? "", parts, submit };
      return create.mutateAsync(
        composer.due ? { ...body, due_local: `${composer.due.slice(0, 16)}:00` } : body,
      );
    }
    const changed = composer.dirty
      ? await edit.mutateAsync({ id: post.id, etag: etag ?? post.etag, parts })
      : post;
    if (!submit || !changed.actions.includes("submit")) return changed;
    composer.finish();
    const sent = await act(post.id, "submit");
    settle(client, sent);
    return sent;
  };
  const run = async (submit: boolean, etag?: string) => {
    setPending(submit ? "submit" : "draft");
    setError(null);
    try {
      if (repeats && composer.due) {
        await createRecurrence.mutateAsync({
          key: composer.key,
          account_id: accountId ?? "",
          parts: composer.texts.map((text) => ({ text })),
          rule: ruleOf(repeats, composer.due.slice(0, 10)),
          start_local: `${composer.due.slice(0, 16)}:00`,
        });
        composer.finish();
        say("It repeats", { body: "The posts of the next two weeks are with the reviewer." });
        void navigate("/posts?show=repeating");
        return;
      }
      const stored = await store(submit, etag);
      composer.finish();
      say(
        submit ? "Sent to review" : "Saved",
        submit ? { body: "It asks for approval as soon as the reviewer has passed it." } : {},
      );
      void navigate(`/posts/${stored.id}`);
    } catch (e) {
      if (post && asProblem(e).status === 412)
        setConflict(await client.query({ ...postQuery(post.id), staleTime: 0 }));
      else if (composer.isDone()) sayProblem(e, "Saved, but not sent to review");
      else setError(e);
    } finally {
      setPending(null);
    }
  };
  return {
    pending,
    error,
    conflict,
    run: (submit: boolean) => void run(submit),
    takeTheirs: () => {
      if (conflict) composer.dispatch({ type: "load", texts: loaded(conflict) });
      setConflict(null);
    },
    keepMine: () => {
      const etag = conflict?.etag;
      setConflict(null);
      void run(false, etag);
    },
  };
}
