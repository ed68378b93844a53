/**
 * `npm run cases`: the cases in which files outlive their names and watches outlive their paths, each run now in a guest
 * of its own, beside what another engine makes of it. `--json`: `[{case, fs, rival, ours, ok}]`. Exit 1 if any is not ok.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensureImage, ensureKernel } from "../apps/runner/src/build/index.js";
import { dataDir, makeDir } from "../apps/runner/src/build/paths.js";
import { reportFailure, stage } from "../apps/runner/src/build/stages.js";
import { bootGuest, type Guest } from "../apps/runner/src/guest/guest.js";
import { chooseAccel } from "../apps/runner/src/vm/accel.js";
import { measuredOn, type SeedCase, seedCases } from "./cases/seed-cases.js";
import { kernelTrouble } from "./suites/console-scan.js";
import { readTap } from "./suites/tap.js";

const selftests = "/usr/lib/crlab/selftests";
const LIMIT_MS = 180_000;

interface Row {
  case: string;
  fs: string;
  rival: string;
  ours: string;
  ok: boolean;
}

async function inGuest<T>(work: (guest: Guest) => Promise<T>): Promise<T> {
  const quiet = () => undefined;
  const dir = mkdtempSync(join(makeDir(dataDir("guests")), "cases-"));
  try {
    const guest = await bootGuest({
      ...{ kernel: await ensureKernel("cr", quiet), image: await ensureImage(quiet), dir },
      ...{ memMiB: 512, cpus: 2, accel: (await chooseAccel()).accel },
    });
    try {
      return await work(guest);
    } finally {
      await guest.stop();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Whatever goes wrong, the case has a row, and it says what. */
async function runCase({ name, fs, rival, test, run }: SeedCase): Promise<Row> {
  const { ours, ok } = await inGuest((guest) => judge(guest, test, run, fs)).catch((error: unknown) => ({
    ours: `not run: ${error instanceof Error ? error.message : String(error)}`,
    ok: false,
  }));
  return { case: name, fs, rival, ours, ok };
}

async function judge(guest: Guest, test: string, run: string, fs: string): Promise<{ ours: string; ok: boolean }> {
  const label = `${test} ${run} ${fs}`;
  const there = await guest.exec(["test", "-x", `${selftests}/${test}`]);
  if (there.exitCode !== 0) return { ours: `not covered: the guest has no selftest ${test}`, ok: false };
  const gone = guest.ended.then(({ how, reason }): never => {
    throw new Error(`the guest ${how}: ${reason}`);
  });
  gone.catch(() => {});
  const ran = guest.exec([`${selftests}/${test}`, run, fs], { cwd: "/", timeoutMs: LIMIT_MS });
  ran.catch(() => {});
  const { stdout, stderr: _, ...end } = await Promise.race([ran, gone]);
  const tap = readTap(label, stdout.toString(), end);
  const [failure] = tap.failures;
  if (failure !== undefined) return { ours: `wrong: ${failure.slice(label.length + 2)}`, ok: false };
  if (tap.skipped > 0 || tap.passed === 0) return { ours: "not covered: the selftest skips it", ok: false };
  const trouble = kernelTrouble((await guest.exec(["dmesg"])).stdout.toString())[0];
  if (trouble !== undefined) return { ours: `the kernel complained: ${trouble}`, ok: false };
  return { ours: `right, ${tap.passed} checks`, ok: true };
}

function table(rows: readonly Row[]): string {
  const head = { case: "case", fs: "fs", rival: "CRIU", ours: "here" };
  const lines = [head, ...rows];
  const width = (key: "case" | "fs" | "rival") => Math.max(...lines.map((row) => row[key].length));
  const widths = { case: width("case"), fs: width("fs"), rival: width("rival") };
  return lines
    .map((r) => [r.case.padEnd(widths.case), r.fs.padEnd(widths.fs), r.rival.padEnd(widths.rival), r.ours].join("  "))
    .join("\n");
}

const args = process.argv.slice(2);
const unknown = args.find((arg) => arg !== "--json");
if (unknown !== undefined) {
  process.stderr.write(`cases: unknown argument "${unknown}"\nusage: npm run -s cases [-- --json]\n`);
  process.exit(2);
}
try {
  await stage("kernel cr", (progress) => ensureKernel("cr", progress), { quiet: true });
  await stage("guest image", (progress) => ensureImage(progress), { quiet: true });
  const rows: Row[] = [];
  for (const [i, seed] of seedCases.entries()) {
    const row = await runCase(seed);
    process.stderr.write(`${row.ok ? "✓" : "✗"} [${i + 1}/${seedCases.length}] ${row.case}, ${row.fs}: ${row.ours}\n`);
    rows.push(row);
  }
  const good = rows.filter((row) => row.ok).length;
  if (args.includes("--json")) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else process.stdout.write(`${table(rows)}\n\n${good} of ${rows.length} right. CRIU: ${measuredOn}.\n`);
  process.exit(good === rows.length ? 0 : 1);
} catch (error) {
  reportFailure(error);
  process.exit(1);
}
