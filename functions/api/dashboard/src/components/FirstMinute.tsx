import { Button, CloseButton } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";
import type { Today } from "../api/model";
import { useOverlays } from "../lib/overlays";
import classes from "./FirstMinute.module.css";

const keptUnder = "rostrum.first-minute-closed";

export interface GuideStep {
  title: string;
  text: string;
  done: boolean;
}

/** Where a visitor of the demo workspace stands, read from what has really happened. */
export function guideSteps(today: Today): GuideStep[] {
  const published = today.published.length > 0;
  const scheduled = today.next_out.length > 0 || published;
  const drafts = today.needs_me.awaiting_approval.count > 0 || scheduled;
  const numbers = today.published.some((p) => p.metrics !== null && p.metrics.impressions !== null);
  return [
    {
      title: "Drafts appear",
      text: "Agents read the sources and write for each account’s goals. A reviewer checks every draft.",
      done: drafts,
    },
    { title: "Approve one", text: "Press A, or choose “Now” to see it go out at once.", done: scheduled },
    {
      title: "Watch it go out",
      text: "It is sent on its second, exactly as you approved it.",
      done: published,
    },
    { title: "See its numbers", text: "The first reading comes soon after.", done: numbers },
  ];
}

export function FirstMinute({ today }: { today: Today | undefined }) {
  const [closed, setClosed] = useState(() => localStorage.getItem(keptUnder) === "yes");
  const { openGenerate } = useOverlays();
  if (closed) return null;
  if (!today) return <div className={classes.guide} data-ghost aria-hidden />;
  const steps = guideSteps(today);
  const current = steps.findIndex((s) => !s.done);
  const waiting = today.needs_me.awaiting_approval.items[0];
  const close = () => {
    localStorage.setItem(keptUnder, "yes");
    setClosed(true);
  };
  return (
    <section className={classes.guide} aria-label="Your first minute">
      <div className={classes.head}>
        <h2>{current === -1 ? "That was the whole loop" : "Your first minute"}</h2>
        <CloseButton size="sm" aria-label="Close this guide" onClick={close} />
      </div>
      <ol className={classes.steps}>
        {steps.map((s, i) => (
          <li key={s.title} data-state={s.done ? "done" : i === current ? "now" : "later"}>
            <span className={classes.bullet} aria-hidden>
              {s.done ? <IconCheck size={13} stroke={3} /> : i + 1}
            </span>
            <div>
              <p className={classes.title}>
                {s.title}
                {s.done && <span className="sr"> (done)</span>}
              </p>
              <p className={classes.text}>{s.text}</p>
              {i === current && i === 0 && today.drafts_in_progress.length === 0 && (
                <Button size="compact-sm" mt={6} onClick={() => openGenerate()}>
                  Generate drafts
                </Button>
              )}
              {i === current && i === 1 && (
                <Button
                  size="compact-sm"
                  mt={6}
                  component={Link}
                  to={waiting ? `/approvals/${waiting.id}` : "/approvals"}
                >
                  Open approvals
                </Button>
              )}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
