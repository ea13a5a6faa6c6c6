import { Button, Menu } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";
import { Link } from "react-router";
import type { Recurrence } from "../../api/model";
import { type RecurrenceAct, useRecurrenceAct, useRecurrences } from "../../api/recurrences";
import { useMay } from "../../api/session";
import { useNow } from "../../lib/clock";
import { ruleWords } from "../../lib/repeat";
import { shortTime, zonePlace } from "../../lib/time";
import { say, sayProblem } from "../../lib/toast";
import { AccountMark } from "../AccountMark";
import { Empty, ProblemNote } from "../Empty";
import { Panel } from "../Panel";
import { RowSkeleton } from "../PostRow";
import { Tag } from "../Tag";
import classes from "./Repeat.module.css";

const RecurrenceDialog = lazy(() => import("./RecurrenceDialog"));
const RemoveDialog = lazy(() => import("./RemoveDialog"));

/** What repeats, when it comes next, and the ways to stop it. */
export function RecurrenceList({ accountId }: { accountId: string }) {
  const list = useRecurrences(accountId);
  const [editing, setEditing] = useState<Recurrence | null>(null);
  const [removing, setRemoving] = useState<Recurrence | null>(null);
  if (list.isError && !list.data) {
    return <ProblemNote error={list.error} onRetry={() => void list.refetch()} />;
  }
  const all = list.data?.pages.flatMap((p) => p.items);
  return (
    <Panel flush>
      {!all && <RowSkeleton rows={4} />}
      {all?.length === 0 && (
        <Empty
          title="Nothing repeats"
          action={
            <Button component={Link} to="/compose" variant="default">
              Compose
            </Button>
          }
        >
          Write a post, choose when it goes out, and how often it repeats.
        </Empty>
      )}
      {all?.map((r) => (
        <Row key={r.id} recurrence={r} onEdit={() => setEditing(r)} onRemove={() => setRemoving(r)} />
      ))}
      {list.hasNextPage && (
        <div className={classes.row} style={{ justifyContent: "center" }}>
          <Button
            variant="default"
            size="xs"
            loading={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            Show more
          </Button>
        </div>
      )}
      <Suspense fallback={null}>
        {editing && <RecurrenceDialog recurrence={editing} onClose={() => setEditing(null)} />}
        {removing && <RemoveDialog recurrence={removing} onClose={() => setRemoving(null)} />}
      </Suspense>
    </Panel>
  );
}

interface RowProps {
  recurrence: Recurrence;
  onEdit: () => void;
  onRemove: () => void;
}

const done: Record<RecurrenceAct, string> = {
  pause: "Paused. Posts that are made stay.",
  resume: "It goes on with the next date.",
  end: "Ended. Posts that are made stay.",
};

function Row({ recurrence: r, onEdit, onRemove }: RowProps) {
  const now = useNow(60_000);
  const mayEdit = useMay("edit_posts");
  const mayPlan = useMay("schedule_posts");
  const act = useRecurrenceAct();
  const run = (verb: RecurrenceAct) =>
    act.mutate({ id: r.id, verb }, { onSuccess: () => say(done[verb]), onError: (e) => sayProblem(e) });
  const next = r.next[0];
  return (
    <div className={classes.row}>
      <AccountMark account={r.account} size={24} />
      <div className={classes.main}>
        <span className={classes.text}>{r.parts[0]?.text}</span>
        <span className={classes.sub}>
          <span>
            {ruleWords(r.rule, r.start_local)} at {r.start_local.slice(11, 16)}, {zonePlace(r.time_zone)} time
          </span>
          {next && r.state === "active" && <span>Next: {shortTime(next.due_at, r.time_zone, now)}</span>}
          <Link to={`/posts?recurrence=${r.id}`}>
            {r.planned === 1 ? "1 post planned" : `${r.planned} posts planned`}
          </Link>
        </span>
      </div>
      {r.state === "paused" && <Tag tone="amber">Paused</Tag>}
      {r.state === "ended" && <Tag>Ended</Tag>}
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="subtle" color="gray" size="compact-sm" aria-label="What to do with it">
            <IconDots size={17} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {r.state !== "ended" && (
            <>
              <Menu.Item disabled={!mayEdit} onClick={onEdit}>
                Edit
              </Menu.Item>
              <Menu.Item disabled={!mayPlan} onClick={() => run(r.state === "paused" ? "resume" : "pause")}>
                {r.state === "paused" ? "Resume" : "Pause"}
              </Menu.Item>
              <Menu.Item disabled={!mayPlan} onClick={() => run("end")}>
                End
              </Menu.Item>
            </>
          )}
          <Menu.Item disabled={!mayPlan} color="danger" onClick={onRemove}>
            Remove
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
