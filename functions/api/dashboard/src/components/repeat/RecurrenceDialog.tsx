import { Button, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Recurrence } from "../../api/model";
import { useEditRecurrence } from "../../api/recurrences";
import { type Repeat, repeatOf, ruleOf } from "../../lib/repeat";
import { say } from "../../lib/toast";
import { ClockInput } from "../ClockInput";
import { ProblemNote } from "../Empty";
import { Dialog } from "../Dialog";
import classes from "./Repeat.module.css";
import { fresh, RepeatFields } from "./RepeatFields";
import { RuleDates } from "./RuleDates";

/** Edits what a recurrence says and when. */
export default function RecurrenceDialog({
  recurrence,
  onClose,
}: {
  recurrence: Recurrence;
  onClose: () => void;
}) {
  const [texts, setTexts] = useState(recurrence.parts.map((p) => p.text));
  const [date, setDate] = useState(recurrence.start_local.slice(0, 10));
  const [time, setTime] = useState(recurrence.start_local.slice(11, 16));
  const [repeat, setRepeat] = useState<Repeat | null>(() => repeatOf(recurrence.rule));
  const edit = useEditRecurrence();
  // A rule that was written by hand stays until a choice replaces it.
  const rule = repeat ? ruleOf(repeat, date) : recurrence.rule;
  const start = `${date}T${time}:00`;
  const parts = texts.map((text) => ({ text }));
  const save = (event: React.SyntheticEvent) => {
    event.preventDefault();
    edit.mutate(
      { id: recurrence.id, etag: recurrence.etag, change: { parts, rule, start_local: start } },
      {
        onSuccess: () => {
          say("Saved", { body: "Posts that nobody has approved follow; approved ones stay as they are." });
          onClose();
        },
      },
    );
  };
  return (
    <Dialog onClose={onClose} title={`Repeats for @${recurrence.account.handle}`} size={680}>
      <form className="stack" onSubmit={save}>
        {texts.map((text, i) => (
          <Textarea
            key={i}
            label={texts.length > 1 ? `Part ${i + 1} of ${texts.length}` : "Text"}
            autosize
            minRows={3}
            maxRows={8}
            value={text}
            onChange={(e) => {
              const next = e.currentTarget.value;
              setTexts((all) => all.map((t, j) => (j === i ? next : t)));
            }}
          />
        ))}
        <div className={classes.fields}>
          <TextInput
            label="First day"
            type="date"
            required
            withAsterisk={false}
            value={date}
            onChange={(e) => e.currentTarget.value && setDate(e.currentTarget.value)}
          />
          <ClockInput label="Time" value={time} onChange={setTime} />
        </div>
        {repeat ? (
          <RepeatFields value={repeat} date={date} onChange={setRepeat} />
        ) : (
          <p>
            It repeats by the rule <code>{recurrence.rule}</code>.{" "}
            <button type="button" className="link" onClick={() => setRepeat(fresh(date))}>
              Choose anew
            </button>
          </p>
        )}
        <RuleDates
          asked={{
            account_id: recurrence.account.id,
            recurrence_id: recurrence.id,
            rule,
            start_local: start,
          }}
        />
        {edit.isError && <ProblemNote error={edit.error} compact />}
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={edit.isPending}
            disabled={time.length < 5 || texts.some((t) => t.trim() === "")}
          >
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
