/** What somebody changes in one of the lab's kernels: by patches on top of it, or in a tree of one's own. */
import { spawnSync } from "node:child_process";
import {
  type Dirent,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { BuildError } from "./errors.js";
import { filesUnder } from "./hash.js";
import { applyPatch, patchTargets, type TouchedFiles } from "./patchset.js";
import { cacheDir, makeDir } from "./paths.js";
import { type KernelSource, kernelVersion } from "./source.js";

/** The files of a kernel: the pristine ones, with those of the patch set over them. */
export interface Tree {
  source: KernelSource;
  touched: TouchedFiles;
}

function contentIn({ source, touched }: Tree, path: string): Buffer | undefined {
  if (touched.has(path)) return touched.get(path);
  const full = join(source.pristine, path);
  return existsSync(full) ? readFileSync(full) : undefined;
}

function inScratch<T>(work: (scratch: string) => T): T {
  const scratch = mkdtempSync(join(makeDir(cacheDir("tmp")), "changes-"));
  try {
    return work(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function put(path: string, content: Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** A patch, or a folder's patches in the order of their names. */
export function patchesAt(path: string): string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) throw new BuildError(`there is no ${path}`, { advice: "Name a patch, or a folder of them." });
  if (!stat.isDirectory()) return [path];
  const names = filesUnder(path).filter((name) => /\.(patch|diff)$/.test(name));
  if (names.length === 0) throw new BuildError(`there is no .patch or .diff file in ${path}`);
  return names.map((name) => join(path, name));
}

/** What these patches make of the kernel, file by file. */
export function changesByPatches(tree: Tree, patches: readonly string[]): TouchedFiles {
  return inScratch((scratch) => {
    const changed: TouchedFiles = new Map();
    for (const patch of patches) {
      const targets = patchTargets(readFileSync(patch, "utf8"));
      if (targets.length === 0) throw new BuildError(`${patch} is no patch: it speaks of no file`);
      for (const target of targets) {
        if (target.startsWith("/") || target.split("/").includes(".."))
          throw new BuildError(`${patch} names the path ${target}`, { advice: "Make it with diff -u a/… b/…" });
        const content = changed.has(target) ? undefined : contentIn(tree, target);
        if (content !== undefined) put(join(scratch, target), content);
      }
      applyPatch(patch, patch, scratch, tree.source);
      for (const target of targets) {
        const result = join(scratch, target);
        changed.set(target, existsSync(result) ? readFileSync(result) : undefined);
      }
    }
    return onlyDifferent(tree, changed);
  });
}

function onlyDifferent(tree: Tree, changed: TouchedFiles): TouchedFiles {
  return new Map(
    [...changed].filter(([path, content]) => {
      const before = contentIn(tree, path);
      return before === undefined || content === undefined ? before !== content : !before.equals(content);
    }),
  );
}

/** In what a changed copy of the kernel's tree differs from it. What make has put there does not count. */
export function changesInTree(tree: Tree, dir: string): TouchedFiles {
  const { source, touched } = tree;
  const makefile = join(dir, "Makefile");
  const version = existsSync(makefile) ? kernelVersion(readFileSync(makefile, "utf8")) : undefined;
  if (version !== source.version)
    throw new BuildError(
      version === undefined
        ? `${dir} is no kernel tree`
        : `${dir} is Linux ${version}, and the lab's is ${source.version}`,
      { advice: "Begin with a copy of the lab's own tree: build/cr/src in the cache." },
    );
  const known = new Set([...sourceFiles(source.pristine), ...touched.keys()]);
  const changed: TouchedFiles = new Map();
  for (const path of known) {
    const there = lstatSync(join(dir, path), { throwIfNoEntry: false });
    const here = touched.has(path) ? undefined : lstatSync(join(source.pristine, path));
    // A link of the same file has the same content; most of a copy are.
    if (here && there && here.ino === there.ino && here.dev === there.dev) continue;
    const before = contentIn(tree, path);
    const after = there?.isFile() ? readFileSync(join(dir, path)) : undefined;
    if (before === undefined ? after !== undefined : after === undefined || !before.equals(after))
      changed.set(path, after);
  }
  for (const path of unignored(dir)) if (!known.has(path)) changed.set(path, readFileSync(join(dir, path)));
  return changed;
}

/** Regular files as relative paths; hidden ones too, which a kernel has. */
function sourceFiles(dir: string, under = ""): string[] {
  return readdirSync(join(dir, under), { withFileTypes: true }).flatMap((entry: Dirent) => {
    const path = under === "" ? entry.name : `${under}/${entry.name}`;
    return entry.isDirectory() ? sourceFiles(dir, path) : entry.isFile() ? [path] : [];
  });
}

/** Files that the kernel's own .gitignore does not count among what make makes; the folder need not be git's. */
function unignored(dir: string): string[] {
  return inScratch((scratch) => {
    const git = (...args: string[]) => {
      const at = [`--git-dir=${join(scratch, "git")}`, `--work-tree=${dir}`];
      const { GIT_DIR: _d, GIT_WORK_TREE: _w, GIT_INDEX_FILE: _i, ...env } = process.env;
      const result = spawnSync("git", [...at, ...args], { cwd: dir, env, encoding: "utf8", maxBuffer: 256 << 20 });
      if (result.status !== 0) throw new BuildError(`cannot list ${dir}: ${result.stderr || result.error?.message}`);
      return result.stdout;
    };
    git("init", "--quiet");
    return git("ls-files", "--others", "--exclude-standard", "-z")
      .split("\0")
      .filter((path) => path !== "" && lstatSync(join(dir, path)).isFile())
      .filter((path) => !/~$|\.(orig|rej|swp)$/.test(path));
  });
}

export interface FileChange {
  path: string;
  added: number;
  removed: number;
  /** As diff -u shows it. */
  diff: string;
}

/** Each change as a diff, in the order of the paths. */
export function describeFiles(tree: Tree, changed: TouchedFiles): FileChange[] {
  return inScratch((scratch) =>
    [...changed]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, after]) => {
        const before = contentIn(tree, path);
        const sides = [
          ["a", before],
          ["b", after],
        ] as const;
        for (const [side, content] of sides) writeFileSync(join(scratch, side), content ?? "");
        const labels = sides.flatMap(([side, content]) => [
          "--label",
          content === undefined ? "/dev/null" : `${side}/${path}`,
        ]);
        const { stdout, error } = spawnSync("diff", ["-u", ...labels, "a", "b"], {
          cwd: scratch,
          encoding: "utf8",
          maxBuffer: 64 << 20,
        });
        if (error) throw new BuildError(`cannot start diff: ${error.message}`);
        const lines = stdout.split("\n").slice(2);
        const count = (sign: string) => lines.filter((line) => line.startsWith(sign)).length;
        return { path, added: count("+"), removed: count("-"), diff: stdout };
      }),
  );
}

/** How a fingerprint says it. */
export const shortChange = ({ path, added, removed }: FileChange): string =>
  `${path}${added > 0 ? ` +${added}` : ""}${removed > 0 ? ` -${removed}` : ""}${added + removed === 0 ? " (binary)" : ""}`;
