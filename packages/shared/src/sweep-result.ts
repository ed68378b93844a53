/** What a sweep came to: medians with their spread, and what changes from one setting to the next. Pure. */
import { isFigureCompared } from "./compare.js";
import { describeChanges, describeStep } from "./describe.js";
import type { Fingerprint, Step } from "./experiment.js";
import type { ExperimentFile } from "./experiment-file.js";
import { type Setting, type SweepGrid, type SweepPoint, sweepPoints } from "./sweep.js";
import type { ExperimentView, Verdict } from "./view.js";

/** One run of a sweep, boiled down. */
export interface SweepRunResult {
  no: number;
  point: number;
  repeat: number;
  experiment: string;
  verdict: Verdict;
  reason: string | null;
  /** Its owner says that it does not count, and why. */
  invalid: string | null;
  fingerprint: Fingerprint | null;
  /** By `<step of the plan>.<figure>`. */
  figures: Readonly<Record<string, number>>;
}

export interface SweepMetric {
  /** `<step of the plan, from 1>.<figure>` */
  key: string;
  stepNo: number;
  /** What the step is called. */
  step: string;
  figure: string;
}

/** Figures of a run's planned steps; those that failed or were not reached have none. */
function figuresOfRun(view: ExperimentView): Record<string, number> {
  const figures: Record<string, number> = {};
  view.steps
    .filter((s) => s.planned)
    .forEach((step, at) => {
      if (step.state !== "ok") return;
      for (const [name, value] of Object.entries(step.figures))
        if (typeof value === "number" && isFigureCompared(name)) figures[`${at + 1}.${name}`] = value;
      if (step.kind === "run" && step.ms !== null) figures[`${at + 1}.stepMs`] = step.ms;
    });
  return figures;
}

export function sweepRunResult(
  run: { no: number; point: number; repeat: number; experiment: string },
  view: ExperimentView,
): SweepRunResult {
  return {
    ...run,
    verdict: view.verdict ?? "fail",
    reason: view.reason,
    invalid: view.invalid,
    fingerprint: view.fingerprint,
    figures: figuresOfRun(view),
  };
}

/** The figures there are, in the order of the steps; steps are called by what the file calls them. */
export function sweepMetrics(steps: readonly Step[], runs: readonly SweepRunResult[]): SweepMetric[] {
  const names = steps.map(stepName);
  const keys = [...new Set(runs.flatMap((r) => Object.keys(r.figures)))];
  return keys
    .map((key) => {
      const [no = "", figure = ""] = key.split(".", 2);
      const name = names[Number(no) - 1] ?? `step ${no}`;
      const twice = names.filter((n) => n === name).length > 1;
      return { key, stepNo: Number(no), step: twice ? `${no}. ${name}` : name, figure };
    })
    .sort((a, b) => a.stepNo - b.stepNo);
}

function stepName(step: Step): string {
  if (step.kind === "checkpoint" && step.name !== undefined) return `checkpoint ${step.name}`;
  return step.kind === "start" ? `start ${step.name}` : describeStep(step);
}

export interface Spread {
  n: number;
  median: number;
  least: number;
  most: number;
}

export function spread(numbers: readonly number[]): Spread | null {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) return null;
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle] ?? upper;
  return { n: sorted.length, median: (lower + upper) / 2, least: sorted[0] ?? upper, most: sorted.at(-1) ?? upper };
}

export interface SweepRow {
  point: number;
  settings: SweepPoint;
  runs: SweepRunResult[];
  passed: number;
  figures: Readonly<Record<string, Spread>>;
}

/** One row for each point. Runs that failed or do not count give no figures. */
export function sweepRows(grid: SweepGrid, runs: readonly SweepRunResult[]): SweepRow[] {
  return sweepPoints(grid).map((settings, point) => {
    const own = runs.filter((r) => r.point === point);
    const good = own.filter((r) => r.verdict === "pass" && r.invalid === null);
    const figures: Record<string, Spread> = {};
    for (const key of new Set(good.flatMap((r) => Object.keys(r.figures)))) {
      const found = spread(good.flatMap((r) => r.figures[key] ?? []));
      if (found) figures[key] = found;
    }
    return { point, settings, runs: own, passed: good.length, figures };
  });
}

const times = (n: number): string => (n === 1 ? "once" : `${n} times`);

/** How often points were measured, in words: while runs are missing, not as often as was asked for. */
export function describeRepeats({ repeats }: SweepGrid, rows: readonly SweepRow[]): string {
  const counts = rows.map((row) => row.runs.length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (least >= repeats) return `each measured ${times(repeats)}`;
  if (least === most) return `each measured ${times(least)} so far, of ${repeats}`;
  return `measured ${least} to ${times(most)} so far, of ${repeats}`;
}

/** Whether something is known of how far figures spread: at every point that has any. */
export const hasSpread = (rows: readonly SweepRow[]): boolean =>
  rows.every((row) => Object.values(row.figures).every(({ n }) => n > 1));

/** What changes when one setting does and the others stay. */
export interface Transition {
  axis: string;
  from: Setting;
  to: Setting;
  /** Null: the outcome itself. */
  metric: SweepMetric | null;
  /** In how many of the settings of the other axes, of those that were measured on both sides. */
  in: number;
  of: number;
  /** What there is to say where no ratio says it. */
  text: string;
  /** Of the medians: the smallest, middle and largest ratio; null for outcomes, and where there is nothing to divide by. */
  ratio: Spread | null;
}

/**
 * Outcomes that change come first; then figures, the largest change first. A figure has changed where its spreads on
 * both sides have no value in common.
 */
export function transitions(grid: SweepGrid, rows: readonly SweepRow[], metrics: readonly SweepMetric[]): Transition[] {
  const outcomes: Transition[] = [];
  const changes: Transition[] = [];
  for (const [axis, list] of Object.entries(grid.over)) {
    for (let i = 0; list !== undefined && i + 1 < list.length; i++) {
      const [from, to] = [list[i], list[i + 1]];
      if (from === undefined || to === undefined) continue;
      const pairs = rows
        .filter((row) => row.settings[axis] === from)
        .flatMap((a) =>
          rows
            .filter((b) => b.settings[axis] === to && sameBut(axis, a.settings, b.settings))
            .map((b) => [a, b] as const),
        )
        .filter(([a, b]) => a.runs.length > 0 && b.runs.length > 0);
      const flipped = pairs.filter(([a, b]) => outcome(a) !== outcome(b));
      const [first] = flipped;
      if (first)
        outcomes.push({
          ...{ axis, from, to, metric: null, in: flipped.length, of: pairs.length, ratio: null },
          text: `${outcome(first[0])}, then ${outcome(first[1])}`,
        });
      for (const metric of metrics) {
        const both = pairs.flatMap(([a, b]) => {
          const [x, y] = [a.figures[metric.key], b.figures[metric.key]];
          return x && y ? [[x, y] as const] : [];
        });
        const apart = both.filter(([x, y]) => x.most < y.least || y.most < x.least);
        if (apart.length === 0) continue;
        const ratio = spread(apart.flatMap(([x, y]) => (x.median > 0 && y.median > 0 ? [y.median / x.median] : [])));
        const text = ratio === null ? (apart.every(([x]) => x.median === 0) ? "none before" : "none after") : "";
        changes.push({ axis, from, to, metric, in: apart.length, of: both.length, ratio, text });
      }
    }
  }
  const size = (t: Transition) => (t.ratio === null ? Number.POSITIVE_INFINITY : Math.abs(Math.log(t.ratio.median)));
  return [...outcomes, ...changes.sort((a, b) => size(b) - size(a))];
}

const outcome = (row: SweepRow): string =>
  row.passed === row.runs.length
    ? "all pass"
    : row.passed === 0
      ? "all fail"
      : `${row.runs.length - row.passed} of ${row.runs.length} fail`;

const sameBut = (axis: string, a: SweepPoint, b: SweepPoint): boolean =>
  Object.keys(a).every((other) => other === axis || a[other] === b[other]);

/** What runs differ in besides the axes: their figures differ because of it. */
export function sweepUnlikes(
  file: Pick<ExperimentFile, "sweep">,
  runs: readonly SweepRunResult[],
): { what: string; values: string[] }[] {
  const over = file.sweep?.over ?? {};
  const looked: [what: string, axis: string | null, value: (f: Fingerprint) => string][] = [
    ["accelerator", "accel", (f) => f.accel.toUpperCase()],
    ["kernel", "kernel", (f) => `${f.kernelVariant} ${f.kernelRelease}`],
    ["image", null, (f) => f.imageHash.slice(0, 12)],
    ["QEMU", null, (f) => f.qemuVersion],
    ["memory", "memMiB", (f) => `${f.memMiB} MiB`],
    ["CPUs", "cpus", (f) => String(f.cpus)],
  ];
  const prints = runs.flatMap((r) => (r.fingerprint ? [r.fingerprint] : []));
  const found = looked.flatMap(([what, axis, value]) => {
    const seen = [...new Set(prints.map(value))];
    return seen.length > 1 && !(axis !== null && axis in over) ? [{ what, values: seen }] : [];
  });
  // A variant that was built anew in between is another kernel by the same name.
  for (const variant of new Set(prints.map((f) => f.kernelVariant))) {
    const own = prints.filter((f) => f.kernelVariant === variant);
    for (const [what, value] of [
      ["patch set", (f: Fingerprint) => f.kernelHash.slice(0, 12)],
      ["configuration", (f: Fingerprint) => f.configHash.slice(0, 12)],
    ] as const) {
      const seen = [...new Set(own.map(value))];
      if (seen.length > 1) found.push({ what: `${what} of ${variant}`, values: seen });
    }
  }
  return found;
}

export interface SweptKernel {
  variant: string;
  /** `6.12.117-mine, patch set 0123456789ab, config …: cr and fs/open.c +3 -1` */
  text: string;
}

/** What the kernels are that a sweep is over: a name alone does not say it. */
export function sweptKernels(runs: readonly SweepRunResult[]): SweptKernel[] {
  const found = new Map<string, SweptKernel>();
  for (const { fingerprint: f } of runs) {
    if (f === null || found.has(f.kernelHash)) continue;
    const changes = describeChanges(f);
    const text = `${f.kernelRelease}, patch set ${f.kernelHash.slice(0, 12)}, config ${f.configHash.slice(0, 12)}`;
    found.set(f.kernelHash, {
      variant: f.kernelVariant,
      text: changes === undefined ? text : `${text}: ${changes}`,
    });
  }
  return found.size > 1 ? [...found.values()] : [];
}

const csvCell = (value: string | number): string => {
  const text = String(value);
  // What a spreadsheet would take for a formula is text here.
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** A line for each run, with what is needed to judge it. */
export function sweepCsv(grid: SweepGrid, runs: readonly SweepRunResult[], metrics: readonly SweepMetric[]): string {
  const points = sweepPoints(grid);
  const axes = Object.keys(points[0] ?? {});
  const head = [
    ...axes.map((axis) => axis.replace(/^-+/, "")),
    ...["repeat", "experiment", "verdict", "reason", "invalid"],
    ...[
      "kernel_variant",
      "kernel_release",
      "kernel_hash",
      "kernel_changes",
      "config_hash",
      "image_hash",
      "qemu",
      "accel",
      "guest_mem_mib",
      "guest_cpus",
    ],
    ...metrics.map((m) => `${m.step}: ${m.figure}`),
  ];
  const lines = runs.map((r) => {
    const f = r.fingerprint;
    return [
      ...axes.map((axis) => points[r.point]?.[axis] ?? ""),
      ...[r.repeat + 1, r.experiment, r.verdict, r.reason ?? "", r.invalid ?? ""],
      ...(f
        ? [
            f.kernelVariant,
            f.kernelRelease,
            f.kernelHash,
            describeChanges(f) ?? "",
            f.configHash,
            f.imageHash,
            f.qemuVersion,
            f.accel,
            f.memMiB,
            f.cpus,
          ]
        : Array<string>(10).fill("")),
      ...metrics.map((m) => r.figures[m.key] ?? ""),
    ];
  });
  return `${[head, ...lines].map((line) => line.map(csvCell).join(",")).join("\r\n")}\r\n`;
}
