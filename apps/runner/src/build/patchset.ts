/** The patch set applied: which files of the kernel tree it touches, and what they then hold. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { BuildError } from "./errors.js";
import { filesUnder } from "./hash.js";
import { cacheDir, makeDir, repoRoot } from "./paths.js";
import type { KernelSource } from "./source.js";

export const overlayDir = join(repoRoot, "kernel/linux");
export const patchesDir = join(repoRoot, "kernel/patches");

/** Path in the kernel tree -> content; `undefined`: the patch set removes it. */
export type TouchedFiles = Map<string, Buffer | undefined>;

/** The hook patches, in the order in which they apply. */
export function hookPatches(): string[] {
  return filesUnder(patchesDir).filter((path) => path.endsWith(".patch"));
}

/** The files a patch speaks of. */
export function patchTargets(patch: string): string[] {
  const targets = new Set<string>();
  const header = /^--- (?:a\/)?(\S+).*\n\+\+\+ (?:b\/)?(\S+)/gm;
  for (const [, before, after] of patch.matchAll(header)) {
    for (const path of [before, after]) if (path && path !== "/dev/null") targets.add(path);
  }
  return [...targets];
}

/** What `patch` said of hunks that did not apply: "fs/open.c, hunk 2 (line 117)". */
export function failedHunks(patchOutput: string): string[] {
  const failures: string[] = [];
  let file = "an unknown file";
  for (const line of patchOutput.split("\n")) {
    const target = /^(?:checking|patching) file '?([^'\n]+?)'?(?: .*)?$/.exec(line)?.[1];
    if (target) file = target;
    const hunk = /^Hunk #(\d+) (?:FAILED|ignored) at (\d+)/.exec(line);
    if (hunk) failures.push(`${file}, hunk ${hunk[1]} (line ${hunk[2]})`);
    else if (/can't find file to patch|No file to patch/.test(line)) failures.push("a file that is not in this kernel");
    else if (/malformed patch|Only garbage|unexpectedly ends/.test(line)) failures.push(line.trim());
  }
  return failures;
}

/** Applies the hook patches to copies of the files they touch and lays the overlay over them. */
export function touchedFiles(source: KernelSource): TouchedFiles {
  const touched: TouchedFiles = new Map();
  const scratch = mkdtempSync(join(makeDir(cacheDir("tmp")), "patch-"));
  try {
    for (const name of hookPatches()) {
      for (const target of applyHook(name, scratch, source)) {
        const result = join(scratch, target);
        touched.set(target, existsSync(result) ? readFileSync(result) : undefined);
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  for (const path of filesUnder(overlayDir)) {
    if (touched.has(path) || existsSync(join(source.pristine, path))) {
      throw new BuildError(`kernel/linux/${path} stands in the way of a file that Linux ${source.version} has`, {
        advice: "The overlay holds new files only; changes to existing ones are patches in kernel/patches.",
      });
    }
    touched.set(path, readFileSync(join(overlayDir, path)));
  }
  return touched;
}

/** Applies one hook patch in a scratch tree, into which the files it touches are copied if need be; answers these. */
export function applyHook(name: string, scratch: string, source: KernelSource): string[] {
  const patchPath = join(patchesDir, name);
  const targets = patchTargets(readFileSync(patchPath, "utf8"));
  for (const target of targets) copyPristine(source, target, scratch);
  applyPatch(`kernel/patches/${name}`, patchPath, scratch, source);
  return targets;
}

export function copyPristine(source: KernelSource, path: string, scratch: string): void {
  if (path.startsWith("/") || path.split("/").includes("..")) throw new BuildError(`a patch names the path ${path}`);
  const from = join(source.pristine, path);
  const to = join(scratch, path);
  if (existsSync(to) || !existsSync(from)) return;
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

export function applyPatch(name: string, patchPath: string, scratch: string, source: KernelSource): void {
  const args = ["-p1", "--forward", "--no-backup-if-mismatch", "--reject-file=-", "--batch", "--input", patchPath];
  const result = spawnSync("patch", args, { cwd: scratch, encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
  if (result.error)
    throw new BuildError(`cannot start patch: ${result.error.message}`, { advice: "apt-get install patch" });
  if (result.status === 0) return;
  const text = result.stdout + result.stderr;
  const hunks = failedHunks(text);
  throw new BuildError(
    `${name} does not apply to Linux ${source.version}: ${hunks.join("; ") || text.trim().split("\n").at(-1)}`,
    { logTail: text.trim().split("\n").slice(-20), advice: `Compare with ${source.pristine} and adapt the patch.` },
  );
}
