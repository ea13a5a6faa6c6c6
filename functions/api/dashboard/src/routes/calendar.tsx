import { Button, Select } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconChevronLeft, IconChevronRight } from "@tabler/icons-react";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { useAccounts } from "../api/accounts";
import type { Account } from "../api/model";
import { useCalendar } from "../api/workspace";
import { AccountMark } from "../components/AccountMark";
import { Agenda, Grid } from "../components/calendar/Grid";
import { ProblemNote } from "../components/Empty";
import { Page } from "../components/Page";
import { browserZone } from "../lib/accounts";
import { daysShown, entriesByDay, stepDate, type View } from "../lib/calendar";
import { useNow } from "../lib/clock";
import { dateWords, localTime, monthWords, zonePlace, zoneWords } from "../lib/time";
import { useKeys } from "../lib/useKeys";
import classes from "./calendar.module.css";

export default function CalendarPage() {
  const [search, setSearch] = useSearchParams();
  const accounts = useAccounts().data;
  const zones = zonesOf(accounts);
  const zone = search.get("zone") ?? zones[0] ?? "UTC";
  const now = useNow(60_000);
  const today = localTime(now, zone).date;
  const view: View = search.get("view") === "week" ? "week" : "month";
  const asked = search.get("date") ?? "";
  const date = /^\d{4}-\d{2}-\d{2}$/.test(asked) ? asked : today;
  const days = daysShown(view, date);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const calendar = useCalendar({ from: days[0] ?? date, to: days.at(-1) ?? date, zone });
  const phone = useMediaQuery("(max-width: 48em)", undefined, { getInitialValueInEffect: false });

  const set = (key: string, value: string | null) =>
    setSearch(
      (old) => {
        if (value) old.set(key, value);
        else old.delete(key);
        return old;
      },
      { replace: true },
    );
  const step = (by: 1 | -1) => set("date", stepDate(view, date, by));
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    t: () => set("date", null),
    m: () => set("view", null),
    w: () => set("view", "week"),
  });
  const toggle = (id: string) =>
    setHidden((old) => {
      const next = new Set(old);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  const entries = entriesByDay(calendar.data, zone, now, hidden);
  const View = phone ? Agenda : Grid;
  return (
    <Page
      title="Calendar"
      width="wide"
      note={
        view === "month" ? monthWords(date) : `${dateWords(days[0] ?? date)} to ${dateWords(days[6] ?? date)}`
      }
      actions={
        <>
          <Button.Group>
            <Button variant="default" px={8} onClick={() => step(-1)} aria-label="Earlier (K)">
              <IconChevronLeft size={17} />
            </Button>
            <Button variant="default" onClick={() => set("date", null)}>
              Today
            </Button>
            <Button variant="default" px={8} onClick={() => step(1)} aria-label="Later (J)">
              <IconChevronRight size={17} />
            </Button>
          </Button.Group>
          <div className={classes.views} role="group" aria-label="View">
            <button type="button" aria-pressed={view === "month"} onClick={() => set("view", null)}>
              Month
            </button>
            <button type="button" aria-pressed={view === "week"} onClick={() => set("view", "week")}>
              Week
            </button>
          </div>
        </>
      }
    >
      <div className={classes.bar}>
        <div className={classes.legend} role="group" aria-label="Accounts shown">
          {accounts?.map((a) => (
            <button
              key={a.id}
              type="button"
              className={classes.account}
              aria-pressed={!hidden.has(a.id)}
              onClick={() => toggle(a.id)}
            >
              <AccountMark account={a} size={16} />@{a.handle}
            </button>
          ))}
          <span className={classes.key}>
            <i data-kind="sure" aria-hidden /> Approved
          </span>
          <span className={classes.key}>
            <i data-kind="open" aria-hidden /> Not approved yet
          </span>
          <span className={classes.key}>
            <i data-kind="slot" aria-hidden /> Free slot
          </span>
        </div>
        <Select
          aria-label="Clock"
          size="xs"
          w={210}
          data={zones.map((z) => ({ value: z, label: `${zonePlace(z)} time (${zoneWords(z, now)})` }))}
          value={zone}
          onChange={(z) => set("zone", z)}
        />
      </div>
      {calendar.isError && !calendar.data ? (
        <ProblemNote error={calendar.error} onRetry={() => void calendar.refetch()} />
      ) : (
        <>
          {calendar.data?.truncated && (
            <p className={classes.cut}>
              Not every post fits here. Hide an account or look at a week to see them all.
            </p>
          )}
          <View view={view} days={days} month={date.slice(0, 7)} today={today} entries={entries} />
        </>
      )}
    </Page>
  );
}

/** The clocks on offer: the accounts' own, then this browser's. */
function zonesOf(accounts: Account[] | undefined): string[] {
  return [...new Set([...(accounts ?? []).map((a) => a.time_zone), browserZone()])];
}
