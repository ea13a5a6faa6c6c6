import type { Attempt, Post } from "../../api/model";
import { useAttempts } from "../../api/posts";
import { useAccountLooks } from "../../lib/accounts";
import { networkName } from "../../lib/networks";
import type { Tone } from "../../lib/words";
import { ProblemNote } from "../Empty";
import { Panel } from "../Panel";
import { Tag } from "../Tag";
import { When } from "../When";
import classes from "./Facts.module.css";

/** What became of an attempt at the network of that name. */
export function attemptWords(
  network: string,
): Record<Attempt["state"], { label: string; tone: Tone; sentence: string }> {
  return {
    sending: { label: "Under way", tone: "blue", sentence: `The request is with ${network}.` },
    accepted: { label: "Accepted", tone: "accent", sentence: `${network} took it and gave it an address.` },
    refused: { label: "Refused", tone: "red", sentence: `${network} said no; the audience saw nothing.` },
    not_sent: {
      label: "Not sent",
      tone: "neutral",
      sentence: "Nothing left Rostrum, so sending again was safe.",
    },
    unknown: { label: "Unclear", tone: "violet", sentence: `${network} did not answer clearly.` },
    absent: {
      label: "Not there",
      tone: "neutral",
      sentence: "Rostrum read the account back and it was not there.",
    },
  };
}

export function Attempts({ post }: { post: Post }) {
  const query = useAttempts(post.id);
  const looks = useAccountLooks();
  const zone = post.due_zone ?? looks(post.account.id).zone;
  const words = attemptWords(networkName(post.account.network));
  if (query.isError) return <ProblemNote error={query.error} compact />;
  if (!query.data || query.data.length === 0) return null;
  return (
    <Panel title="Attempts to send">
      <ol className={classes.list}>
        {query.data.map((a) => (
          <li key={a.id}>
            <div className={classes.line}>
              <span className="row">
                <Tag tone={words[a.state].tone}>{words[a.state].label}</Tag>
                {post.parts.length > 1 && <span>Part {a.part + 1}</span>}
                {a.number > 1 && <span className="muted">try {a.number}</span>}
              </span>
              <span className="muted">
                <When at={a.started_at} zone={zone} />
              </span>
            </div>
            <p className={classes.detail}>{a.detail || words[a.state].sentence}</p>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
