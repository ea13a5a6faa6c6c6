import type { Finding } from "../../api/model";
import { gravest, segments } from "../../lib/highlight";
import classes from "./MarkedText.module.css";

interface Props {
  text: string;
  part: number;
  findings: Finding[];
  active: number | null;
  onActive: (index: number | null) => void;
}

/** A part's text with what the reviewer found marked in place. */
export function MarkedText({ text, part, findings, active, onActive }: Props) {
  return (
    <p className={classes.text}>
      {segments(text, part, findings).map((s, i) => {
        const first = s.findings[0];
        if (first === undefined) return <span key={i}>{s.text}</span>;
        return (
          <mark
            key={i}
            className={classes.mark}
            data-severity={gravest(findings, s.findings)}
            data-active={(active !== null && s.findings.includes(active)) || undefined}
            onMouseEnter={() => onActive(first)}
            onMouseLeave={() => onActive(null)}
          >
            {s.text}
          </mark>
        );
      })}
    </p>
  );
}
