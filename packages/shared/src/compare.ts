/** Experiments side by side: their steps aligned, their figures with ratios, and in what they are not alike. */
import { describeChanges, describeStep } from "./describe.js";
import type { Fingerprint } from "./experiment.js";
import type { ExperimentView, StepView } from "./view.js";

export interface Unlike {
  what: string;
  /** One of each experiment. */
  values: string[];
}

const engineNames = { kernel: "the kernel's own", criu: "CRIU" };

const environment: readonly [what: string, value: (f: Fingerprint, view: ExperimentView) => string][] = [
  ["engine", (_, { manifest }) => engineNames[manifest?.engine ?? "kernel"]],
  ["accelerator", (f) => f.accel.toUpperCase()],
  ["kernel", (f) => `${f.kernelVariant} ${f.kernelRelease}`],
  ["patch set", (f) => f.kernelHash.slice(0, 12)],
  ["changed in the kernel", (f) => describeChanges(f) ?? "nothing"],
  ["configuration", (f) => f.configHash.slice(0, 12)],
  ["image", (f) => f.imageHash.slice(0, 12)],
  ["QEMU", (f) => f.qemuVersion],
  ["memory", (f) => `${f.memMiB} MiB`],
  ["CPUs", (f) => String(f.cpus)],
];

/** What their figures do not only differ by, but because of. An experiment that never booted is unlike all. */
export function unlikes(views: readonly ExperimentView[]): Unlike[] {
  return environment.flatMap(([what, value]) => {
    const values = views.map((v) => (v.fingerprint === null ? "unknown" : value(v.fingerprint, v)));
    return new Set(values).size > 1 ? [{ what, values }] : [];
  });
}

/** What they all ran on, in the same words. */
export function alikes(views: readonly ExperimentView[]): { what: string; value: string }[] {
  return environment.flatMap(([what, say]) => {
    const values = new Set(views.map((v) => (v.fingerprint === null ? null : say(v.fingerprint, v))));
    const [value] = values;
    return values.size === 1 && typeof value === "string" && value !== "nothing" ? [{ what, value }] : [];
  });
}

export interface AlignedStep {
  what: string;
  /** One of each experiment; null where it has no such step there. */
  steps: (StepView | null)[];
}

const nameOf = (step: StepView): string => describeStep(step.step);

/** Steps that say the same stand in one row, in the order of each experiment; others have a row of their own. */
export function alignSteps(views: readonly ExperimentView[]): AlignedStep[] {
  let rows: AlignedStep[] = [];
  views.forEach((view, at) => {
    const others = Array.from({ length: at }, () => null);
    const aligned: AlignedStep[] = [];
    for (const [row, step] of pair(rows, view.steps)) {
      if (row && step) aligned.push({ ...row, steps: [...row.steps, step] });
      else if (row) aligned.push({ ...row, steps: [...row.steps, null] });
      else if (step) aligned.push({ what: nameOf(step), steps: [...others, step] });
    }
    rows = aligned;
  });
  return rows;
}

/** The longest common subsequence of rows and steps, with what is in only one of them between. */
function pair(
  rows: readonly AlignedStep[],
  steps: readonly StepView[],
): [AlignedStep | undefined, StepView | undefined][] {
  const width = steps.length + 1;
  const longest = new Uint16Array((rows.length + 1) * width);
  const same = (i: number, j: number) => {
    const step = steps[j];
    return step !== undefined && rows[i]?.what === nameOf(step);
  };
  const at = (i: number, j: number) => longest[i * width + j] ?? 0;
  for (let i = rows.length - 1; i >= 0; i--)
    for (let j = steps.length - 1; j >= 0; j--)
      longest[i * width + j] = same(i, j) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const pairs: [AlignedStep | undefined, StepView | undefined][] = [];
  let i = 0;
  let j = 0;
  while (i < rows.length || j < steps.length) {
    if (i < rows.length && j < steps.length && same(i, j)) pairs.push([rows[i++], steps[j++]]);
    else if (j >= steps.length || (i < rows.length && at(i + 1, j) >= at(i, j + 1))) pairs.push([rows[i++], undefined]);
    else pairs.push([undefined, steps[j++]]);
  }
  return pairs;
}

/** Figures of which more or less means something; ids, names and pids do not. */
export const isFigureCompared = (name: string): boolean => COMPARED.test(name);
const COMPARED = /(^bytes|Bytes|Ns|Ms|^pages|Pages|Files|Faults|^tasks|^obstacles|^processes)$/;

export interface FigureRow {
  name: string;
  values: (number | null)[];
}

/** How long a row's steps took, and their figures. */
export function figureRows(row: AlignedStep): FigureRow[] {
  const names = [...new Set(row.steps.flatMap((s) => Object.keys(s?.figures ?? {})))].filter(isFigureCompared);
  const rows = names.map((name) => ({
    name,
    values: row.steps.map((s) => {
      const value = s?.figures[name];
      return typeof value === "number" ? value : null;
    }),
  }));
  return [{ name: "stepMs", values: row.steps.map((s) => s?.ms ?? null) }, ...rows].filter((r) =>
    r.values.some((v) => v !== null && v !== 0),
  );
}

/** To the first experiment, in words: `1.8x`; where there is nothing to divide by, nothing. */
export function ratio(value: number | null, first: number | null): string {
  if (value === null || first === null || first === 0) return "";
  const by = value / first;
  const said = by >= 100 ? Math.round(by) : by >= 10 ? by.toFixed(1) : by >= 0.095 ? by.toFixed(2) : by.toPrecision(2);
  return `${Number(said) === 0 ? 0 : said}x`;
}

/** A step that is not the same in all: another outcome, or missing. */
export const isTransition = (row: AlignedStep): boolean =>
  new Set(row.steps.map((s) => s?.state ?? "missing")).size > 1;
