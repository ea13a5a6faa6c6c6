import { Button } from "@mantine/core";
import { IconChecks, IconChevronLeft, IconChevronRight, IconSparkles } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { useNavigate, useParams } from "react-router";
import { useAccount } from "../api/accounts";
import type { Post } from "../api/model";
import { usePost, useReject, useRequestChanges } from "../api/posts";
import { DecideBar } from "../components/approvals/DecideBar";
import { Findings } from "../components/approvals/Findings";
import { QueueList } from "../components/approvals/QueueList";
import { ReviewCard } from "../components/approvals/ReviewCard";
import { Empty, ProblemNote } from "../components/Empty";
import { IdeaCard } from "../components/IdeaCard";
import { Page } from "../components/Page";
import { RowSkeleton } from "../components/PostRow";
import { now } from "../lib/clock";
import { useOverlays } from "../lib/overlays";
import { say } from "../lib/toast";
import { type ApprovalQueue, useApprovalQueue } from "../lib/useApprovalQueue";
import { useKeys } from "../lib/useKeys";
import { choices, suggested, type When } from "../lib/when";
import { count } from "../lib/words";
import { Dialog } from "../components/Dialog";
import classes from "./approvals.module.css";

const ReasonDialog = lazy(() => import("../components/approvals/ReasonDialog"));
const PickDialog = lazy(() => import("../components/approvals/PickDialog"));

export default function Approvals() {
  const { id } = useParams();
  const navigate = useNavigate();
  const { openGenerate } = useOverlays();
  const queue = useApprovalQueue(id, (to) => {
    void navigate(to ? `/approvals/${to}` : "/approvals", { replace: true });
  });
  const total = queue.posts.length;
  return (
    <Page
      title="Approvals"
      width="wide"
      note={
        queue.pending ? " " : total === 0 ? "Nothing waits" : `${count(total, "draft")} waiting, oldest first`
      }
      actions={total > 1 ? <Stepper queue={queue} /> : undefined}
    >
      {queue.error ? (
        <ProblemNote error={queue.error} onRetry={queue.retry} />
      ) : queue.pending ? (
        <div className={classes.desk}>
          <div className={classes.side} />
          <div className={classes.card} style={{ minHeight: 360 }}>
            <RowSkeleton rows={3} />
          </div>
        </div>
      ) : queue.current || id ? (
        <Desk key={queue.current?.id ?? id} id={queue.current?.id ?? id ?? ""} queue={queue} />
      ) : (
        <div className={classes.card}>
          <Empty
            icon={<IconChecks size={20} />}
            title="Everything is decided"
            action={
              <Button leftSection={<IconSparkles size={16} />} onClick={() => openGenerate()}>
                Generate drafts
              </Button>
            }
          >
            New drafts show up here as soon as the reviewer has passed them.
          </Empty>
        </div>
      )}
    </Page>
  );
}

function Stepper({ queue }: { queue: ApprovalQueue }) {
  return (
    <div className="row">
      <span className="muted small num">
        {queue.index + 1} of {queue.posts.length}
      </span>
      <Button.Group>
        <Button
          variant="default"
          px={8}
          onClick={() => queue.step(-1)}
          disabled={queue.index === 0}
          aria-label="Previous (K)"
        >
          <IconChevronLeft size={17} />
        </Button>
        <Button
          variant="default"
          px={8}
          onClick={() => queue.step(1)}
          disabled={queue.index >= queue.posts.length - 1}
          aria-label="Next (J)"
        >
          <IconChevronRight size={17} />
        </Button>
      </Button.Group>
    </div>
  );
}

function Desk({ id, queue }: { id: string; queue: ApprovalQueue }) {
  const post = usePost(id);
  return (
    <div className={classes.desk}>
      <div className={classes.side}>
        <QueueList posts={queue.posts} current={id} />
      </div>
      {post.isError ? (
        <ProblemNote error={post.error} onRetry={() => void post.refetch()} />
      ) : post.isPending ? (
        <div className={classes.card} style={{ minHeight: 360 }} aria-busy>
          <RowSkeleton rows={3} />
        </div>
      ) : (
        <Decision post={post.data} queue={queue} />
      )}
    </div>
  );
}

type Asking = "changes" | "reject" | "pick" | "anyway" | null;

function Decision({ post, queue }: { post: Post; queue: ApprovalQueue }) {
  const navigate = useNavigate();
  const account = useAccount(post.account.id).data;
  const [active, setActive] = useState<number | null>(null);
  const [diff, setDiff] = useState(false);
  const [asking, setAsking] = useState<Asking>(null);
  const [chosen, setChosen] = useState<When | null>(null);
  const [read, setRead] = useState(post.content_hash);
  const when = chosen ?? suggested(post, account, now());
  const moved = read !== post.content_hash;
  const may = (action: string) => post.actions.includes(action);
  const decided = post.state !== "awaiting_approval";

  const choose = (kind: When["kind"]) => (kind === "pick" ? setAsking("pick") : setChosen({ kind }));
  const cycle = () => {
    const all = choices(post, account, now());
    choose(all[(all.indexOf(when.kind) + 1) % all.length] ?? "slot");
  };
  const send = () => {
    setAsking(null);
    queue.approveNow(post, when, account);
  };
  const approve = () => {
    if (!may("approve") || moved) return;
    if (post.findings_count.block > 0) setAsking("anyway");
    else send();
  };
  const edit = () => void navigate(`/posts/${post.id}/edit`);
  useKeys({
    j: () => queue.step(1),
    k: () => queue.step(-1),
    a: approve,
    r: () => may("request_changes") && setAsking("changes"),
    e: () => may("edit") && edit(),
    d: () => setDiff((d) => !d),
    t: cycle,
  });
  return (
    <>
      <article className={classes.card} aria-label={`Draft for @${post.account.handle}`}>
        {moved && (
          <div className={classes.moved} role="alert">
            <span>The text changed while it was open. This is version {post.version.number}.</span>
            <Button size="compact-sm" variant="default" onClick={() => setRead(post.content_hash)}>
              I have read it
            </Button>
          </div>
        )}
        <ReviewCard
          post={post}
          active={active}
          onActive={setActive}
          diff={diff}
          onDiff={() => setDiff((d) => !d)}
        />
        {post.idea && (
          <div className={classes.idea}>
            <IdeaCard idea={post.idea} />
          </div>
        )}
        {decided ? (
          <Decided post={post} />
        ) : (
          <DecideBar
            post={moved ? { ...post, actions: post.actions.filter((x) => x !== "approve") } : post}
            account={account}
            when={when}
            onWhen={choose}
            onApprove={approve}
            onRequestChanges={() => setAsking("changes")}
            onEdit={edit}
            onReject={() => setAsking("reject")}
          />
        )}
      </article>
      <aside className={classes.findings}>
        <Findings post={post} active={active} onActive={setActive} />
      </aside>
      <Suspense fallback={null}>
        <Dialogs
          post={post}
          asking={asking}
          onClose={() => setAsking(null)}
          onDone={() => queue.moveOn(post.id)}
          onAnyway={send}
        />
        {asking === "pick" && (
          <PickDialog
            account={account}
            initial={when.kind === "pick" ? when.local : (post.due_local ?? null)}
            onClose={() => setAsking(null)}
            onPick={(local) => {
              setChosen({ kind: "pick", local });
              setAsking(null);
            }}
          />
        )}
      </Suspense>
    </>
  );
}

function Decided({ post }: { post: Post }) {
  const navigate = useNavigate();
  return (
    <div className={classes.decided} role="status">
      <span>This one no longer waits for approval.</span>
      <Button size="compact-sm" variant="default" onClick={() => void navigate(`/posts/${post.id}`)}>
        See where it stands
      </Button>
    </div>
  );
}

interface DialogProps {
  post: Post;
  asking: Asking;
  onClose: () => void;
  onDone: () => void;
  onAnyway: () => void;
}

function Dialogs({ post, asking, onClose, onDone, onAnyway }: DialogProps) {
  const changes = useRequestChanges();
  const reject = useReject();
  const done = (words: string) => () => {
    onClose();
    onDone();
    say(words);
  };
  return (
    <>
      {asking === "changes" && (
        <ReasonDialog
          title="Request changes"
          label="What should change?"
          description="The writer gets this sentence and the post goes back to draft."
          button="Request changes"
          pending={changes.isPending}
          error={changes.error}
          onClose={onClose}
          onSubmit={(reason) =>
            changes.mutate({ id: post.id, reason }, { onSuccess: done("Changes requested") })
          }
        />
      )}
      {asking === "reject" && (
        <ReasonDialog
          title="Reject for good"
          label="Why not?"
          description="It will not go out. The agents learn from the reason."
          button="Reject"
          danger
          pending={reject.isPending}
          error={reject.error}
          onClose={onClose}
          onSubmit={(reason) => reject.mutate({ id: post.id, reason }, { onSuccess: done("Rejected") })}
        />
      )}
      {asking === "anyway" && (
        <Dialog onClose={onClose} title="Approve it anyway?">
          <p>
            The reviewer says that {count(post.findings_count.block, "thing")} must be fixed. If you approve,
            it goes out as it stands and your name is on the approval.
          </p>
          <div className="row" style={{ justifyContent: "flex-end", marginTop: 16 }}>
            <Button variant="default" onClick={onClose} data-autofocus>
              Go back
            </Button>
            <Button color="danger" onClick={onAnyway}>
              Approve anyway
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
