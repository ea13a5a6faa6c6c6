import { IconBookmark, IconHeart, IconMessageCircle, IconRepeat } from "@tabler/icons-react";
import type { PartImage } from "../api/media";
import { useAccountLooks } from "../lib/accounts";
import { Pictures } from "./Pictures";
import classes from "./PostPreview.module.css";

interface Props {
  account: { id: string; handle: string; display_name: string };
  parts: { text: string; media?: PartImage[] }[];
  /** Shown beside the handle: a time or "now". */
  when?: React.ReactNode;
}

// What X turns into links: addresses, mentions, hashtags, cashtags.
const entity =
  /(https?:\/\/[^\s]+|(?<![\w@])@\w{1,15}|(?<![\w#])#[\p{L}\p{N}_]+|(?<![\w$])\$[A-Za-z]{1,6}\b)/u;

/** A post as it will look on X. */
export function PostPreview({ account, parts, when }: Props) {
  const look = useAccountLooks()(account.id);
  return (
    <div className={classes.preview}>
      {parts.map((p, i) => (
        <div key={i} className={classes.post}>
          <div className={classes.rail}>
            <span className={classes.face} style={{ "--hue": look.hue }} aria-hidden>
              {(account.display_name || account.handle).charAt(0).toUpperCase()}
            </span>
            {i < parts.length - 1 && <span className={classes.line} />}
          </div>
          <div className={classes.body}>
            <p className={classes.names}>
              <b className="clip">{account.display_name || account.handle}</b>
              <span className="clip">
                @{account.handle} · {when ?? "now"}
              </span>
            </p>
            <p className={classes.text}>
              {p.text === "" ? (
                <span className={classes.blank}>Your words will show here.</span>
              ) : (
                <Linked text={p.text} />
              )}
            </p>
            <Pictures images={p.media ?? []} />
            <div className={classes.acts} aria-hidden>
              <IconMessageCircle size={16} />
              <IconRepeat size={16} />
              <IconHeart size={16} />
              <IconBookmark size={16} />
            </div>
          </div>
        </div>
      ))}
    </div>
  );
}

function Linked({ text }: { text: string }) {
  return text.split(entity).map((piece, i) =>
    i % 2 === 1 ? (
      <span key={i} className={classes.link}>
        {piece.replace(/^https?:\/\/(www\.)?/, "")}
      </span>
    ) : (
      piece
    ),
  );
}
