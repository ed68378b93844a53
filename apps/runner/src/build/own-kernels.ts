/**
 * Kernels of one's own: one of the lab's with changes, under a name. Each stays what it was when it was built, until it is
 * built again; so two of them can be compared, whatever becomes of the sources.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { kernelVariant, type LabKernel, labKernel } from "@crlab/shared";
import { z } from "zod";
import { changesByPatches, changesInTree, describeFiles, patchesAt, shortChange } from "./changes.js";
import type { Progress } from "./command.js";
import { BuildError } from "./errors.js";
import { short } from "./hash.js";
import { parseConfig } from "./kconfig.js";
import { type BuiltKernel, buildWith, type Changes, kernelAt, labTree } from "./kernel.js";
import { cacheDir, makeDir } from "./paths.js";
import { buildDir } from "./tree.js";

const definition = z.strictObject({
  name: kernelVariant,
  on: labKernel,
  /** Absolute paths of where the changes come from. */
  patches: z.string().optional(),
  tree: z.string().optional(),
  config: z.string().optional(),
  kernelHash: z.string().optional(),
});
export type OwnKernel = z.infer<typeof definition>;

const definitionPath = (name: string) => cacheDir("own-kernels", `${name}.json`);

function readOwnKernel(name: string): OwnKernel | undefined {
  const path = definitionPath(name);
  if (!kernelVariant.safeParse(name).success || !existsSync(path)) return undefined;
  return definition.parse(JSON.parse(readFileSync(path, "utf8")));
}

/** By name. */
export function ownKernels(): OwnKernel[] {
  const dir = cacheDir("own-kernels");
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .flatMap((file) => readOwnKernel(file.slice(0, -".json".length)) ?? []);
}

/** As it was built last. */
export function findOwnKernel(name: string): BuiltKernel | undefined {
  const own = readOwnKernel(name);
  return own?.kernelHash === undefined ? undefined : kernelAt(own.name, own.kernelHash);
}

/** More of them in a fingerprint say no more. */
const MAX_CHANGES = 40;

/** Builds it anew from where its changes come from. */
export async function buildOwnKernel(own: OwnKernel, progress: Progress): Promise<BuiltKernel> {
  const tree = await labTree(own.on, progress);
  const files =
    own.patches !== undefined
      ? changesByPatches(tree, patchesAt(own.patches))
      : own.tree !== undefined
        ? changesInTree(tree, own.tree)
        : new Map();
  const options = own.config === undefined ? [] : [...parseConfig(readConfig(own.config))];
  const described = describeFiles(tree, files);
  const said = [...described.map(shortChange), ...options.map(([name, value]) => `${name}=${value}`)];
  const changes: Changes = {
    on: own.on,
    files,
    ...(own.config === undefined ? {} : { config: own.config }),
    said:
      said.length > MAX_CHANGES
        ? [...said.slice(0, MAX_CHANGES - 1), `and ${said.length - MAX_CHANGES + 1} more`]
        : said,
    diff: described.map(({ diff }) => diff).join(""),
  };
  progress(said.length === 0 ? `the same as ${own.on}` : `${own.on} and ${said.slice(0, 5).join(", ")}`);
  const kernel = await buildWith(own.name, tree, changes, progress);
  write({ ...own, kernelHash: kernel.kernelHash });
  return kernel;
}

function readConfig(path: string): string {
  if (!existsSync(path)) throw new BuildError(`there is no ${path}`);
  const text = readFileSync(path, "utf8");
  if (parseConfig(text).size === 0) throw new BuildError(`${path} sets no option: CONFIG_NAME=value, one a line`);
  return text;
}

function write(own: OwnKernel): void {
  const path = definitionPath(own.name);
  makeDir(cacheDir("own-kernels"));
  writeFileSync(`${path}.new`, `${JSON.stringify(own, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

/** What was asked for, or, of a name that is known and without more words, what it was made of before. */
export function ownKernelOf(
  name: string,
  from: { on?: LabKernel; patches?: string; tree?: string; config?: string },
): OwnKernel {
  const before = readOwnKernel(name);
  const asked = Object.values(from).some((value) => value !== undefined);
  if (!asked && before) return before;
  const { on = "cr", patches, tree, config } = from;
  if (patches === undefined && tree === undefined && config === undefined)
    throw new BuildError(`there is no kernel "${name}" yet`, {
      advice: `Say what to change: crlab kernel build ${name} --patches DIR, --tree DIR or --config FILE.`,
    });
  return {
    ...{ name, on },
    ...(patches === undefined ? {} : { patches: resolve(patches) }),
    ...(tree === undefined ? {} : { tree: resolve(tree) }),
    ...(config === undefined ? {} : { config: resolve(config) }),
  };
}

/** It and what it was built in. Experiments that ran on it keep their results. */
export function removeOwnKernel(name: string): void {
  const own = readOwnKernel(name);
  if (!own) throw new BuildError(`there is no kernel "${name}" of yours`);
  rmSync(definitionPath(name));
  if (own.kernelHash !== undefined)
    rmSync(join(cacheDir("kernels"), `${name}-${short(own.kernelHash)}`), { recursive: true, force: true });
  rmSync(buildDir(name), { recursive: true, force: true });
}
