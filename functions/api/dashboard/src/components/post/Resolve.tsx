import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Post } from "../../api/model";
import { useAttempts, useResolve } from "../../api/posts";
import { useNetwork } from "../../api/networks";
import { useMay } from "../../api/session";
import { useAccountLooks } from "../../lib/accounts";
import { focusContent } from "../../lib/focus";
import { networkName } from "../../lib/networks";
import { exactTime } from "../../lib/time";
import { say } from "../../lib/toast";
import { ProblemNote } from "../Empty";
import { Panel } from "../Panel";
import { attemptWords } from "./Attempts";
import facts from "./Facts.module.css";
import classes from "./Resolve.module.css";

/** What is known of a post that may be out, and the two answers. Rostrum finds most out by itself; the rest is a person's. */
export function Resolve({ post }: { post: Post }) {
  const attempts = useAttempts(post.id).data;
  const resolve = useResolve();
  const may = useMay("resolve_unknown");
  const [url, setUrl] = useState("");
  const unclear = attempts?.filter((a) => a.state === "unknown").at(-1);
  const looks = useAccountLooks();
  const zone = post.due_zone ?? looks(post.account.id).zone;
  const network = networkName(post.account.network);
  const web = useNetwork(post.account.network)?.web_url;
  const profile = web ? new URL(`/${post.account.handle}`, web).href : null;
  const answer = (
    what: { found: true; remote_url: string } | { found: false; resend: boolean },
    words: string,
  ) =>
    resolve.mutate(
      { id: post.id, answer: what },
      {
        onSuccess: () => {
          say(words);
          // The panel goes, with the button that had the keyboard.
          focusContent();
        },
      },
    );
  return (
    <Panel
      title={post.needs_person ? "Is it out? Please look" : "Is it out? Rostrum is looking"}
      tone="violet"
    >
      <p>
        {post.needs_person
          ? "Rostrum cannot tell and does not send it again by itself, because it could then be there twice."
          : "Rostrum reads the account back and mostly knows within a few minutes. You need not wait: look yourself and say what you found."}{" "}
        What is known:
      </p>
      <dl className={`${facts.facts} ${classes.evidence}`}>
        {unclear && (
          <div>
            <dt>{post.parts.length > 1 ? `Part ${unclear.part + 1} sent` : "Sent"}</dt>
            <dd className="num">{exactTime(unclear.started_at, zone)}</dd>
          </div>
        )}
        <div>
          <dt>{network} answered</dt>
          <dd>{unclear?.detail || attemptWords(network).unknown.sentence}</dd>
        </div>
        {post.failure && post.failure.sentence !== unclear?.detail && (
          <div>
            <dt>Read back</dt>
            <dd>{post.failure.sentence}</dd>
          </div>
        )}
        {unclear && (
          <div>
            <dt>Its text</dt>
            <dd className={classes.text}>{post.parts[unclear.part]?.text}</dd>
          </div>
        )}
      </dl>
      <ol className={classes.steps}>
        <li>
          {profile ? (
            <a href={profile} target="_blank" rel="noreferrer" className="link">
              Open @{post.account.handle} on {network}
              <span className="sr"> (opens a new tab)</span>
            </a>
          ) : (
            `Open @${post.account.handle} on ${network}`
          )}{" "}
          and look for that text.
        </li>
        <li>Say what you found.</li>
      </ol>
      {resolve.isError && <ProblemNote error={resolve.error} compact />}
      <div className={classes.answers}>
        <form
          className={classes.found}
          onSubmit={(e) => {
            e.preventDefault();
            answer({ found: true, remote_url: url.trim() }, "Noted as published");
          }}
        >
          <TextInput
            label="It is there"
            placeholder="Paste the link to the post"
            type="url"
            required
            withAsterisk={false}
            value={url}
            onChange={(e) => setUrl(e.currentTarget.value)}
          />
          <Button
            type="submit"
            variant="default"
            disabled={!may || url.trim() === ""}
            loading={resolve.isPending}
          >
            It is there
          </Button>
        </form>
        <div className={classes.absent}>
          <span className={classes.label}>It is not there</span>
          <div className="row wrap">
            <Button
              disabled={!may}
              onClick={() => answer({ found: false, resend: true }, "Noted; it is scheduled again")}
            >
              Send it again
            </Button>
            <Button
              variant="default"
              disabled={!may}
              onClick={() => answer({ found: false, resend: false }, "Noted; it is not sent again")}
            >
              Leave it
            </Button>
          </div>
        </div>
      </div>
      {!may && (
        <p className="muted small">Your role does not allow answering this; ask an owner or a manager.</p>
      )}
    </Panel>
  );
}
