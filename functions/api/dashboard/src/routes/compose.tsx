import { useParams, useSearchParams } from "react-router";
import { usePost } from "../api/posts";
import { Editor } from "../components/compose/Editor";
import { ProblemNote } from "../components/Empty";
import { Page } from "../components/Page";
import { RowSkeleton } from "../components/PostRow";

/** A new post, or the next version of one. */
export default function Compose() {
  const { id } = useParams();
  const [search] = useSearchParams();
  const post = usePost(id);
  if (!id) return <Editor key="new" accountId={search.get("account")} due={search.get("at")} />;
  if (post.isError) {
    return (
      <Page title="Edit post">
        <ProblemNote error={post.error} onRetry={() => void post.refetch()} />
      </Page>
    );
  }
  if (!post.data) {
    return (
      <Page title="Edit post" width="wide">
        <RowSkeleton rows={3} />
      </Page>
    );
  }
  return <Editor key={id} post={post.data} accountId={null} due={null} />;
}
