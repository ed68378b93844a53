"use client";
import { type ExperimentView, kernelTrouble } from "@crlab/shared";
import { useState } from "react";
import { formatClock } from "../../lib/time";
import { Checkpoints } from "./checkpoints";
import { Figures } from "./figures";
import styles from "./inspector.module.css";
import { Memory } from "./memory";
import type { OnRead } from "./not-read";
import { type OnHeld, Processes } from "./processes";
import { ReportPanel } from "./report-panel";
import { Tabs } from "./tabs";

const tabs = [
  { id: "processes", label: "Processes" },
  { id: "memory", label: "Memory" },
  { id: "checkpoints", label: "Checkpoints" },
  { id: "kernel", label: "Kernel log" },
  { id: "report", label: "Report" },
] as const;

interface Props {
  id: string;
  view: ExperimentView;
  over: boolean;
  /** Null for those who watch. */
  onHeld: OnHeld | null;
  onRead: OnRead | null;
}

export function Inspector({ id, view, over, onHeld, onRead }: Props) {
  const [chosen, setChosen] = useState<string>(over ? "report" : "processes");
  return (
    <>
      <Tabs name="Inspector" tabs={tabs} chosen={chosen} onChoose={setChosen} />
      <div
        className={styles.panel}
        id="panel-Inspector"
        role="tabpanel"
        aria-labelledby={`tab-Inspector-${chosen}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: ARIA's tabs pattern asks for a panel that takes focus
        tabIndex={0}
      >
        <Figures view={view} />
        {chosen === "processes" && <Processes view={view} onHeld={onHeld} />}
        {chosen === "memory" && <Memory view={view} onRead={onRead} />}
        {chosen === "checkpoints" && <Checkpoints view={view} onRead={onRead} />}
        {chosen === "kernel" && <KernelLog view={view} />}
        {chosen === "report" && <ReportPanel id={id} view={view} />}
      </div>
    </>
  );
}

function KernelLog({ view }: { view: ExperimentView }) {
  const trouble = kernelTrouble(view);
  if (view.kernelLog.length === 0) return <p className={styles.none}>The kernel has said nothing.</p>;
  return (
    <>
      {trouble.length > 0 && (
        <p className="pill failed">
          {trouble.length} {trouble.length === 1 ? "line speaks" : "lines speak"} of trouble
        </p>
      )}
      <section className={styles.card}>
        <pre className={styles.log}>
          {view.kernelLog.map((line) => `${formatClock(line.atMs)}  ${line.text.trimEnd()}`).join("\n")}
        </pre>
      </section>
    </>
  );
}
