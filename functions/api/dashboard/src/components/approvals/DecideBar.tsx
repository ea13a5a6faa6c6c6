import { Button, Menu, Tooltip } from "@mantine/core";
import { IconCheck, IconDots, IconPencil, IconX } from "@tabler/icons-react";
import type { Account, Post } from "../../api/model";
import { useNow } from "../../lib/clock";
import { choices, type When, whenWords } from "../../lib/when";
import { Key } from "../Key";
import classes from "./DecideBar.module.css";

interface Props {
  post: Post;
  account: Account | undefined;
  when: When;
  onWhen: (kind: When["kind"]) => void;
  onApprove: () => void;
  onRequestChanges: () => void;
  onEdit: () => void;
  onReject: () => void;
}

const labels: Record<When["kind"], string> = {
  planned: "As planned",
  slot: "Next slot",
  now: "Now",
  pick: "Pick a time",
};

/** Where the decision is made; every button has its key. */
export function DecideBar({
  post,
  account,
  when,
  onWhen,
  onApprove,
  onRequestChanges,
  onEdit,
  onReject,
}: Props) {
  const now = useNow(15_000);
  const may = (action: string) => post.actions.includes(action);
  return (
    <div className={classes.bar}>
      <div className={classes.time} role="radiogroup" aria-label="When it goes out">
        {choices(post, account, now).map((kind) => (
          <button
            key={kind}
            type="button"
            role="radio"
            aria-checked={when.kind === kind}
            className={classes.choice}
            onClick={() => onWhen(kind)}
          >
            {labels[kind]}
          </button>
        ))}
        <Key>T</Key>
        <span className={classes.words}>{whenWords(when, post, account, now)}</span>
      </div>
      <div className={classes.acts}>
        <Menu position="top-end">
          <Menu.Target>
            <Button variant="subtle" color="gray" px={8} aria-label="More">
              <IconDots size={18} />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconX size={16} />} onClick={onReject} disabled={!may("reject")}>
              Reject for good
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
        <Button
          variant="default"
          onClick={onEdit}
          disabled={!may("edit")}
          leftSection={<IconPencil size={16} />}
        >
          Edit <Key>E</Key>
        </Button>
        <Button variant="default" onClick={onRequestChanges} disabled={!may("request_changes")}>
          <span className={classes.long}>Request changes</span>
          <span className={classes.short}>Changes</span>
          <Key>R</Key>
        </Button>
        <Tooltip label={post.lacks[0] ?? "Your role does not allow approving"} disabled={may("approve")}>
          <Button
            onClick={onApprove}
            disabled={!may("approve")}
            leftSection={<IconCheck size={17} stroke={2.4} />}
            className={classes.approve}
          >
            Approve <Key on="fill">A</Key>
          </Button>
        </Tooltip>
      </div>
    </div>
  );
}
