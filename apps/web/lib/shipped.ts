/** The experiments that come with the lab: the files in experiments/. */
import "server-only";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type ExperimentFile, sweepRuns } from "@crlab/shared";
import { formatFileError, parseExperimentFile } from "@crlab/shared/parse";

export interface ShippedExperiment {
  name: string;
  file: ExperimentFile;
  /** As it is written, for those who change it. */
  text: string;
}

/** As they were read last, and when they had been changed: reading YAML takes longer than the rest of the home page. */
const known = new Map<string, { changedMs: number; shipped: ShippedExperiment | null }>();

async function readShipped(folder: string, name: string): Promise<ShippedExperiment | null> {
  const path = join(folder, name);
  const { mtimeMs } = await stat(path);
  const before = known.get(path);
  if (before?.changedMs === mtimeMs) return before.shipped;
  const text = await readFile(path, "utf8");
  const result = parseExperimentFile(text, name);
  if (!result.ok) for (const error of result.errors) console.error(`console: experiments/${formatFileError(error)}`);
  const shipped = result.ok
    ? { name, file: result.file, text: text.replace(/^# yaml-language-server:.*\n/, "") }
    : null;
  known.set(path, { changedMs: mtimeMs, shipped });
  return shipped;
}

/** What a first visit begins with, in this order. */
const FIRST = ["first-loop.yaml", "only-what-changed.yaml", "watch-survives.yaml"];

const rank = (name: string): number => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);

/** The first ones, then the others in the order of their names. A file that does not parse is left out, and the console's output says why. */
export async function shippedExperiments(): Promise<ShippedExperiment[]> {
  const folder = join(process.env.CRLAB_ROOT ?? join(process.cwd(), "../.."), "experiments");
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name));
  names.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  const shipped = await Promise.all(names.map((name) => readShipped(folder, name)));
  return shipped.filter((one) => one !== null);
}

/** How long a file's steps take, where nothing has been measured yet, in ms: a guess, and shown as one. */
export function guessRunMs(file: ExperimentFile): number {
  const guesses: Partial<Record<string, number>> = { boot: 4000, verify: 3000, wait: 2500, run: 1500 };
  return file.steps.reduce((sum, step) => sum + (guesses[step.kind] ?? 800), 0);
}

/** … in all of its runs. */
export const guessDurationMs = (file: ExperimentFile): number =>
  guessRunMs(file) * (file.sweep ? sweepRuns(file.sweep).length : 1);
