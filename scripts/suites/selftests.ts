/** The guest selftests: C programs that speak TAP, run on a real kernel, whose console is then searched for trouble. */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { LabKernel } from "@crlab/shared";
import { ensureImage, ensureKernel } from "../../apps/runner/src/build/index.js";
import { dataDir, makeDir } from "../../apps/runner/src/build/paths.js";
import { bootGuest, type Guest } from "../../apps/runner/src/guest/guest.js";
import { chooseAccel } from "../../apps/runner/src/vm/accel.js";
import { kernelTrouble } from "./console-scan.js";
import type { SuiteResult } from "./suite.js";
import { readTap } from "./tap.js";

const selftestsDir = "/usr/lib/crlab/selftests";

/** One selftest that takes longer than this hangs. KASAN and lockdep under TCG take their time. */
const selftestLimitMs = (variant: LabKernel): number => (variant === "debug" ? 3_600_000 : 420_000);

/** Where selftests run. */
export interface Place {
  variant: LabKernel;
  cpus: number;
}

async function boot({ variant, cpus }: Place, dir: string): Promise<Guest> {
  const quiet = () => undefined;
  return bootGuest({
    kernel: await ensureKernel(variant, quiet),
    image: await ensureImage(quiet),
    memMiB: variant === "debug" ? 1024 : 512,
    cpus,
    accel: (await chooseAccel()).accel,
    dir,
  });
}

/** How many guests at a time: most selftests keep one CPU busy, and wait a lot. */
export const SIDE_BY_SIDE = Math.min(availableParallelism(), 4);

/** Runs every selftest in a guest of its own, so that none stands on another's ruins; several guests at a time. */
export async function runSelftests(place: Place): Promise<SuiteResult> {
  const { variant } = place;
  const left = await selftestNames(place);
  let result: SuiteResult = { passed: 0, skipped: 0, failures: [] };
  const runThoseLeft = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const selftest = name;
      const one = await inGuest(place, (guest) => runSelftest(variant, guest, selftest));
      process.stderr.write(`${one.failures.length === 0 ? "✓" : "✗"} ${variant} ${name}: ${one.passed} passed\n`);
      result = {
        passed: result.passed + one.passed,
        skipped: result.skipped + one.skipped,
        failures: [...result.failures, ...one.failures],
      };
    }
  };
  const runs = await Promise.allSettled(Array.from({ length: SIDE_BY_SIDE }, runThoseLeft));
  for (const run of runs) if (run.status === "rejected") throw run.reason;
  return result;
}

/** Does `work` in a guest that is gone afterwards. */
export async function inGuest<T>(place: Place, work: (guest: Guest) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(makeDir(dataDir("guests")), "selftests-"));
  try {
    const guest = await boot(place, dir);
    try {
      return await work(guest);
    } finally {
      await guest.stop();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function selftestNames(place: Place): Promise<string[]> {
  return inGuest(place, async (guest) => {
    const { stdout } = await guest.exec([
      "find",
      selftestsDir,
      "-maxdepth",
      "1",
      "-type",
      "f",
      "-executable",
      "!",
      "-name",
      "run",
      "-printf",
      "%f\\n",
    ]);
    return stdout.toString().split("\n").filter(Boolean).sort();
  });
}

/** Aborts what runs too long, once it has been shown where each task of the guest is. */
function whenItHangs(variant: LabKernel, guest: Guest): AbortSignal {
  const hanging = new AbortController();
  const timer = setTimeout(async () => {
    const tasks = await guest.exec(["sh", "-c", "echo t >/proc/sysrq-trigger; dmesg"]).catch(() => undefined);
    process.stderr.write(tasks?.stdout ?? "");
    hanging.abort();
  }, selftestLimitMs(variant));
  timer.unref();
  void guest.ended.then(() => clearTimeout(timer));
  return hanging.signal;
}

/** Runs a selftest in `guest`, and searches the kernel's log afterwards. */
export async function runSelftest(
  variant: LabKernel,
  guest: Guest,
  name: string,
  args: readonly string[] = [],
): Promise<SuiteResult> {
  const label = [variant, name, ...args].join(" ");
  const complaints = (text: string) => kernelTrouble(text).map((line) => `${label}: the kernel said: ${line}`);
  // A task that an oops has ended may be waited for until the time is over.
  await guest.exec(["sysctl", "-q", "kernel.panic_on_oops=1"]);
  const died = guest.ended.then(({ how, reason }) => ({ died: `the guest ${how}: ${reason}` }));
  let printed = "";
  const ran = guest
    .exec([join(selftestsDir, name), ...args], {
      cwd: "/",
      abort: whenItHangs(variant, guest),
      onStdout: (bytes) => {
        printed += bytes;
      },
    })
    .then((end) => ({ end }))
    .catch((error: unknown) => ({ died: error instanceof Error ? error.message : String(error) }));
  const outcome = await Promise.race([ran, died]);
  if ("died" in outcome) {
    const tap = readTap(label, printed, { exitCode: null, signal: null });
    process.stderr.write(`${printed}${guest.serial.text}`);
    return { ...tap, failures: [...tap.failures, `${label}: ${outcome.died}`, ...complaints(guest.serial.text)] };
  }
  const { stdout, stderr, ...end } = outcome.end;
  const tap = readTap(label, stdout.toString(), end);
  if (tap.failures.length > 0) process.stderr.write(`${stdout}${stderr}`);
  if (end.truncated) return { ...tap, failures: [...tap.failures, `${label}: printed more than can be kept`] };
  const log = await guest.exec(["dmesg"]);
  const trouble = complaints(log.stdout.toString());
  if (trouble.length > 0) process.stderr.write(log.stdout);
  return { ...tap, failures: [...tap.failures, ...trouble] };
}
