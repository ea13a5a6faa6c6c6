import { Button, Menu } from "@mantine/core";
import {
  IconCalendarTime,
  IconDots,
  IconPencil,
  IconRefresh,
  IconSend,
  IconX,
  IconCalendarOff,
} from "@tabler/icons-react";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import type { Post } from "../../api/model";
import { type PlainAct, useAct } from "../../api/posts";
import { useOverlays } from "../../lib/overlays";
import { say, sayProblem } from "../../lib/toast";
import { Dialog } from "../Dialog";

interface Confirm {
  verb: PlainAct;
  title: string;
  text: string;
  button: string;
  done: string;
}

const confirms: Record<"publish-now" | "cancel", Confirm> = {
  "publish-now": {
    verb: "publish-now",
    title: "Publish it now?",
    text: "It goes out within seconds, exactly as it was approved. This cannot be taken back from here.",
    button: "Publish now",
    done: "On its way",
  },
  cancel: {
    verb: "cancel",
    title: "Cancel this post?",
    text: "It will not go out. You can still edit it into a new draft.",
    button: "Cancel the post",
    done: "Canceled",
  },
};

/** What this person may do with the post now: the likely thing as a button, the rest in a menu. */
export function Actions({ post }: { post: Post }) {
  const navigate = useNavigate();
  const { openMove } = useOverlays();
  const act = useAct();
  const [confirm, setConfirm] = useState<Confirm | null>(null);
  const may = (action: string) => post.actions.includes(action);
  const run = (verb: PlainAct, done: string) =>
    act.mutate(
      { id: post.id, verb },
      {
        onSuccess: () => {
          setConfirm(null);
          say(done);
        },
        onError: (error) => {
          setConfirm(null);
          sayProblem(error);
        },
      },
    );
  const main = may("approve") ? (
    <Button component={Link} to={`/approvals/${post.id}`}>
      Review and approve
    </Button>
  ) : post.lacks.length > 0 && post.state === "awaiting_approval" && may("edit") ? (
    <Button component={Link} to={`/posts/${post.id}/edit`} leftSection={<IconPencil size={16} />}>
      Add the image
    </Button>
  ) : may("retry") ? (
    <Button
      leftSection={<IconRefresh size={16} />}
      loading={act.isPending}
      onClick={() => run("retry", "It is tried again")}
    >
      Try again
    </Button>
  ) : may("submit") ? (
    <Button loading={act.isPending} onClick={() => run("submit", "Sent to review")}>
      Send to review
    </Button>
  ) : may("schedule") ? (
    <Button variant="default" leftSection={<IconCalendarTime size={16} />} onClick={() => openMove(post)}>
      Move to…
    </Button>
  ) : null;
  const more = ["edit", "schedule", "publish_now", "unschedule", "cancel"].some(may);
  return (
    <>
      {main}
      {may("edit") && (
        <Button
          variant="default"
          visibleFrom="sm"
          leftSection={<IconPencil size={16} />}
          onClick={() => void navigate(`/posts/${post.id}/edit`)}
        >
          Edit
        </Button>
      )}
      {more && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" px={9} aria-label="More actions">
              <IconDots size={17} />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {may("edit") && (
              <Menu.Item
                leftSection={<IconPencil size={16} />}
                component={Link}
                to={`/posts/${post.id}/edit`}
              >
                Edit
              </Menu.Item>
            )}
            {may("schedule") && (
              <Menu.Item leftSection={<IconCalendarTime size={16} />} onClick={() => openMove(post)}>
                Move to…
              </Menu.Item>
            )}
            {may("publish_now") && (
              <Menu.Item
                leftSection={<IconSend size={16} />}
                onClick={() => setConfirm(confirms["publish-now"])}
              >
                Publish now
              </Menu.Item>
            )}
            {may("unschedule") && (
              <Menu.Item
                leftSection={<IconCalendarOff size={16} />}
                onClick={() => run("unschedule", "Taken off the schedule")}
              >
                Take off the schedule
              </Menu.Item>
            )}
            {may("cancel") && (
              <Menu.Item leftSection={<IconX size={16} />} onClick={() => setConfirm(confirms.cancel)}>
                Cancel the post
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      )}
      {confirm && (
        <Dialog onClose={() => setConfirm(null)} title={confirm.title}>
          <p>{confirm.text}</p>
          <div className="row" style={{ justifyContent: "flex-end", marginTop: 16 }}>
            <Button variant="default" onClick={() => setConfirm(null)} data-autofocus>
              Go back
            </Button>
            <Button
              color={confirm.verb === "cancel" ? "danger" : undefined}
              loading={act.isPending}
              onClick={() => run(confirm.verb, confirm.done)}
            >
              {confirm.button}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
