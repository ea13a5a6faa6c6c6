import { Button } from "@mantine/core";
import { useState } from "react";
import { useAccount } from "../api/accounts";
import type { PostSummary } from "../api/model";
import { useSchedule } from "../api/posts";
import { useNow } from "../lib/clock";
import { localTime, midSentence, shortTime } from "../lib/time";
import { say } from "../lib/toast";
import { ProblemNote } from "./Empty";
import { WhenPicker } from "./WhenPicker";
import { Dialog } from "./Dialog";
import classes from "./MoveDialog.module.css";

/** Moves a scheduled post to another time, by keyboard or touch. */
export default function MoveDialog({ post, onClose }: { post: PostSummary; onClose: () => void }) {
  const account = useAccount(post.account.id).data;
  const zone = post.due_zone ?? account?.time_zone ?? "UTC";
  const now = useNow(60_000);
  const schedule = useSchedule();
  const [value, setValue] = useState(() => post.due_local?.slice(0, 16) ?? tomorrowAtNine(zone, now));
  const slots = (account?.next_slots ?? [])
    .slice(0, 8)
    .map((s) => ({ local: s.local, label: shortTime(s.due_at, zone, now) }));
  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault();
    schedule.mutate(
      { id: post.id, due_local: `${value.slice(0, 16)}:00` },
      {
        onSuccess: (moved) => {
          const when = moved.due_at ? midSentence(shortTime(moved.due_at, moved.due_zone ?? zone, now)) : "";
          say(`Goes out ${when}`, moved.schedule_note ? { body: moved.schedule_note } : {});
          onClose();
        },
      },
    );
  };
  return (
    <Dialog onClose={onClose} title="Move to…" size={620}>
      <form onSubmit={submit} className="stack">
        <p className={classes.text}>
          <b>@{post.account.handle}</b> {post.text}
        </p>
        <WhenPicker value={value} onChange={setValue} zone={zone} now={now} slots={slots} />
        {schedule.isError && <ProblemNote error={schedule.error} compact />}
        <div className={classes.foot}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={schedule.isPending} disabled={value.length < 16}>
            Move
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function tomorrowAtNine(zone: string, now: number): string {
  return `${localTime(now + 86_400_000, zone).date}T09:00`;
}
