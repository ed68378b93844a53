"use client";
import { type ExperimentView, kernelTrouble } from "@crlab/shared";
import { type InspectorTab, inspectorTabs } from "../../lib/shown";
import { formatClock } from "../../lib/time";
import { Charts } from "./charts";
import { Checkpoints } from "./checkpoints";
import { Figures } from "./figures";
import styles from "./inspector.module.css";
import { Memory } from "./memory";
import type { OnRead } from "./not-read";
import { type OnHeld, Processes } from "./processes";
import { ReportPanel } from "./report-panel";
import { Tabs } from "./tabs";

interface Props {
  id: string;
  view: ExperimentView;
  /** This browser made the experiment. */
  mine: boolean;
  tab: InspectorTab;
  onTab: (tab: InspectorTab) => void;
  /** The checkpoint that is looked at; null: the latest. */
  checkpoint: string | null;
  onCheckpoint: (name: string) => void;
  /** Null for those who watch. */
  onHeld: OnHeld | null;
  onRead: OnRead | null;
}

export function Inspector({ id, view, mine, tab, onTab, checkpoint, onCheckpoint, onHeld, onRead }: Props) {
  const images = { view, chosen: checkpoint, onChoose: onCheckpoint, onRead };
  return (
    <>
      <Tabs
        name="Inspector"
        tabs={inspectorTabs}
        chosen={tab}
        onChoose={(chosen) => onTab(inspectorTabs.find((t) => t.id === chosen)?.id ?? "processes")}
      />
      <div
        className={styles.panel}
        id="panel-Inspector"
        role="tabpanel"
        aria-labelledby={`tab-Inspector-${tab}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: ARIA's tabs pattern asks for a panel that takes focus
        tabIndex={0}
      >
        <Figures view={view} />
        {tab === "processes" && <Processes view={view} onHeld={onHeld} />}
        {tab === "memory" && <Memory {...images} />}
        {tab === "checkpoints" && <Checkpoints {...images} />}
        {tab === "charts" && <Charts id={id} view={view} />}
        {tab === "kernel" && <KernelLog view={view} />}
        {tab === "report" && <ReportPanel id={id} view={view} mine={mine} />}
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
