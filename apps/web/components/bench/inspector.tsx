"use client";
import type { ExperimentView } from "@crlab/shared";
import { lazy } from "react";
import { parts } from "../../lib/parts";
import { type InspectorTab, inspectorTabs } from "../../lib/shown";
import type { Restorer } from "./checkpoints";
import { Figures } from "./figures";
import type { InImage } from "./image-view";
import styles from "./inspector.module.css";
import { Kept } from "./kept";
import type { OnRead } from "./not-read";
import type { OnHeld } from "./processes";
import { ReportButtons } from "./report-buttons";
import { Tabs } from "./tabs";

// The report is what a link shows first, as it was served; the others are loaded when one looks at them.
const ReportSheet = lazy(() => parts.report().then((m) => ({ default: m.ReportSheet })));
const Processes = lazy(() => parts.processes().then((m) => ({ default: m.Processes })));
const Memory = lazy(() => parts.memory().then((m) => ({ default: m.Memory })));
const Checkpoints = lazy(() => parts.checkpoints().then((m) => ({ default: m.Checkpoints })));
const Charts = lazy(() => parts.charts().then((m) => ({ default: m.Charts })));
const KernelLog = lazy(() => parts.kernel().then((m) => ({ default: m.KernelLog })));

interface Props extends InImage {
  id: string;
  view: ExperimentView;
  /** This browser made the experiment. */
  mine: boolean;
  /** The report that the page was served with still says what is so. */
  current: boolean;
  /** What is in the images is on its way. */
  waits: boolean;
  tab: InspectorTab;
  onTab: (tab: InspectorTab) => void;
  /** The checkpoint that is looked at; null: the latest. */
  checkpoint: string | null;
  onCheckpoint: (name: string) => void;
  /** Null for those who watch, and while it cannot be done. */
  onStart: (() => void) | null;
  onHeld: OnHeld | null;
  onRead: OnRead | null;
  restorer: Restorer;
}

export function Inspector(props: Props) {
  const { id, view, mine, current, waits, tab, onTab, checkpoint, onCheckpoint, onStart, onHeld, onRead, ...inImage } =
    props;
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
        {tab === "report" && <ReportButtons id={id} view={view} mine={mine} />}
        <Kept key={tab} load={parts[tab]} wanted={tab !== "report" || !current}>
          {tab === "report" && <ReportSheet view={view} />}
          {tab === "processes" && <Processes view={view} onStart={onStart} onHeld={onHeld} />}
          {tab === "memory" && !waits && <Memory {...images} against={inImage.against} onAgainst={inImage.onAgainst} />}
          {tab === "checkpoints" && !waits && <Checkpoints {...images} {...inImage} />}
          {tab === "charts" && <Charts id={id} view={view} />}
          {tab === "kernel" && <KernelLog view={view} />}
        </Kept>
      </div>
    </>
  );
}
