import { Button } from "@mantine/core";
import { useState } from "react";
import type { Account } from "../../api/model";
import { useNow } from "../../lib/clock";
import { localTime, shortTime } from "../../lib/time";
import { WhenPicker } from "../WhenPicker";
import { Dialog } from "../Dialog";

interface Props {
  account: Account | undefined;
  initial: string | null;
  onPick: (local: string) => void;
  onClose: () => void;
}

/** Picks the time an approved post goes out. */
export default function PickDialog({ account, initial, onPick, onClose }: Props) {
  const zone = account?.time_zone ?? "UTC";
  const now = useNow(60_000);
  const [value, setValue] = useState(
    () => initial?.slice(0, 16) ?? `${localTime(now + 86_400_000, zone).date}T09:00`,
  );
  const slots = (account?.next_slots ?? [])
    .slice(0, 8)
    .map((s) => ({ local: s.local, label: shortTime(s.due_at, zone, now) }));
  return (
    <Dialog onClose={onClose} title="When shall it go out?" size={620}>
      <form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault();
          onPick(value);
        }}
      >
        <WhenPicker value={value} onChange={setValue} zone={zone} now={now} slots={slots} />
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={value.length < 16}>
            Use this time
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
