import { Button, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { Link, useSearchParams } from "react-router";
import { useAccounts } from "../api/accounts";
import type { PostState, PostSummary } from "../api/model";
import { usePostList } from "../api/posts";
import { Empty, ProblemNote } from "../components/Empty";
import { Page } from "../components/Page";
import { RecurrenceList } from "../components/repeat/RecurrenceList";
import { Panel } from "../components/Panel";
import { PostRow, RowSkeleton } from "../components/PostRow";
import { When } from "../components/When";
import { useAccountLooks } from "../lib/accounts";
import classes from "./posts.module.css";

const filters: { key: string; label: string; states: PostState[] }[] = [
  { key: "all", label: "All", states: [] },
  { key: "drafts", label: "Drafts", states: ["draft", "in_review", "changes_requested"] },
  { key: "waiting", label: "Needs approval", states: ["awaiting_approval"] },
  { key: "scheduled", label: "Scheduled", states: ["approved", "scheduled", "sending"] },
  { key: "repeating", label: "Repeating", states: [] },
  { key: "published", label: "Published", states: ["published"] },
  { key: "trouble", label: "Trouble", states: ["failed", "unknown", "missed"] },
  { key: "dropped", label: "Dropped", states: ["rejected", "canceled"] },
];

export default function Posts() {
  const [search, setSearch] = useSearchParams();
  const [text] = useDebouncedValue(search.get("q") ?? "", 200);
  const accounts = useAccounts().data ?? [];
  const filter = filters.find((f) => f.key === search.get("show")) ?? filters[0];
  const account = search.get("account") ?? "";
  const recurrence = search.get("recurrence") ?? "";
  const query: { state?: string; account_id?: string; recurrence_id?: string; q?: string } = {};
  if (filter && filter.states.length > 0) query.state = filter.states.join(",");
  if (account) query.account_id = account;
  if (recurrence) query.recurrence_id = recurrence;
  if (text) query.q = text;
  const repeating = filter?.key === "repeating";
  const list = usePostList(query, !repeating);
  const posts = list.data?.pages.flatMap((p) => p.items);
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
      title="Posts"
      actions={
        <Button component={Link} to="/compose" hiddenFrom="sm">
          Compose
        </Button>
      }
    >
      <div className={classes.filters}>
        <div className={classes.tabs} role="group" aria-label="Show">
          {filters.map((f) => (
            <button
              key={f.key}
              type="button"
              aria-pressed={f === filter}
              className={classes.tab}
              onClick={() => set("show", f.key === "all" ? "" : f.key)}
            >
              {f.label}
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
        {!repeating && (
          <TextInput
            aria-label="Search in posts"
            placeholder="Search"
            size="xs"
            w={170}
            leftSection={<IconSearch size={14} />}
            value={search.get("q") ?? ""}
            onChange={(e) => set("q", e.currentTarget.value)}
          />
        )}
      </div>
      {recurrence && !repeating && (
        <p className={classes.narrowed} role="status">
          Posts of one recurrence.{" "}
          <button type="button" className="link" onClick={() => set("recurrence", "")}>
            Show all
          </button>
        </p>
      )}
      {repeating ? (
        <RecurrenceList accountId={account} />
      ) : list.isError && !list.data ? (
        <ProblemNote error={list.error} onRetry={() => void list.refetch()} />
      ) : (
        <Panel flush>
          {!posts && <RowSkeleton rows={8} />}
          {posts?.length === 0 && (
            <Empty title={text ? `No post says “${text}”` : "No posts here"}>
              {text ? "Try fewer words, or look under All." : "Compose one, or let the agents draft some."}
            </Empty>
          )}
          {posts?.map((p) => (
            <PostRow key={p.id} post={p} sub={<Moment post={p} />} />
          ))}
          {list.hasNextPage && (
            <div className={classes.more}>
              <Button
                variant="default"
                size="xs"
                loading={list.isFetchingNextPage}
                onClick={() => void list.fetchNextPage()}
              >
                Show more
              </Button>
            </div>
          )}
        </Panel>
      )}
    </Page>
  );
}

/** The moment that matters for a post: when it went out, is due, or last changed. */
function Moment({ post }: { post: PostSummary }) {
  const looks = useAccountLooks();
  const zone = post.due_zone ?? looks(post.account.id).zone;
  if (post.published_at) {
    return (
      <span>
        Out <When at={post.published_at} zone={zone} as="short" mid />
      </span>
    );
  }
  if (post.due_at && ["scheduled", "sending", "approved"].includes(post.state)) {
    return (
      <span>
        Due <When at={post.due_at} zone={zone} as="short" showZone mid />
      </span>
    );
  }
  if (post.failure) return <span>{post.failure.sentence}</span>;
  return (
    <span>
      Changed <When at={post.updated_at} zone={zone} />
    </span>
  );
}
