/** Kernels: built from Debian's source, the patch set and the configuration fragments; kept by content hash. */
import { cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { type KernelVariant, kernelVariant, type LabKernel, labKernel } from "@crlab/shared";
import { z } from "zod";
import type { Tree } from "./changes.js";
import { compilerVersion, type Progress, runLogged } from "./command.js";
import { BuildError } from "./errors.js";
import { hashOf, hashTree, short } from "./hash.js";
import { fragmentsOf, optionsNotTaken } from "./kconfig.js";
import { withLock } from "./lock.js";
import { hookPatches, overlayDir, patchesDir, type TouchedFiles, touchedFiles } from "./patchset.js";
import { cacheDir, makeDir, repoRoot } from "./paths.js";
import { publish } from "./publish.js";
import { ensureSource, findSource, type KernelSource } from "./source.js";
import { buildDir, updateTree } from "./tree.js";

const kernelJson = z.object({
  variant: kernelVariant,
  release: z.string(),
  kernelHash: z.string(),
  configHash: z.string(),
  /** Of one with changes: which of the lab's it was made from, and what they are, in words. */
  on: labKernel.optional(),
  changes: z.array(z.string()).optional(),
  /** When it was built, ISO 8601. */
  built: z.string(),
});

export interface BuiltKernel {
  variant: KernelVariant;
  /** What `uname -r` says in the guest. */
  release: string;
  /** Hash of everything it was built from. */
  kernelHash: string;
  /** Hash of its whole configuration. */
  configHash: string;
  /** Of one with changes: which of the lab's it was made from, and what they are, in words. */
  on?: LabKernel | undefined;
  changes?: string[] | undefined;
  bzImage: string;
}

/** What makes another kernel of one of the lab's. */
export interface Changes {
  on: LabKernel;
  files: TouchedFiles;
  /** A file of options that go over the lab's. */
  config?: string;
  /** In words. */
  said: string[];
  /** As diff -u shows the files. */
  diff: string;
}

/** The kernel with symbols, for gdb: that of the variant's latest build. */
export function vmlinuxPath(variant: KernelVariant): string {
  return buildDir(variant, "obj/vmlinux");
}

/** The up-to-date kernel of the lab's, if it has been built. */
export async function findLabKernel(variant: LabKernel): Promise<BuiltKernel | undefined> {
  const source = await findSource();
  return source && kernelAt(variant, await kernelHash(variant, source));
}

/** The up-to-date kernel of the lab's; builds it if need be, and then only what has changed. */
export async function ensureLabKernel(variant: LabKernel, progress: Progress): Promise<BuiltKernel> {
  const source = await ensureSource(progress);
  const built = kernelAt(variant, await kernelHash(variant, source));
  if (built) return built;
  return withLock(`kernel-${variant}`, progress, async () => {
    const { hash, touched } = await snapshot(variant, source);
    return kernelAt(variant, hash) ?? build({ variant, on: variant, source, hash, touched, progress });
  });
}

/** The files that one of the lab's kernels is made of now. */
export async function labTree(variant: LabKernel, progress: Progress): Promise<Tree> {
  const source = await ensureSource(progress);
  return { source, touched: (await snapshot(variant, source)).touched };
}

/** One of the lab's kernels with changes, under a name of its own. */
export async function buildWith(
  name: KernelVariant,
  { source, touched }: Tree,
  changes: Changes,
  progress: Progress,
): Promise<BuiltKernel> {
  const all: TouchedFiles = new Map([...touched, ...changes.files]);
  const config = changes.config === undefined ? undefined : readFileSync(changes.config);
  const hash = hashOf(
    recipeVersion,
    ...["own", name, changes.on, source.hash, await compilerVersion()],
    ...fragments(changes.on).map((path) => readFileSync(path)),
    ...(config === undefined ? ["-"] : ["+", config]),
    ...[...all].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([path, content]) => [path, content ?? "removed"]),
  );
  return withLock(`kernel-${name}`, progress, async () => {
    const request = { variant: name, on: changes.on, source, hash, touched: all, changes, progress };
    return kernelAt(name, hash) ?? build(request);
  });
}

/** What is to be built, and its hash: of one moment, though somebody may be editing. */
async function snapshot(variant: LabKernel, source: KernelSource): Promise<{ hash: string; touched: TouchedFiles }> {
  for (;;) {
    const hash = await kernelHash(variant, source);
    const touched: TouchedFiles = patched(variant) ? touchedFiles(source) : new Map();
    if ((await kernelHash(variant, source)) === hash) return { hash, touched };
  }
}

function kernelDir(variant: KernelVariant, hash: string): string {
  return cacheDir("kernels", `${variant}-${short(hash)}`);
}

/** The kernel that was built under this name from what has this hash. */
export function kernelAt(variant: KernelVariant, hash: string): BuiltKernel | undefined {
  const dir = kernelDir(variant, hash);
  const path = join(dir, "kernel.json");
  if (!existsSync(path)) return undefined;
  const { built: _, ...kernel } = kernelJson.parse(JSON.parse(readFileSync(path, "utf8")));
  return { ...kernel, bzImage: join(dir, "bzImage") };
}

function fragments(variant: LabKernel): string[] {
  return fragmentsOf[variant].map((name) => join(repoRoot, "kernel/configs", name));
}

const patched = (variant: LabKernel) => variant !== "base";

/** Bumped when the way of building changes what comes out. */
const recipeVersion = "1";

async function kernelHash(variant: LabKernel, source: KernelSource): Promise<string> {
  return hashOf(
    recipeVersion,
    variant,
    source.hash,
    await compilerVersion(),
    ...fragments(variant).map((path) => readFileSync(path)),
    ...(patched(variant) ? [hashTree(overlayDir, patchesDir)] : []),
  );
}

interface Building {
  variant: KernelVariant;
  /** Whose configuration it has. */
  on: LabKernel;
  source: KernelSource;
  hash: string;
  touched: TouchedFiles;
  changes?: Changes;
  progress: Progress;
}

async function build({ variant, on, source, hash, touched, changes, progress }: Building): Promise<BuiltKernel> {
  const logPath = cacheDir("logs", `kernel-${variant}.log`);
  rmSync(logPath, { force: true });
  const tree = await updateTree(variant, source, touched, progress);
  const obj = makeDir(buildDir(variant, "obj"));
  const make = maker({ variant, tree, obj, logPath, progress });
  const options = [...fragments(on), ...(changes?.config === undefined ? [] : [changes.config])];
  const kconfigs = [...touched].filter(([path]) => basename(path).startsWith("Kconfig"));
  const configInputs = hashOf(
    source.hash,
    await compilerVersion(),
    ...options.map((path) => readFileSync(path)),
    ...kconfigs.flatMap(([path, content]) => [path, content ?? ""]),
  );
  await configure({ variant, obj, tree, options, inputs: configInputs, logPath, make, progress });
  await make("bzImage");
  const release = readFileSync(join(obj, "include/config/kernel.release"), "utf8").trim();
  const config = readFileSync(join(obj, ".config"));
  const kernel = {
    ...{ variant, release, kernelHash: hash, configHash: hashOf(config) },
    ...(changes === undefined ? {} : { on, changes: changes.said }),
    built: new Date().toISOString(),
  };
  publish(kernelDir(variant, hash), (dir) => {
    cpSync(join(obj, "arch/x86/boot/bzImage"), join(dir, "bzImage"));
    writeFileSync(join(dir, "config"), config);
    if (changes) writeFileSync(join(dir, "changes.diff"), changes.diff);
    writeFileSync(join(dir, "kernel.json"), `${JSON.stringify(kernel, null, 2)}\n`);
  });
  const result = kernelAt(variant, hash);
  if (!result) throw new BuildError(`the ${variant} kernel was built but is not in ${kernelDir(variant, hash)}`);
  return result;
}

/** What sparse says of our own files, as they were last built: each complaint with file and line. */
export async function sparseCheck(variant: LabKernel, sources: readonly string[]): Promise<string[]> {
  const logPath = cacheDir("logs", `sparse-${variant}.log`);
  rmSync(logPath, { force: true });
  return withLock(`kernel-${variant}`, ignore, async () => {
    const tree = buildDir(variant, "src");
    const obj = buildDir(variant, "obj");
    const complaints: string[] = [];
    const progress = (line: string) => complaints.push(line.replace(`${tree}/`, ""));
    const make = maker({ variant, tree, obj, logPath, progress, shown: /: (warning|error):/ });
    // C=2 checks a file whether or not it needs compiling; a file that no Makefile builds has no object to make.
    // Locks that are taken on a condition are beyond sparse's counting of contexts; lockdep watches them, on debug.
    const objects = sources.map((path) => path.replace(/\.c$/, ".o")).filter((path) => existsSync(join(obj, path)));
    if (objects.length > 0) await make("C=2", "CF=-Wno-context", ...objects);
    // The headers of others, inlined into ours, are for others.
    return complaints.filter((line) => sources.some((path) => line.startsWith(`${path}:`)));
  });
}

const ignore: Progress = () => undefined;

type Make = (...targets: string[]) => Promise<void>;

interface Making {
  variant: KernelVariant;
  tree: string;
  obj: string;
  logPath: string;
  progress: Progress;
  /** Which of make's lines are worth showing. */
  shown?: RegExp;
}

const compileLines = /^(CC|LD|AR|AS|HOSTCC|GEN|OBJCOPY) |(warning|error):/;

function maker({ variant, tree, obj, logPath, progress, shown = compileLines }: Making): Make {
  const { MAKEFLAGS: _flags, MAKELEVEL: _level, ...environment } = process.env;
  const env = {
    ...environment,
    LC_ALL: "C",
    // The same inputs give the same kernel; and compiled objects are shared between variants, whose trees stand at
    // the same place relative to the base directory.
    KBUILD_BUILD_TIMESTAMP: statSync(join(tree, "COPYING")).mtime.toUTCString(),
    KBUILD_BUILD_USER: "crlab",
    KBUILD_BUILD_HOST: "crlab",
    KBUILD_BUILD_VERSION: "1",
    CCACHE_DIR: makeDir(cacheDir("ccache")),
    CCACHE_BASEDIR: buildDir(variant),
    CCACHE_NOHASHDIR: "1",
    CCACHE_MAXSIZE: "5G",
  };
  return async (...targets) => {
    await runLogged(
      // make ends with us, however we end: two makes in one tree would spoil it.
      // biome-ignore format: one option a line says nothing more
      ["setpriv", "--pdeathsig", "TERM", "make", "-C", tree, `O=${obj}`, `-j${availableParallelism()}`,
        "CC=ccache gcc", "HOSTCC=ccache gcc", `LOCALVERSION=-${variant}`, ...targets],
      {
        env,
        logPath,
        purpose: `building the ${variant} kernel`,
        tool: "make",
        progress: (line) => shown.test(line) && progress(line.replace(/\s+/, " ")),
      },
    );
  };
}

interface Configuring {
  variant: KernelVariant;
  obj: string;
  tree: string;
  /** Files of options, later ones over earlier ones. */
  options: readonly string[];
  /** What the configuration depends on, as a hash. */
  inputs: string;
  logPath: string;
  make: Make;
  progress: Progress;
}

async function configure(request: Configuring): Promise<void> {
  const { variant, obj, tree, options, inputs, logPath, make, progress } = request;
  const stampPath = join(obj, ".crlab-config");
  const configPath = join(obj, ".config");
  if (existsSync(configPath) && existsSync(stampPath) && readFileSync(stampPath, "utf8") === inputs) return;
  rmSync(stampPath, { force: true });
  progress("configuring");
  await make("tinyconfig");
  const merge = join(tree, "scripts/kconfig/merge_config.sh");
  await runLogged(["sh", merge, "-m", "-O", obj, configPath, ...options], {
    cwd: obj,
    logPath,
    purpose: `merging the ${variant} kernel's configuration`,
  });
  await make("olddefconfig");
  const missing = optionsNotTaken(
    options.map((path) => readFileSync(path, "utf8")),
    readFileSync(configPath, "utf8"),
  );
  // Without hook patches nothing includes the overlay's Kconfig yet.
  const expected = hookPatches().length === 0 ? /^CONFIG_CHECKPOINT_SYSCALLS=/ : /^$/;
  const wrong = missing.filter((option) => !expected.test(option));
  if (wrong.length > 0) {
    throw new BuildError(`the ${variant} kernel's configuration did not take: ${wrong.join(", ")}`, {
      logPath,
      advice: `Each option of ${options.map((path) => basename(path)).join(", ")} must exist in this kernel and have its dependencies.`,
    });
  }
  writeFileSync(stampPath, inputs);
}
