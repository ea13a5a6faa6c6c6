import { useState } from "react";
import { useAccountLooks } from "../../lib/accounts";
import type { Entry as CalendarEntry, View } from "../../lib/calendar";
import { dateWords, weekdayName, weekdayOf } from "../../lib/time";
import { Entry } from "./Entry";
import classes from "./Grid.module.css";

interface Props {
  view: View;
  days: string[];
  month: string;
  today: string;
  entries: Map<string, CalendarEntry[]>;
}

const shownPerDay = 4;

function idOf(e: CalendarEntry): string {
  return e.kind === "post" ? e.post.id : `${e.slot.account_id}${e.at}`;
}

/** The month or week as a table of days; times within a day read from the top. */
export function Grid({ view, days, month, today, entries }: Props) {
  const looks = useAccountLooks();
  const [open, setOpen] = useState<string | null>(null);
  return (
    <div className={classes.grid} data-view={view}>
      {days.slice(0, 7).map((d) => (
        <div key={d} className={classes.weekday}>
          {weekdayName(weekdayOf(d), true)}
          {view === "week" && <span data-today={d === today || undefined}>{dateWords(d)}</span>}
        </div>
      ))}
      {days.map((d) => {
        const list = entries.get(d) ?? [];
        const all = view === "week" || open === d;
        const shown = all || list.length <= shownPerDay ? list : list.slice(0, shownPerDay - 1);
        return (
          <section
            key={d}
            className={classes.day}
            data-other={(view === "month" && d.slice(0, 7) !== month) || undefined}
            data-today={d === today || undefined}
            aria-label={`${weekdayName(weekdayOf(d))} ${dateWords(d)}`}
          >
            {view === "month" && <span className={classes.number}>{Number(d.slice(8))}</span>}
            {shown.map((e) => (
              <Entry
                key={idOf(e)}
                entry={e}
                look={looks(e.kind === "post" ? e.post.account.id : e.slot.account_id)}
                size={view === "week" ? "roomy" : "tight"}
              />
            ))}
            {list.length > shown.length && (
              <button type="button" className={classes.more} onClick={() => setOpen(d)}>
                {list.length - shown.length} more
              </button>
            )}
            {open === d && view === "month" && list.length > shownPerDay && (
              <button type="button" className={classes.more} onClick={() => setOpen(null)}>
                Show less
              </button>
            )}
          </section>
        );
      })}
    </div>
  );
}

/** The phone's calendar: only days with something on them. */
export function Agenda({ days, month, today, entries, view }: Props) {
  const looks = useAccountLooks();
  const shown = days.filter(
    (d) => (view === "week" || d.slice(0, 7) === month) && (d === today || entries.has(d)),
  );
  return (
    <div className={classes.agenda}>
      {shown.map((d) => (
        <section key={d} className={classes.agendaDay}>
          <h2 data-today={d === today || undefined}>
            {weekdayName(weekdayOf(d), true)} {dateWords(d)}
          </h2>
          {(entries.get(d) ?? []).map((e) => (
            <Entry
              key={idOf(e)}
              entry={e}
              look={looks(e.kind === "post" ? e.post.account.id : e.slot.account_id)}
              size="roomy"
            />
          ))}
          {!entries.has(d) && <p className="muted small">Nothing planned.</p>}
        </section>
      ))}
      {shown.length === 0 && <p className="muted">Nothing planned, and no free slots.</p>}
    </div>
  );
}
