/**
 * A sweep: one experiment over a grid of settings, several times each. Every run is an ordinary experiment;
 * a sweep is which of them there are, and in which order. Pure.
 */
import { z } from "zod";
import { beyondCriu } from "./engines.js";
import { kernelVariant, labKernel, manifest, type Step, tracker } from "./experiment.js";
import type { ExperimentFile } from "./experiment-file.js";
import { sheetOf } from "./sheet.js";
import { findWorkload } from "./workloads.js";

const MAX_SWEEP_RUNS = 500;
const MAX_VALUES = 32;

const values = <T extends z.ZodType>(of: T) => z.array(of).min(1).max(MAX_VALUES);
const unlinkedPolicy = z.enum(["auto", "relink", "copy"]);
const OPTION = /^--[a-z][a-z0-9-]{0,31}$/;

/** What may be varied: settings of the guest and of checkpoints by their names, and options of workloads: `--rate`. */
export const sweepAxes = z
  .object({
    kernel: values(kernelVariant).optional(),
    engine: values(manifest.shape.engine.unwrap()).optional(),
    accel: values(manifest.shape.accel.unwrap()).optional(),
    memMiB: values(manifest.shape.memMiB.unwrap()).optional(),
    cpus: values(manifest.shape.cpus.unwrap()).optional(),
    tracker: values(tracker).optional(),
    unlinked: values(unlinkedPolicy).optional(),
  })
  .catchall(values(z.union([z.string().max(256), z.number()])));

const namedAxes = Object.keys(sweepAxes.shape);

export const sweepGrid = z.strictObject({
  /** How often each point is measured. */
  repeats: z.int().min(1).max(50).default(3),
  /** Nothing: the same again and again, to know how far its figures spread. */
  over: sweepAxes.default({}),
});
export type SweepGrid = z.infer<typeof sweepGrid>;

export type Setting = string | number;
/** One point of the grid: a value for each axis, the lab's own before those of workloads. */
export type SweepPoint = Readonly<Record<string, Setting>>;

/** What a sweep needs of an experiment file. */
interface Base {
  title: string;
  steps: readonly Step[];
  sweep?: SweepGrid | undefined;
}

export interface SweepFault {
  path: (string | number)[];
  message: string;
}

const axesOf = (grid: SweepGrid): [axis: string, values: readonly Setting[]][] =>
  Object.entries(grid.over).filter((entry): entry is [string, Setting[]] => entry[1] !== undefined);

/** Nothing is varied: all runs are of one kind. */
export const isRepeated = (grid: SweepGrid): boolean => axesOf(grid).length === 0;

/** What is wrong with a grid for these steps: an axis that nothing is varied by, a value twice, too many runs. */
export function sweepFaults(file: Base): SweepFault[] {
  const { sweep } = file;
  if (sweep === undefined) return [];
  const at = ["sweep", "over"];
  const axes = axesOf(sweep);
  if (axes.length === 0 && sweep.repeats === 1)
    return [{ path: at, message: `name what to vary: ${namedAxes.join(", ")}, or --option; or repeat it` }];
  const faults: SweepFault[] = [];
  for (const [axis, list] of axes) {
    const fault = (message: string) => faults.push({ path: [...at, axis], message });
    if (new Set(list.map(String)).size < list.length) fault("a value stands there twice");
    if (axis.startsWith("--")) {
      if (!OPTION.test(axis)) fault("an option is -- and small letters, digits and hyphens");
      else if (!file.steps.some((s) => optionAt(s, axis) !== -1))
        fault(`no start step gives ${axis} to a workload: name it there, with any value`);
    } else if (!namedAxes.includes(axis))
      fault(`nothing can be varied by this name; allowed: ${namedAxes.join(", ")}, or a workload's --option`);
    else if (axis === "tracker" && !file.steps.some(startsTracker)) fault("no step takes a full checkpoint");
    else if (axis === "unlinked" && !file.steps.some(writesImage)) fault("no step takes a checkpoint");
    else if (axis === "engine" && list.includes("criu")) {
      const { tracker, unlinked } = sweep.over;
      const asked = sweepPoints({ repeats: 1, over: { ...(tracker && { tracker }), ...(unlinked && { unlinked }) } });
      const beyond = asked.flatMap((point) => file.steps.flatMap((s) => beyondCriu(stepAtPoint(s, point)) ?? []))[0];
      if (beyond !== undefined) fault(`CRIU has nothing for ${beyond}`);
    } else if (axis === "kernel" && file.steps.every((s) => s.kind !== "boot" || s.kernel !== undefined))
      fault("every boot step names its kernel already");
  }
  const runs = axes.reduce((n, [, list]) => n * list.length, sweep.repeats);
  if (runs > MAX_SWEEP_RUNS) faults.push({ path: ["sweep"], message: `${runs} runs: at most ${MAX_SWEEP_RUNS}` });
  return faults;
}

const writesImage = (step: Step) => step.kind === "checkpoint" && !step.dryRun;
const startsTracker = (step: Step) => step.kind === "checkpoint" && !step.dryRun && step.mode === "full";

const argsOf = (step: Step): readonly string[] =>
  step.kind !== "start"
    ? []
    : (step.args ?? (step.workload === undefined ? step.command : findWorkload(step.workload)?.args) ?? []);

/** Where an option's value stands among a workload's arguments; -1: nowhere. */
function optionAt(step: Step, option: string): number {
  const args = argsOf(step);
  const at = args.indexOf(option);
  return at === -1 || at + 1 >= args.length ? -1 : at + 1;
}

/** The axes that a sweep of these steps may have, each with its values where they are few, or the one there is. */
export function possibleAxes(
  file: Pick<ExperimentFile, "steps" | "memMiB" | "cpus">,
  kernels: readonly string[] = labKernel.options,
): Record<string, readonly Setting[]> {
  const options = file.steps.flatMap((step) =>
    argsOf(step).flatMap((arg, i, args): [string, Setting[]][] => {
      const value = args[i + 1];
      return OPTION.test(arg) && value !== undefined && !value.startsWith("-") ? [[arg, [value]]] : [];
    }),
  );
  return {
    ...(file.steps.some((s) => s.kind === "boot" && s.kernel === undefined) ? { kernel: kernels } : {}),
    ...(file.steps.some(startsTracker) ? { tracker: tracker.options } : {}),
    ...(file.steps.some(writesImage) ? { unlinked: unlinkedPolicy.options } : {}),
    ...(file.steps.some(writesImage) && file.steps.every((s) => beyondCriu(s) === null)
      ? { engine: manifest.shape.engine.unwrap().options }
      : {}),
    memMiB: [file.memMiB],
    cpus: [file.cpus],
    ...Object.fromEntries(options),
  };
}

/** All points, the last axis fastest. */
export function sweepPoints(grid: SweepGrid): SweepPoint[] {
  return axesOf(grid).reduce<Record<string, Setting>[]>(
    (points, [axis, list]) => points.flatMap((point) => list.map((value) => ({ ...point, [axis]: value }))),
    [{}],
  );
}

export interface SweepRunPlan {
  no: number;
  point: number;
  repeat: number;
}

/** All runs in their order: each point once, then each once more, so that what drifts drifts over all of them. */
export function sweepRuns(grid: SweepGrid): SweepRunPlan[] {
  const points = sweepPoints(grid).length;
  return Array.from({ length: points * grid.repeats }, (_, i) => ({
    no: i,
    point: i % points,
    repeat: Math.floor(i / points),
  }));
}

export const describePoint = (point: SweepPoint): string =>
  Object.entries(point)
    .map(([axis, value]) => `${axis} ${value}`)
    .join(", ") || "as it is";

/** A step at one point: what stands for its checkpoints, and for options of its workload. */
function stepAtPoint(step: Step, point: SweepPoint): Step {
  if (step.kind === "checkpoint")
    return {
      ...step,
      ...(point.tracker !== undefined && startsTracker(step) ? { tracker: tracker.parse(point.tracker) } : {}),
      ...(point.unlinked !== undefined && writesImage(step) ? { unlinked: unlinkedPolicy.parse(point.unlinked) } : {}),
    };
  const set = Object.entries(point).filter(([axis]) => axis.startsWith("--") && optionAt(step, axis) !== -1);
  if (step.kind !== "start" || set.length === 0) return step;
  const args = [...argsOf(step)];
  for (const [option, value] of set) args[optionAt(step, option)] = String(value);
  return step.args === undefined && step.command !== undefined ? { ...step, command: args } : { ...step, args };
}

/** The experiment at one point. */
export function fileAtPoint({ sweep: _, ...file }: ExperimentFile, point: SweepPoint): ExperimentFile {
  const settings = Object.entries(point).filter(([axis]) => axis in manifest.shape);
  const name = Object.keys(point).length === 0 ? file.title : `${file.title}: ${describePoint(point)}`;
  return {
    title: name.length > 120 ? `${name.slice(0, 119)}…` : name,
    ...sheetOf(file),
    ...manifest.strip().parse({ ...file, ...Object.fromEntries(settings) }),
    steps: file.steps.map((step) => stepAtPoint(step, point)),
  };
}
