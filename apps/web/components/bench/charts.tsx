"use client";
import type { ExperimentView } from "@crlab/shared";
import { useEffect, useMemo, useState } from "react";
import { type Chart, chartsOf, marksOf, throughput } from "../../lib/series";
import { storedOutput } from "../../lib/stored-output";
import { Plot } from "../charts/plot";
import styles from "./inspector.module.css";

/** Figures over the time of the experiment, its steps marked. */
export function Charts({ id, view }: { id: string; view: ExperimentView }) {
  const speeds = useThroughput(id, view);
  const marks = useMemo(() => marksOf(view), [view]);
  const charts = useMemo(() => [...chartsOf(view), ...speeds], [view, speeds]);
  if (charts.length === 0) return <p className={styles.none}>Charts begin with the first step that has figures.</p>;
  return charts.map((chart) => (
    <Plot key={chart.id} chart={chart} marks={marks} until={view.lastMs / 1000} group={id} />
  ));
}

/** Read from what the workloads have printed; again whenever a step has ended. */
function useThroughput(id: string, view: ExperimentView): Chart[] {
  const [read, setRead] = useState<Chart[]>([]);
  const wanted = view.targets.map((t) => `${t.name} ${t.terminal} ${t.command}`).join("\n");
  const ended = view.steps.filter((s) => s.state !== "running").length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `wanted` stands for the targets, `ended` asks again
  useEffect(() => {
    let over = false;
    const load = async () => {
      const charts = await Promise.all(
        view.targets.map(async (target): Promise<Chart[]> => {
          const decoder = new TextDecoder();
          const output = (await storedOutput(id, target.terminal)).map((c) => ({
            atMs: c.atMs,
            text: decoder.decode(c.bytes, { stream: true }),
          }));
          const speed = throughput(target.command, output);
          if (speed === null || speed.points.length === 0) return [];
          const format = (n: number) => `${Math.round(n).toLocaleString("en")}/s`;
          return [
            {
              id: `speed-${target.name}`,
              title: `${target.name}, ${speed.of} a second`,
              format,
              lines: [{ label: speed.of, points: speed.points }],
            },
          ];
        }),
      );
      if (!over) setRead(charts.flat());
    };
    load().catch((error: unknown) => console.error("crlab: throughput:", error));
    return () => {
      over = true;
    };
  }, [id, wanted, ended]);
  return useMemo(
    () =>
      read
        // Replay: what had happened by then.
        .map((c) => ({
          ...c,
          lines: c.lines.map((l) => ({ ...l, points: l.points.filter(([s]) => s * 1000 <= view.lastMs + 1000) })),
        }))
        .filter((c) => c.lines.some((l) => l.points.length > 0)),
    [read, view.lastMs],
  );
}
