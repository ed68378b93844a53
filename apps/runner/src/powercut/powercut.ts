/**
 * Pulls the plug of a guest that relinks unlinked files, boots it again and looks: the filesystem is clean, and every
 * image that was reported complete restores with its contents whole.
 */
import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BuiltImage, BuiltKernel } from "../build/index.js";
import { bootGuest, type Guest } from "../guest/guest.js";
import type { ExtraDisk } from "../vm/command-line.js";
import { makeOverlay } from "../vm/disk.js";
import { checkScript, type FileSystem, formatScript, workScript } from "./scripts.js";

export interface PowerCutOptions {
  kernel: BuiltKernel;
  image: BuiltImage;
  /** For disks and guests; made here, removed at the end. */
  dir: string;
  fs: FileSystem;
  cuts: number;
  seed: number;
  /** Told of every cut. */
  log?: (line: string) => void;
}

export interface PowerCutResult {
  fs: FileSystem;
  cuts: number;
  /** Images that were there after a cut, and restored. */
  restored: number;
  /** What must not be; empty if all is well. */
  failures: string[];
}

const diskBytes = 512 * 2 ** 20;
const memMiB = 384;
/** For what hangs; a loaded machine is slow. */
const WORK_LIMIT_MS = 1_200_000;
const CHECK_LIMIT_MS = 1_200_000;

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export async function powerCuts(options: PowerCutOptions): Promise<PowerCutResult> {
  const { dir, fs, cuts, log } = options;
  const random = seeded(options.seed);
  const result: PowerCutResult = { fs, cuts: 0, restored: 0, failures: [] };
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  try {
    const base = await format(options);
    for (let i = 1; i <= cuts; i++) {
      const file = join(dir, "cut.qcow2");
      rmSync(file, { force: true });
      await makeOverlay(file, base);
      const plan = { lines: 1 + Math.floor(random() * 12), ms: Math.floor(random() ** 2 * 400) };
      const { done, restored, progress, problem } = await work(options, { base, file }, plan);
      const found = await check(options, { base, file });
      const failures = [...(problem ? [problem] : []), ...judge(done, restored, found)];
      result.cuts++;
      result.restored += found.whole.size;
      for (const failure of failures) result.failures.push(`${fs}, cut ${i} (${progress}): ${failure}`);
      const verdict = failures.length === 0 ? "well" : failures.join("; ");
      log?.(`${fs} cut ${i}: ${plan.ms} ms after "${progress}", ${found.whole.size} images restored: ${verdict}`);
    }
    return result;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function boot({ kernel, image, dir }: PowerCutOptions, extraDisk: ExtraDisk): Promise<Guest> {
  return bootGuest({ kernel, image, memMiB, cpus: 2, accel: "auto", dir: join(dir, "guest"), extraDisk });
}

async function format(options: PowerCutOptions): Promise<string> {
  const file = join(options.dir, "base.img");
  writeFileSync(file, "");
  truncateSync(file, diskBytes);
  const guest = await boot(options, { file });
  try {
    const { exitCode, stderr } = await guest.exec(["sh", "-c", formatScript(options.fs)]);
    if (exitCode !== 0) throw new Error(`cannot make ${options.fs}: ${stderr}`);
  } finally {
    await guest.stop();
  }
  return file;
}

interface Work {
  /** Images that were reported complete and must be there. */
  done: Set<string>;
  /** Images that a restart has begun to use up: it takes their names away. */
  restored: Set<string>;
  /** The last line before the cut. */
  progress: string;
  problem?: string;
}

/** Runs the loop, and pulls the plug `ms` after the given line of its progress. */
async function work(options: PowerCutOptions, disk: ExtraDisk, plan: { lines: number; ms: number }): Promise<Work> {
  const guest = await boot(options, disk);
  const done = new Set<string>();
  const restored = new Set<string>();
  let text = "";
  let lines = 0;
  let progress = "nothing";
  let reached: () => void = () => undefined;
  const due = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const take = (line: string): void => {
    const [word = "", n = ""] = line.split(" ");
    progress = line;
    if (word === "done") done.add(n);
    if (word === "restore") restored.add(n);
    // From now on it may be gone.
    if (word === "restore" || word === "collect") done.delete(n);
    if (++lines === plan.lines) reached();
  };
  const ended = guest
    .exec(["sh", "-c", workScript(options.fs)], {
      onStdout: (bytes) => {
        text += bytes.toString();
        const whole = text.split("\n");
        text = whole.pop() ?? "";
        for (const line of whole) take(line);
      },
    })
    .then(
      ({ stderr }) => `the loop ended: ${progress} ${stderr.toString().trim()}`,
      () => undefined,
    );
  const late = new Promise<string>((resolve) => {
    setTimeout(() => resolve(`no progress after "${progress}"`), WORK_LIMIT_MS).unref();
  });
  const problem = await Promise.race([due, ended, late]);
  if (problem === undefined) await new Promise((resolve) => setTimeout(resolve, plan.ms));
  await guest.discard();
  await ended;
  return { done, restored, progress, ...(typeof problem === "string" && { problem }) };
}

interface Found {
  /** Images that restored, and what the process said of its file. */
  whole: Map<string, string>;
  /** Images that did not restore, and why. */
  lost: Map<string, string>;
  problems: string[];
}

async function check(options: PowerCutOptions, disk: ExtraDisk): Promise<Found> {
  const guest = await boot(options, disk);
  try {
    const { stdout, stderr } = await guest.exec(["sh", "-c", checkScript(options.fs)], { timeoutMs: CHECK_LIMIT_MS });
    const log = await guest.exec(["dmesg", "--level", "err,crit,alert,emerg"]);
    const found = readCheck(stdout.toString());
    if (!/^fsck \d+$/m.test(stdout.toString())) found.problems.push(`the check came to no end: ${stdout}${stderr}`);
    // What the kernel calls an error while it replays is one.
    const errors = log.stdout
      .toString()
      .split("\n")
      .filter((line) => /EXT4-fs error|XFS.*corrupt|BTRFS error|F2FS.*corrupt/i.test(line));
    return { ...found, problems: [...found.problems, ...errors] };
  } finally {
    await guest.discard();
  }
}

export function readCheck(output: string): Found {
  const whole = new Map<string, string>();
  const lost = new Map<string, string>();
  const problems: string[] = [];
  for (const line of output.split("\n")) {
    const [word = "", n = "", ...rest] = line.split(" ");
    if (word === "whole") whole.set(n, rest.join(" "));
    else if (word === "lost") lost.set(n, line);
    else if (word === "damaged" || word === "broken:") problems.push(line);
    else if (word === "fsck" && n !== "0") problems.push(`fsck says ${n}: ${output.slice(output.indexOf(line))}`);
  }
  return { whole, lost, problems };
}

/** An image that was reported is there and whole; one that is there is whole. */
export function judge(done: ReadonlySet<string>, restored: ReadonlySet<string>, found: Found): string[] {
  const missing = [...done]
    .filter((n) => !found.whole.has(n))
    .map((n) => `image ${n} was reported complete and is lost`);
  const wrong = [...found.whole].filter(([, verdict]) => !verdict.startsWith("verify: ok"));
  return [
    ...missing,
    ...wrong.map(([n, verdict]) => `image ${n} is not what it was: ${verdict}`),
    ...[...found.lost].filter(([n]) => !restored.has(n)).map(([, line]) => line),
    ...found.problems,
  ];
}
