import { IconBookmark, IconHeart, IconMessageCircle, IconRepeat, IconSend } from "@tabler/icons-react";
import type { PartImage } from "../api/media";
import type { NetworkId } from "../api/model";
import { useAccountLooks } from "../lib/accounts";
import { Pictures } from "./Pictures";
import classes from "./PostPreview.module.css";

interface Props {
  account: { id: string; handle: string; display_name: string; network: NetworkId };
  parts: { text: string; media?: PartImage[] }[];
  /** Shown beside the handle: a time or "now". */
  when?: React.ReactNode;
}

// What X turns into links: addresses, mentions, hashtags, cashtags.
const entity =
  /(https?:\/\/[^\s]+|(?<![\w@])@\w{1,15}|(?<![\w#])#[\p{L}\p{N}_]+|(?<![\w$])\$[A-Za-z]{1,6}\b)/u;

/** A post as it will look on its network. */
export function PostPreview(props: Props) {
  const { account, parts, when } = props;
  const look = useAccountLooks()(account.id);
  if (account.network === "instagram") return <Captioned {...props} />;
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

/** As Instagram shows it: the image first, the caption under it behind the handle. */
function Captioned({ account, parts, when }: Props) {
  const look = useAccountLooks()(account.id);
  const images = parts.flatMap((p) => p.media ?? []);
  const text = parts
    .map((p) => p.text)
    .filter((t) => t !== "")
    .join("\n\n");
  const first = images[0];
  return (
    <div className={classes.captioned}>
      <p className={classes.owner}>
        <span className={classes.face} style={{ "--hue": look.hue }} aria-hidden>
          {(account.display_name || account.handle).charAt(0).toUpperCase()}
        </span>
        <b className="clip">{account.handle}</b>
      </p>
      <div className={classes.stage} style={{ aspectRatio: first ? first.width / first.height : 1 }}>
        {first?.url ? (
          <img src={first.url} alt={first.alt} />
        ) : (
          <span className={classes.blank}>
            {first ? "The image is not kept here any more." : "Your image will show here."}
          </span>
        )}
        {images.length > 1 && <span className={classes.more}>1/{images.length}</span>}
      </div>
      <div className={classes.below}>
        <div className={classes.signs} aria-hidden>
          <IconHeart size={20} />
          <IconMessageCircle size={20} />
          <IconSend size={20} />
          <IconBookmark size={20} className={classes.last} />
        </div>
        <p className={classes.text}>
          {text === "" ? (
            <span className={classes.blank}>Your caption will show here.</span>
          ) : (
            <>
              <b>{account.handle}</b> <Linked text={text} />
            </>
          )}
        </p>
        <p className="muted small">{when ?? "now"}</p>
      </div>
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
