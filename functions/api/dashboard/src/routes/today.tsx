import { Button } from "@mantine/core";
import { IconCheck, IconSparkles } from "@tabler/icons-react";
import { Link } from "react-router";
import type { PostSummary, PublishedSummary, Today as TodayData } from "../api/model";
import { useMe } from "../api/session";
import { useToday } from "../api/workspace";
import { Countdown } from "../components/Countdown";
import { Empty, ProblemNote } from "../components/Empty";
import { FirstMinute } from "../components/FirstMinute";
import { GenerationStrip } from "../components/GenerationStrip";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { PostRow, RowSkeleton } from "../components/PostRow";
import { StateTag } from "../components/Tag";
import { When } from "../components/When";
import { browserZone, useAccountLooks } from "../lib/accounts";
import { useNow } from "../lib/clock";
import { useOverlays } from "../lib/overlays";
import { dateWords, localTime, span, weekdayName } from "../lib/time";
import { count, shortNumber } from "../lib/words";
import classes from "./today.module.css";

export default function Today() {
  const today = useToday();
  const me = useMe().data;
  const { openGenerate } = useOverlays();
  const zone = browserZone();
  const local = localTime(useNow(60_000), zone);
  return (
    <Page
      title="Today"
      note={`${weekdayName(local.weekday)} ${dateWords(local.date)}`}
      actions={
        <Button variant="default" leftSection={<IconSparkles size={16} />} onClick={() => openGenerate()}>
          Generate drafts
        </Button>
      }
    >
      {today.isError && !today.data ? (
        <ProblemNote error={today.error} onRetry={() => void today.refetch()} />
      ) : (
        <>
          {me?.demo && <FirstMinute today={today.data} />}
          {today.data?.drafts_in_progress.map((g) => (
            <GenerationStrip key={g.id} generation={g} />
          ))}
          <div className={classes.columns}>
            <div className="stack">
              <div>
                <NeedsYou today={today.data} />
              </div>
              <Failed posts={today.data?.failed} />
              {today.data && (
                <div data-late>
                  <Published posts={today.data.published} />
                </div>
              )}
            </div>
            <div className="stack">
              <div>
                <NextOut posts={today.data?.next_out} />
              </div>
              {today.data && (
                <div data-late>
                  <Lateness lateness={today.data.lateness} />
                </div>
              )}
            </div>
          </div>
        </>
      )}
    </Page>
  );
}

function NeedsYou({ today }: { today: TodayData | undefined }) {
  const { openGenerate } = useOverlays();
  if (!today) {
    return (
      <Panel title="Needs you" flush>
        <RowSkeleton rows={4} />
      </Panel>
    );
  }
  const n = today.needs_me;
  const total = n.awaiting_approval.count + n.unknown.count + n.held.count + n.changes_requested.count;
  return (
    <Panel title="Needs you" flush aside={total > 0 ? <span className="num">{total}</span> : null}>
      {total === 0 && (
        <Empty
          compact
          icon={<IconCheck size={20} />}
          title="You are all caught up"
          action={
            <Button size="xs" variant="default" onClick={() => openGenerate()}>
              Generate drafts
            </Button>
          }
        >
          Nothing waits for your approval and nothing is stuck.
        </Empty>
      )}
      {n.unknown.items.map((p) => (
        <PostRow
          key={p.id}
          post={p}
          sub={
            <span className={classes.violet}>
              {p.needs_person ? "Check whether it went out" : "Rostrum is finding out whether it went out"}
            </span>
          }
        />
      ))}
      {n.held.items.map((p) => (
        <PostRow
          key={p.id}
          post={p}
          sub={<span className={classes.amber}>{p.hold?.sentence ?? "It is held back"}</span>}
        />
      ))}
      {n.awaiting_approval.items.map((p) => (
        <PostRow key={p.id} post={p} to={`/approvals/${p.id}`} sub={<Findings post={p} />} />
      ))}
      {n.changes_requested.items.map((p) => (
        <PostRow key={p.id} post={p} to={`/posts/${p.id}/edit`} />
      ))}
      {n.awaiting_approval.count > n.awaiting_approval.items.length && (
        <Link to="/approvals" className={classes.more}>
          All {n.awaiting_approval.count} waiting for approval
        </Link>
      )}
    </Panel>
  );
}

function Findings({ post }: { post: PostSummary }) {
  const { block, warn, note } = post.findings_count;
  if (block > 0) return <span className={classes.red}>{count(block, "thing")} must be fixed</span>;
  if (warn > 0) return <span className={classes.amber}>{count(warn, "thing")} to look at</span>;
  if (note > 0) return <span>{count(note, "note")} from review</span>;
  return <span>Review found nothing</span>;
}

function Failed({ posts }: { posts: PostSummary[] | undefined }) {
  if (!posts || posts.length === 0) return null;
  return (
    <Panel title="Did not go out" flush tone="red">
      {posts.map((p) => (
        <PostRow key={p.id} post={p} sub={<span className={classes.red}>{p.failure?.sentence}</span>} />
      ))}
    </Panel>
  );
}

function NextOut({ posts }: { posts: PostSummary[] | undefined }) {
  if (!posts) {
    return (
      <Panel title="Next out" flush>
        <RowSkeleton rows={5} />
      </Panel>
    );
  }
  // What is kept back does not go out at its second, so it is not what is next.
  const first = posts.find((p) => !p.hold);
  const rest = posts.filter((p) => p !== first);
  return (
    <Panel title="Next out" flush aside={<Link to="/calendar">Calendar</Link>}>
      {posts.length === 0 && (
        <Empty compact title="Nothing is scheduled">
          Approve a draft and it takes the account’s next free slot.
        </Empty>
      )}
      {first && <FirstOut post={first} />}
      {rest.map((p) => (
        <PostRow key={p.id} post={p} end={<DueEnd post={p} />} />
      ))}
    </Panel>
  );
}

function FirstOut({ post }: { post: PostSummary }) {
  const looks = useAccountLooks();
  const zone = post.due_zone ?? looks(post.account.id).zone;
  return (
    <Link to={`/posts/${post.id}`} className={classes.first}>
      <span className={classes.clock}>
        {post.due_at && <Countdown to={post.due_at} sending={post.state === "sending"} />}
        <span className="muted small">
          @{post.account.handle}
          {post.due_at && (
            <>
              {" · "}
              <When at={post.due_at} zone={zone} as="short" showZone />
            </>
          )}
        </span>
      </span>
      <span className={classes.firstText}>{post.text}</span>
    </Link>
  );
}

function DueEnd({ post }: { post: PostSummary }) {
  const looks = useAccountLooks();
  if (!post.due_at || post.hold) return <StateTag post={post} />;
  return <When at={post.due_at} zone={post.due_zone ?? looks(post.account.id).zone} as="short" />;
}

// What comes below is drawn once it is known, so that nothing on the page moves.
function Published({ posts }: { posts: PublishedSummary[] }) {
  const looks = useAccountLooks();
  return (
    <Panel title="Published" flush>
      {posts.length === 0 && (
        <Empty compact title="Nothing published yet">
          The first post and its first numbers will show here.
        </Empty>
      )}
      {posts.map((p) => (
        <PostRow
          key={p.id}
          post={p}
          sub={
            <>
              {p.published_at && <When at={p.published_at} zone={p.due_zone ?? looks(p.account.id).zone} />}
              {p.lateness_ms !== null && <span className="num">{span(p.lateness_ms)} after its second</span>}
            </>
          }
          end={<FirstNumbers metrics={p.metrics} />}
        />
      ))}
    </Panel>
  );
}

function FirstNumbers({ metrics }: { metrics: PublishedSummary["metrics"] }) {
  if (!metrics || (metrics.impressions === null && metrics.likes === null)) {
    return <span className="small">Numbers follow</span>;
  }
  return (
    <span className={classes.numbers}>
      {metrics.impressions !== null && (
        <span>
          <b className="num">{shortNumber(metrics.impressions)}</b> views
        </span>
      )}
      {metrics.likes !== null && (
        <span>
          <b className="num">{shortNumber(metrics.likes)}</b> {metrics.likes === 1 ? "like" : "likes"}
        </span>
      )}
    </span>
  );
}

function Lateness({ lateness }: { lateness: TodayData["lateness"] }) {
  return (
    <Panel title="On its second" aside="Last 7 days">
      {!lateness ? (
        <p className={classes.latenessEmpty}>
          How late posts go out will show here after the first one, in milliseconds.
        </p>
      ) : (
        <>
          <dl className={classes.lateness}>
            <Figure label="Half within" ms={lateness.p50_ms} />
            <Figure label="95 of 100" ms={lateness.p95_ms} />
            <Figure label="99 of 100" ms={lateness.p99_ms} />
          </dl>
          <p className="muted small">
            Time between the planned second and the send, over {count(lateness.count, "post")}.
          </p>
        </>
      )}
    </Panel>
  );
}

function Figure({ label, ms }: { label: string; ms: number }) {
  const tone = ms > 2_000 ? "amber" : undefined;
  return (
    <div data-tone={tone}>
      <dt>{label}</dt>
      <dd className="num">{span(ms)}</dd>
    </div>
  );
}
