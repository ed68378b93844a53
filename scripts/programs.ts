/**
 * `npm run test:programs [-- ROUNDS [NAME...]]`: Debian's programs, each in a guest of its own: checkpointed and restarted
 * ROUNDS (10) times while it works; then saved, and restarted in a freshly booted guest. Builds the image `programs`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type BuiltImage, type BuiltKernel, ensureImage, ensureKernel } from "../apps/runner/src/build/index.js";
import { dataDir, makeDir } from "../apps/runner/src/build/paths.js";
import { reportFailure, stage } from "../apps/runner/src/build/stages.js";
import { bootGuest, type Guest } from "../apps/runner/src/guest/guest.js";
import { kernelTrouble } from "./suites/console-scan.js";
import { readTap } from "./suites/tap.js";

const test = "/usr/lib/crlab/selftests/programs";
const LIMIT_MS = 1_200_000;

interface Lab {
  kernel: BuiltKernel;
  image: BuiltImage;
}

function boot({ kernel, image }: Lab, dir: string, reuseDisk: boolean): Promise<Guest> {
  return bootGuest({ kernel, image, memMiB: 1536, cpus: 2, accel: "auto", dir, reuseDisk });
}

/** What went wrong, or what went well. */
async function run(guest: Guest, label: string, ...args: string[]): Promise<{ passed: number; failures: string[] }> {
  const gone = guest.ended.then(({ how, reason }): never => {
    throw new Error(`the guest ${how}: ${reason}`);
  });
  gone.catch(() => {});
  const ran = guest.exec([test, ...args], { cwd: "/", timeoutMs: LIMIT_MS });
  ran.catch(() => {});
  const { stdout, stderr, ...end } = await Promise.race([ran, gone]);
  const { passed, failures } = readTap(label, stdout.toString(), end);
  if (failures.length > 0) process.stderr.write(`${stdout}${stderr}`);
  const trouble = kernelTrouble((await guest.exec(["dmesg"])).stdout.toString());
  return { passed, failures: [...failures, ...trouble.map((line) => `${label}: the kernel said: ${line}`)] };
}

async function inGuest<T>(lab: Lab, dir: string, reuseDisk: boolean, work: (guest: Guest) => Promise<T>): Promise<T> {
  const guest = await boot(lab, dir, reuseDisk);
  try {
    return await work(guest);
  } finally {
    await guest.discard();
  }
}

async function oneProgram(lab: Lab, name: string, rounds: number): Promise<{ passed: number; failures: string[] }> {
  const dir = mkdtempSync(join(makeDir(dataDir("guests")), "programs-"));
  try {
    const often = await inGuest(lab, dir, false, (guest) => run(guest, name, `${rounds}`, name));
    const first = await boot(lab, dir, false);
    const saved = await run(first, `${name}, saved`, "--save", name).finally(() => first.powerCut());
    const again = await inGuest(lab, dir, true, (guest) => run(guest, `${name}, after a reboot`, "--load", name));
    const all = [often, saved, again];
    return { passed: all.reduce((sum, one) => sum + one.passed, 0), failures: all.flatMap((one) => one.failures) };
  } catch (error) {
    return { passed: 0, failures: [`${name}: ${error instanceof Error ? error.message : String(error)}`] };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const [roundsText = "10", ...wanted] = process.argv.slice(2);
const rounds = Number(roundsText);
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write("usage: npm run -s test:programs [-- ROUNDS [NAME...]]\n");
  process.exit(2);
}
try {
  const lab = {
    kernel: await stage("kernel cr", (progress) => ensureKernel("cr", progress), { quiet: true }),
    image: await stage("guest image programs", (p) => ensureImage(p, "programs"), { quiet: true, expectedS: 600 }),
  };
  const dir = mkdtempSync(join(makeDir(dataDir("guests")), "programs-"));
  const listed = await inGuest(lab, dir, false, (guest) => guest.exec([test, "--list"])).finally(() =>
    rmSync(dir, { recursive: true, force: true }),
  );
  const names = wanted.length > 0 ? wanted : listed.stdout.toString().split("\n").filter(Boolean);
  let passed = 0;
  const failures: string[] = [];
  for (const name of names) {
    const one = await oneProgram(lab, name, rounds);
    process.stderr.write(`${one.failures.length === 0 ? "✓" : "✗"} ${name}: ${one.passed} passed\n`);
    passed += one.passed;
    failures.push(...one.failures);
  }
  for (const failure of failures) process.stdout.write(`${failure}\n`);
  process.stdout.write(`${names.length} programs: ${passed} passed, ${failures.length} failed\n`);
  process.exit(failures.length === 0 && passed > 0 ? 0 : 1);
} catch (error) {
  reportFailure(error);
  process.exit(1);
}
