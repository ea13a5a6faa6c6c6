import type { Post } from "../../api/model";
import { useAccountLooks } from "../../lib/accounts";
import { Panel } from "../Panel";
import { When } from "../When";
import classes from "./Facts.module.css";

/** Who approved exactly what. The short hash is the same here, in the log and in the demo's output. */
export function ApprovalFacts({ post }: { post: Post }) {
  const looks = useAccountLooks();
  const a = post.approval;
  if (!a) return null;
  const fits = a.content_hash === post.content_hash && !a.revoked_at;
  return (
    <Panel title="Approval">
      <dl className={classes.facts}>
        <div>
          <dt>By</dt>
          <dd>
            {a.by}
            {a.kind === "rule" && " (a rule of this account)"},{" "}
            <When at={a.decided_at} zone={looks(post.account.id).zone} />
          </dd>
        </div>
        <div>
          <dt>Fingerprint</dt>
          <dd>
            <span className={classes.hash}>{a.content_hash.slice(0, 12)}</span>
          </dd>
        </div>
        <div>
          <dt>Covers</dt>
          <dd>
            {fits
              ? post.parts.some((p) => p.media.length > 0)
                ? "Exactly this text and these images with their alt texts. Were any changed, nothing would go out until it is approved again."
                : "Exactly this text. Were it changed, nothing would go out until it is approved again."
              : "An earlier text. What stands here now needs a new approval."}
          </dd>
        </div>
      </dl>
    </Panel>
  );
}
