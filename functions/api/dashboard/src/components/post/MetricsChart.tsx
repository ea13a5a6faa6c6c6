import { LineChart } from "@mantine/charts";
import "@mantine/charts/styles.css";
import type { MetricReading } from "../../api/model";
import { ageWords } from "../../lib/time";
import { number, shortNumber } from "../../lib/words";
import classes from "./Metrics.module.css";

/** Likes, reposts, replies and quotes together. */
export function engagement(r: MetricReading): number | null {
  const parts = [r.likes, r.reposts, r.replies, r.quotes].filter((n): n is number => n !== null);
  return parts.length === 0 ? null : parts.reduce((a, b) => a + b, 0);
}

/** Views and engagement over the post's age. */
export default function MetricsChart({ readings }: { readings: MetricReading[] }) {
  const data = readings.map((r) => ({
    age: ageWords(r.age_seconds),
    Views: r.impressions,
    Engagement: engagement(r),
  }));
  return (
    <div className={classes.chart} role="img" aria-label={describe(readings)}>
      <LineChart
        h={224}
        data={data}
        dataKey="age"
        series={[
          { name: "Views", color: "var(--r-accent)" },
          { name: "Engagement", color: "var(--r-violet)", yAxisId: "right" },
        ]}
        withRightYAxis
        withLegend
        curveType="monotone"
        strokeWidth={2}
        gridAxis="y"
        tickLine="none"
        valueFormatter={number}
        yAxisProps={{ tickFormatter: shortNumber, width: 44 }}
        rightYAxisProps={{ tickFormatter: shortNumber, width: 40 }}
        legendProps={{ verticalAlign: "bottom", height: 30 }}
      />
    </div>
  );
}

function describe(readings: MetricReading[]): string {
  return readings
    .map(
      (r) =>
        `${ageWords(r.age_seconds)}: ${number(r.impressions ?? 0)} views, ${number(engagement(r) ?? 0)} engagements`,
    )
    .join("; ");
}
