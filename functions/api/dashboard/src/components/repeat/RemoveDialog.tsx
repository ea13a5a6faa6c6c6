import { Button, Radio } from "@mantine/core";
import { useState } from "react";
import type { Leftover, Recurrence } from "../../api/model";
import { useRemoveRecurrence } from "../../api/recurrences";
import { say } from "../../lib/toast";
import { ProblemNote } from "../Empty";
import { Dialog } from "../Dialog";

/** Removes a recurrence, and asks what becomes of its posts. */
export default function RemoveDialog({
  recurrence,
  onClose,
}: {
  recurrence: Recurrence;
  onClose: () => void;
}) {
  const [posts, setPosts] = useState<Leftover>("cancel_unapproved");
  const remove = useRemoveRecurrence();
  const { planned } = recurrence;
  return (
    <Dialog onClose={onClose} title="Remove this recurrence?">
      <form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault();
          remove.mutate(
            { id: recurrence.id, posts },
            {
              onSuccess: () => {
                say("Removed");
                onClose();
              },
            },
          );
        }}
      >
        {planned > 0 ? (
          <Radio.Group
            label={`${planned === 1 ? "1 post of it is" : `${planned} posts of it are`} planned`}
            value={posts}
            onChange={(v) => setPosts(v)}
          >
            <div className="stack" style={{ gap: 10, marginTop: 10 }}>
              <Radio data-autofocus value="cancel_unapproved" label="Cancel those that nobody has approved" />
              <Radio value="cancel_all" label="Cancel all of them, approved ones too" />
              <Radio value="keep" label="Keep them" />
            </div>
          </Radio.Group>
        ) : (
          <p>None of its posts is planned. What went out stays.</p>
        )}
        {remove.isError && <ProblemNote error={remove.error} compact />}
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" color="danger" loading={remove.isPending}>
            Remove
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
