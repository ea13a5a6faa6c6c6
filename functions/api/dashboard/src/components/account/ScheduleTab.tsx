import { NumberInput, Select } from "@mantine/core";
import { useMemo } from "react";
import type { Account, CatchUp } from "../../api/model";
import { useNow } from "../../lib/clock";
import { shortTime, zoneWords } from "../../lib/time";
import type { ProfileForm } from "../../lib/useProfileForm";
import { Panel } from "../Panel";
import classes from "./ScheduleTab.module.css";
import { SlotsField } from "./SlotsField";

const catchUps: { value: CatchUp; label: string }[] = [
  { value: "send_within", label: "Send it, if it is not too late" },
  { value: "hold", label: "Hold it and ask" },
  { value: "drop", label: "Do not send it" },
];

export function ScheduleTab({ form, account }: { form: ProfileForm; account: Account }) {
  const { mine, set } = form;
  const now = useNow(60_000);
  const zones = useMemo(
    () => [...new Set([...Intl.supportedValuesOf("timeZone"), "UTC", mine.time_zone])],
    [mine.time_zone],
  );
  return (
    <div className="stack" style={{ gap: 16 }}>
      <Panel title="When it posts">
        <div className="stack" style={{ gap: 18 }}>
          <Select
            label="Time zone"
            description="Slots and recurrences follow its wall clock. Posts that are planned move only if you say so."
            searchable
            limit={60}
            maw={320}
            data={zones}
            value={mine.time_zone}
            onChange={(z) => z && set("time_zone", z)}
          />
          <SlotsField values={mine.slots} zone={mine.time_zone} onChange={(v) => set("slots", v)} />
          <div className={classes.pair}>
            <NumberInput
              label="Posts per week"
              description="At most"
              min={0}
              max={200}
              value={mine.posts_per_week}
              onChange={(v) => typeof v === "number" && set("posts_per_week", v)}
            />
            <NumberInput
              label="Gap between posts"
              description="At least, in minutes"
              min={0}
              max={10080}
              value={mine.min_gap_minutes}
              onChange={(v) => typeof v === "number" && set("min_gap_minutes", v)}
            />
          </div>
        </div>
      </Panel>
      <Panel title="When a post is late" aside="After an outage, a pause or a late approval">
        <div className={classes.pair}>
          <Select
            label="More than two minutes after its time"
            data={catchUps}
            value={mine.catch_up}
            onChange={(v) => v && set("catch_up", v)}
          />
          {mine.catch_up === "send_within" && (
            <NumberInput
              label="At most this late"
              rightSectionWidth={66}
              suffix=" min"
              min={1}
              max={10080}
              value={mine.catch_up_within_minutes}
              onChange={(v) => typeof v === "number" && set("catch_up_within_minutes", v)}
            />
          )}
        </div>
      </Panel>
      <Panel title="Next free slots">
        {account.next_slots.length === 0 ? (
          <p className="muted">No slot is free. Add some above, or pick times by hand on approval.</p>
        ) : (
          <ul className={classes.next}>
            {account.next_slots.map((s) => (
              <li key={s.due_at} className="num">
                {shortTime(s.due_at, account.time_zone, now)} {zoneWords(account.time_zone, s.due_at)}
              </li>
            ))}
          </ul>
        )}
      </Panel>
    </div>
  );
}
