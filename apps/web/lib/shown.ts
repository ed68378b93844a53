/** What of an experiment's page a link speaks of: `?t=18.4&terminal=2&show=checkpoints&checkpoint=c2&with=c1&at=0x1f8`. */
import type { ExperimentView, StepView } from "@crlab/shared";
import { one, type Query } from "./query";

export const inspectorTabs = [
  { id: "processes", label: "Processes" },
  { id: "memory", label: "Memory" },
  { id: "checkpoints", label: "Checkpoints" },
  { id: "charts", label: "Charts" },
  { id: "kernel", label: "Kernel log" },
  { id: "report", label: "Report" },
] as const;
export type InspectorTab = (typeof inspectorTabs)[number]["id"];

export interface Shown {
  /** A moment, in ms since the experiment was created; null: now, or its end. */
  atMs: number | null;
  /** The number of a terminal, or `serial`; null: nobody has chosen one. */
  terminal: string | null;
  tab: InspectorTab | null;
  checkpoint: string | null;
  /** The one that it is compared with, or since which pages were written. */
  against: string | null;
  /** A place in the checkpoint's image, in bytes. */
  offset: number | null;
}

export const nowhere: Shown = {
  ...{ atMs: null, terminal: null, tab: null },
  ...{ checkpoint: null, against: null, offset: null },
};

/** What a checkpoint may be called. */
const named = (text: string | undefined): string | null =>
  text !== undefined && /^[\w.-]{1,32}$/.test(text) ? text : null;

/** What a link does not say, or says in a way that cannot be, is null. */
export function readShown(query: Query): Shown {
  const text = (name: string) => one(query[name]);
  const t = text("t");
  const at = text("at");
  const terminal = text("terminal");
  const [checkpoint, against] = [named(text("checkpoint")), named(text("with"))];
  const offset = at !== undefined && /^0x[0-9a-f]{1,12}$/.test(at) ? Number(at) : null;
  // A link that speaks of images and names no tab is about the tab that shows them.
  const implied = checkpoint === null && against === null && offset === null ? null : "checkpoints";
  return {
    atMs: t !== undefined && /^\d{1,7}(\.\d{1,3})?$/.test(t) ? Math.round(Number(t) * 1000) : null,
    terminal: terminal !== undefined && /^(serial|\d{1,6})$/.test(terminal) ? terminal : null,
    tab: inspectorTabs.find((tab) => tab.id === text("show"))?.id ?? implied,
    offset,
    checkpoint,
    against,
  };
}

/** The query of a link; empty when it would say nothing. */
export function writeShown({ atMs, terminal, tab, checkpoint, against, offset }: Shown): string {
  const parts = [
    ...(atMs === null ? [] : [`t=${Math.round(atMs) / 1000}`]),
    ...(terminal === null ? [] : [`terminal=${terminal}`]),
    ...(tab === null ? [] : [`show=${tab}`]),
    ...(checkpoint === null ? [] : [`checkpoint=${encodeURIComponent(checkpoint)}`]),
    ...(against === null ? [] : [`with=${encodeURIComponent(against)}`]),
    ...(offset === null ? [] : [`at=0x${offset.toString(16)}`]),
  ];
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

/** The moment at which a step was done, and the next had not begun. */
export function doneMs({ stepNo, startedMs, ms }: StepView, { steps }: ExperimentView): number {
  const next = steps[stepNo];
  return Math.min(Math.ceil(startedMs + (ms ?? 0)) + 1, next ? next.startedMs - 1 : Number.POSITIVE_INFINITY);
}

/** The terminal one sees before one has chosen: the workload's that opened last, else the last of all. */
export const firstShown = <T extends { kind: string }>(terminals: readonly T[]): T | undefined =>
  terminals.findLast((t) => t.kind === "workload") ?? terminals.at(-1);

/** Of terminals that have just opened, the one to look at; who is busy in another is called away only by a shell. */
export const comesForward = <T extends { kind: string }>(opened: readonly T[], busy: boolean): T | undefined =>
  opened.findLast((t) => t.kind === "shell") ?? (busy ? undefined : opened.at(-1));
