import { useMediaQuery } from "@mantine/hooks";
import { useParams } from "react-router";
import type { Post } from "../api/model";
import { usePost } from "../api/posts";
import { ProblemNote } from "../components/Empty";
import { IdeaCard } from "../components/IdeaCard";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { Actions } from "../components/post/Actions";
import { ApprovalFacts } from "../components/post/ApprovalFacts";
import { Attempts } from "../components/post/Attempts";
import { HistoryList } from "../components/post/HistoryList";
import { Metrics } from "../components/post/Metrics";
import { Resolve } from "../components/post/Resolve";
import { Runs } from "../components/post/Runs";
import { Standing } from "../components/post/Standing";
import { Versions } from "../components/post/Versions";
import { PostPreview } from "../components/PostPreview";
import { RowSkeleton } from "../components/PostRow";
import { StateTag } from "../components/Tag";
import { useAccountLooks } from "../lib/accounts";
import { useNow } from "../lib/clock";
import { shortTime } from "../lib/time";
import classes from "./post.module.css";

export default function PostPage() {
  const { id = "" } = useParams();
  const post = usePost(id);
  if (post.isError && !post.data) {
    return (
      <Page title="Post">
        <ProblemNote error={post.error} onRetry={() => void post.refetch()} />
      </Page>
    );
  }
  if (!post.data) {
    return (
      <Page title="Post" note=" ">
        <Panel>
          <RowSkeleton rows={4} />
        </Panel>
      </Page>
    );
  }
  return <Loaded post={post.data} />;
}

function Loaded({ post }: { post: Post }) {
  const looks = useAccountLooks();
  const now = useNow(60_000);
  const zone = post.due_zone ?? looks(post.account.id).zone;
  const out = post.published_at;
  // On one column why it is not out comes before its text, not below all of it.
  const narrow = useMediaQuery("(max-width: 64em)");
  return (
    <Page
      title={`Post of @${post.account.handle}`}
      note={
        <span className="row wrap">
          <StateTag post={post} />
          <span>Version {post.version.number}</span>
        </span>
      }
      actions={<Actions post={post} />}
    >
      <div className={classes.columns}>
        <div className={classes.main}>
          {post.state === "unknown" && <Resolve post={post} />}
          {narrow && <Standing post={post} />}
          <PostPreview
            account={post.account}
            parts={post.parts}
            when={
              out
                ? shortTime(out, zone, now)
                : post.due_at
                  ? shortTime(post.due_at, zone, now)
                  : "not out yet"
            }
          />
          {post.state === "published" && <Metrics post={post} />}
          <Versions post={post} />
          {post.idea && (
            <Panel title="The idea behind it">
              <IdeaCard idea={post.idea} />
            </Panel>
          )}
        </div>
        <div className={classes.side}>
          {!narrow && <Standing post={post} />}
          <ApprovalFacts post={post} />
          <Attempts post={post} />
          <HistoryList postId={post.id} zone={zone} />
          {post.origin === "agent" && <Runs postId={post.id} />}
        </div>
      </div>
    </Page>
  );
}
