import { useAccountLooks } from "../lib/accounts";
import { NetworkIcon } from "./NetworkIcon";
import classes from "./AccountMark.module.css";

interface Props {
  account: { id: string; handle: string; display_name?: string };
  size?: number;
}

/** The account's coloured initial, with its network's sign. */
export function AccountMark({ account, size = 20 }: Props) {
  const look = useAccountLooks()(account.id);
  const letter = (account.display_name || account.handle).replace("@", "").charAt(0).toUpperCase();
  return (
    <span
      className={classes.mark}
      style={{
        "--hue": look.hue,
        width: size,
        height: size,
        fontSize: size * 0.52,
        borderRadius: size * 0.32,
      }}
    >
      <span aria-hidden>{letter}</span>
      {look.network && (
        <span className={classes.badge}>
          <NetworkIcon network={look.network} size={Math.max(10, size * 0.4)} named />
        </span>
      )}
    </span>
  );
}

export function AccountName({ account, size = 20 }: Props) {
  return (
    <span className={classes.name}>
      <AccountMark account={account} size={size} />
      <span className="clip">@{account.handle.replace("@", "")}</span>
    </span>
  );
}
