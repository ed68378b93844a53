"use client";
import { useMemo } from "react";
import { type Measured, overlaid } from "../../lib/series";
import { Plot } from "../charts/plot";
import styles from "./comparison.module.css";

/** The experiments' charts in one another: a line each, over the time since its guest was up. */
export function OverlaidCharts({ experiments }: { experiments: readonly Measured[] }) {
  const charts = useMemo(() => overlaid(experiments), [experiments]);
  if (charts.length === 0) return null;
  return (
    <section className={styles.charts} aria-label="Charts" data-testid="overlaid">
      <p className={`dim ${styles.axis}`}>Time counts from the moment at which each guest was up.</p>
      {charts.map((chart) => (
        <Plot key={chart.id} chart={chart} group="compare" />
      ))}
    </section>
  );
}
