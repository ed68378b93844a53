/** A variant's source tree: the pristine tree by hard links, with the touched files written over it. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { type Progress, runLogged } from "./command.js";
import type { TouchedFiles } from "./patchset.js";
import { cacheDir, makeDir } from "./paths.js";
import type { KernelSource } from "./source.js";

const state = z.object({ source: z.string(), touched: z.array(z.string()) });

/** The folder in which a variant is built: `src` is its tree, `obj` what make makes of it. */
export function buildDir(variant: string, ...parts: string[]): string {
  return cacheDir("build", variant, ...parts);
}

/**
 * Brings a variant's tree up to date. Only files whose content changes are written, so that make rebuilds just what
 * depends on them; a file the patch set no longer touches goes back to its pristine content.
 */
export async function updateTree(
  variant: string,
  source: KernelSource,
  touched: TouchedFiles,
  progress: Progress,
): Promise<string> {
  const tree = buildDir(variant, "src");
  const statePath = buildDir(variant, "tree.json");
  const before = readState(statePath);
  if (before?.source !== source.hash || !existsSync(tree)) {
    // Objects of another kernel release would look newer than this one's sources.
    rmSync(buildDir(variant), { recursive: true, force: true });
    makeDir(buildDir(variant));
    progress(`laying out Linux ${source.version}`);
    await runLogged(["cp", "--archive", "--link", source.pristine, `${tree}.new`], {
      purpose: `laying out Linux ${source.version}`,
      logPath: cacheDir("logs", `kernel-${variant}.log`),
    });
    renameSync(`${tree}.new`, tree);
  }
  const gone = (before?.touched ?? []).filter((path) => !touched.has(path));
  // The state names every file that may differ from pristine, also when this process dies half way.
  writeState(statePath, { source: source.hash, touched: [...touched.keys(), ...gone] });
  for (const path of gone) writeIfDifferent(tree, path, contentOf(join(source.pristine, path)));
  for (const [path, content] of touched) {
    if (writeIfDifferent(tree, path, content)) progress(`updated ${path}`);
  }
  writeState(statePath, { source: source.hash, touched: [...touched.keys()] });
  return tree;
}

function readState(path: string): z.infer<typeof state> | undefined {
  if (!existsSync(path)) return undefined;
  const parsed = state.safeParse(JSON.parse(readFileSync(path, "utf8")));
  return parsed.success ? parsed.data : undefined;
}

function writeState(path: string, value: z.infer<typeof state>): void {
  writeFileSync(`${path}.new`, JSON.stringify(value));
  renameSync(`${path}.new`, path);
}

function contentOf(path: string): Buffer | undefined {
  return existsSync(path) ? readFileSync(path) : undefined;
}

/** Never writes through a hard link: the pristine tree is on its other end. */
function writeIfDifferent(tree: string, path: string, content: Buffer | undefined): boolean {
  const full = join(tree, path);
  const current = contentOf(full);
  if (content === undefined) {
    if (current === undefined) return false;
    rmSync(full);
    removeEmptyFolders(tree, dirname(path));
    return true;
  }
  if (current?.equals(content)) return false;
  mkdirSync(dirname(full), { recursive: true });
  const temporary = `${full}.${createHash("sha1").update(path).digest("hex").slice(0, 8)}.new`;
  const script = content.subarray(0, 2).toString() === "#!";
  writeFileSync(temporary, content, { mode: script ? 0o755 : 0o644 });
  renameSync(temporary, full);
  return true;
}

function removeEmptyFolders(tree: string, folder: string): void {
  for (let path = folder; path !== "." && path !== "/"; path = dirname(path)) {
    try {
      rmdirSync(join(tree, path));
    } catch {
      return;
    }
  }
}
