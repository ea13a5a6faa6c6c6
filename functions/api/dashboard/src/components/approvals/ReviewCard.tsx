import { Button } from "@mantine/core";
import { IconArrowsDiff } from "@tabler/icons-react";
import { Link } from "react-router";
import type { Post, Version } from "../../api/model";
import { useVersions } from "../../api/posts";
import { useAccountLooks } from "../../lib/accounts";
import { partsDiff } from "../../lib/diff";
import { AccountName } from "../AccountMark";
import { DiffText } from "../DiffText";
import { Key } from "../Key";
import { Pictures } from "../Pictures";
import { Tag } from "../Tag";
import { When } from "../When";
import { MarkedText } from "./MarkedText";
import classes from "./ReviewCard.module.css";

interface Props {
  post: Post;
  active: number | null;
  onActive: (index: number | null) => void;
  diff: boolean;
  onDiff: () => void;
}

/** The text that is decided on: marked by the reviewer, or against the version before. */
export function ReviewCard({ post, active, onActive, diff, onDiff }: Props) {
  const looks = useAccountLooks();
  const versions = useVersions(post.id, post.version.number > 1);
  const before = versionBefore(versions.data, post.version.number);
  const showDiff = diff && before !== undefined;
  return (
    <>
      <header className={classes.head}>
        <AccountName account={post.account} size={22} />
        <span className="muted small">
          {post.origin === "agent" ? "Written by an agent" : `Written by ${post.version.created_by}`},{" "}
          <When at={post.version.created_at} zone={looks(post.account.id).zone} />
        </span>
        <span className={classes.end}>
          <Tag>Version {post.version.number}</Tag>
          {before && (
            <Button
              size="compact-sm"
              variant={showDiff ? "light" : "default"}
              onClick={onDiff}
              aria-pressed={showDiff}
              leftSection={<IconArrowsDiff size={15} />}
            >
              Changes{" "}
              <span className={classes.key}>
                <Key>D</Key>
              </span>
            </Button>
          )}
        </span>
      </header>
      {showDiff && (
        <p className={classes.against}>
          Against version {before.number} by {before.created_by}
          {before.approved && ", which was approved"}
        </p>
      )}
      {post.lacks.map((sentence) => (
        <p key={sentence} className={classes.lacks} role="status">
          {sentence}{" "}
          <Link to={`/posts/${post.id}/edit`} className="link">
            Add it
          </Link>
        </p>
      ))}
      <ol className={classes.parts} data-thread={post.parts.length > 1 || undefined}>
        {showDiff
          ? partsDiff(before.parts, post.parts).map((d) => (
              <li key={d.part} className={classes.part}>
                <p className={classes.text}>
                  <DiffText changes={d.changes} />
                </p>
                {d.status !== "changed" && <p className={classes.meta}>{partWords[d.status]}</p>}
                <Pictures large images={post.parts[d.part]?.media ?? []} />
                {!sameImages(before.parts[d.part], post.parts[d.part]) && (
                  <p className={classes.meta}>The images or their alt texts have changed</p>
                )}
              </li>
            ))
          : post.parts.map((p, i) => (
              <li key={i} className={classes.part}>
                <MarkedText
                  text={p.text}
                  part={i}
                  findings={post.review?.stale ? [] : (post.review?.findings ?? [])}
                  active={active}
                  onActive={onActive}
                />
                <Pictures large images={p.media} />
                <p className={classes.meta}>
                  {post.parts.length > 1 && `Part ${i + 1} of ${post.parts.length} · `}
                  <span className="num">
                    {p.length} of {p.limit}
                  </span>
                </p>
              </li>
            ))}
      </ol>
    </>
  );
}

interface Shown {
  media: { digest: string; alt: string }[];
}

/** Whether the audience sees the same images with the same alt texts. */
function sameImages(a: Shown | undefined, b: Shown | undefined): boolean {
  const shown = (p: Shown | undefined) => JSON.stringify((p?.media ?? []).map((m) => [m.digest, m.alt]));
  return shown(a) === shown(b);
}

const partWords = { same: "Unchanged", added: "New part", removed: "Part taken out" };

/** The last approved version before this one, else the one right before. */
export function versionBefore(versions: Version[] | undefined, number: number): Version | undefined {
  const earlier = (versions ?? []).filter((v) => v.number < number).sort((a, b) => b.number - a.number);
  return earlier.find((v) => v.approved) ?? earlier[0];
}
