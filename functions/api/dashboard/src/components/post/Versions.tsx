import { useState } from "react";
import type { Post, Version } from "../../api/model";
import { useVersions } from "../../api/posts";
import { useAccountLooks } from "../../lib/accounts";
import { partsDiff } from "../../lib/diff";
import { Pictures } from "../Pictures";
import { DiffText } from "../DiffText";
import { Panel } from "../Panel";
import { Tag } from "../Tag";
import { When } from "../When";
import classes from "./Versions.module.css";

/** Every version with what it changed; shown only once there is more than one. */
export function Versions({ post }: { post: Post }) {
  const many = post.version.number > 1;
  const query = useVersions(post.id, many);
  const [open, setOpen] = useState<number | null>(null);
  if (!many || !query.data) return null;
  const sorted = [...query.data].sort((a, b) => b.number - a.number);
  return (
    <Panel title="Versions" flush>
      <ul className={classes.list}>
        {sorted.map((v, i) => (
          <li key={v.id}>
            <button
              type="button"
              className={classes.row}
              aria-expanded={open === v.number}
              onClick={() => setOpen(open === v.number ? null : v.number)}
            >
              <span className={classes.number}>Version {v.number}</span>
              <span className="muted clip">{[v.created_by, v.note].filter(Boolean).join(" · ")}</span>
              <span className={classes.end}>
                {v.approved && <Tag tone="accent">Approved</Tag>}
                <Age post={post} version={v} />
              </span>
            </button>
            {open === v.number && <Change version={v} before={sorted[i + 1]} />}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Age({ post, version }: { post: Post; version: Version }) {
  const looks = useAccountLooks();
  return (
    <span className="muted small">
      <When at={version.created_at} zone={looks(post.account.id).zone} />
    </span>
  );
}

function Change({ version, before }: { version: Version; before: Version | undefined }) {
  if (!before) {
    return (
      <div className={classes.change}>
        {version.parts.map((p, i) => (
          <div key={i}>
            <p className="prewrap">{p.text}</p>
            <Pictures images={p.media} />
          </div>
        ))}
      </div>
    );
  }
  return (
    <div className={classes.change}>
      {partsDiff(before.parts, version.parts).map((d) => (
        <p key={d.part}>
          <DiffText changes={d.changes} />
        </p>
      ))}
    </div>
  );
}
