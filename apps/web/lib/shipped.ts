/** The experiments that come with the lab: the files in experiments/. */
import "server-only";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExperimentFile } from "@crlab/shared";
import { formatFileError, parseExperimentFile } from "@crlab/shared/parse";

export interface ShippedExperiment {
  name: string;
  file: ExperimentFile;
  /** As it is written, for those who change it. */
  text: string;
}

/** In the order of their names. A file that does not parse is left out, and the console's output says why. */
export async function shippedExperiments(): Promise<ShippedExperiment[]> {
  const folder = join(process.env.CRLAB_ROOT ?? join(process.cwd(), "../.."), "experiments");
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).sort();
  const parsed = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), "utf8");
      const result = parseExperimentFile(text, name);
      if (result.ok) return [{ name, file: result.file, text: text.replace(/^# yaml-language-server:.*\n/, "") }];
      for (const error of result.errors) console.error(`console: experiments/${formatFileError(error)}`);
      return [];
    }),
  );
  return parsed.flat();
}

/** How long a file's steps take where nothing has been measured yet, in ms: a guess, and shown as one. */
export function guessDurationMs(file: ExperimentFile): number {
  const guesses: Partial<Record<string, number>> = { boot: 4000, verify: 3000, wait: 2500, run: 1500 };
  return file.steps.reduce((sum, step) => sum + (guesses[step.kind] ?? 800), 0);
}
