import { Button, Radio } from "@mantine/core";
import { useState } from "react";
import type { ZoneChoice } from "../../api/model";
import { asProblem } from "../../api/problem";
import type { ProfileForm } from "../../lib/useProfileForm";
import { Dialog } from "../Dialog";

/** Asks what a new time zone means for the posts that are planned. */
export function ZoneDialog({ form }: { form: ProfileForm }) {
  const problem = asProblem(form.error);
  const [choice, setChoice] = useState<ZoneChoice>("keep_instant");
  return (
    <Dialog onClose={form.hush} title="What about the posts that are planned?">
      <form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault();
          form.save(choice);
        }}
      >
        <p>
          {problem.sentence} {problem.code === "would_be_past" && problem.hint}
        </p>
        <Radio.Group
          value={choice}
          onChange={(v) => setChoice(v)}
          aria-label="What about the posts that are planned?"
        >
          <div className="stack" style={{ gap: 12 }}>
            <Radio
              data-autofocus
              value="keep_instant"
              label="Keep the moment"
              description={`They go out when they would have, shown on the clocks of ${form.mine.time_zone}.`}
            />
            <Radio
              value="keep_local_time"
              label="Keep the wall clock"
              description={`9:00 stays 9:00, now in ${form.mine.time_zone}. Approvals stay.`}
            />
          </div>
        </Radio.Group>
        <p className="muted small">Slots and recurrences follow the wall clock either way.</p>
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button variant="default" onClick={form.hush}>
            Not now
          </Button>
          <Button type="submit" loading={form.pending}>
            Change the time zone
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
