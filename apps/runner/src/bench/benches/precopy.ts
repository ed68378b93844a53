import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { dataDir, ensureImage, ensureKernel } from "../../build/index.js";
import { makeDir } from "../../build/paths.js";
import { bootGuest, type Guest } from "../../guest/guest.js";
import { Link } from "../../migration/link.js";
import { keepPidsFree } from "../../migration/pids.js";
import { precopy } from "../../migration/precopy.js";
import { BenchGuest } from "../bench-guest.js";
import type { Bench, BenchContext } from "./bench.js";
import { verifySubject } from "./dump-and-restore.js";

const MIB = 256;
const PERCENT_A_SECOND = 10;
const RATE = (MIB * 256 * PERCENT_A_SECOND) / 100;
const TARGET_MEM_MIB = 2048;
const LINK = { mibPerS: 64, latencyMs: 1 };
export const MOVED = `${MIB} MiB, ${PERCENT_A_SECOND} % a second rewritten, ${LINK.mibPerS} MiB/s`;

async function move(context: BenchContext, to: Guest, rounds: number, how: string): Promise<void> {
  const { guest, recorder } = context;
  const record = (metric: string, value: number) =>
    recorder.add({ bench: "precopy", workload: `${MOVED}: ${how}`, contender: "crlab", metric }, value);
  const pid = await guest.subject("--mib", String(MIB), "--rate", String(Math.round(RATE)));
  const there = new BenchGuest(to);
  try {
    const options = { pid, rounds, goalMs: 50, withinMs: 30_000 };
    const moved = await precopy(guest.guest, to, new Link(LINK), options);
    await guest.gone(pid);
    await verifySubject(there, pid);
    const last = moved.rounds.at(-1);
    record("downtimeNs", moved.downtimeMs * 1e6);
    record("frozenNs", last?.frozenNs ?? 0);
    record("lastRoundBytes", last?.bytes ?? 0);
    record("restoreKernelNs", moved.restore.totalNs);
    record("totalNs", moved.totalMs * 1e6);
    record("movedBytes", moved.bytes);
    record("rounds", moved.rounds.length);
  } finally {
    await there.end(pid);
    await guest.end(pid);
  }
}

export const precopyBench: Bench = {
  name: "precopy",
  about: `${MIB} MiB that go on being rewritten move into another guest: pre-copy beside stop and copy`,
  async run(context) {
    const silent = () => undefined;
    const kernel = await ensureKernel("cr", silent);
    const image = await ensureImage(silent);
    const dir = mkdtempSync(join(makeDir(dataDir("guests")), "bench-target-"));
    const to = await bootGuest({ kernel, image, memMiB: TARGET_MEM_MIB, cpus: 2, accel: "auto", dir });
    try {
      await keepPidsFree(context.guest.guest, to, 8000);
      for (let round = 0; round < context.rounds; round++) {
        context.progress(`precopy: round ${round + 1} of ${context.rounds}: pre-copy`);
        await move(context, to, 8, "pre-copy");
        context.progress(`precopy: round ${round + 1} of ${context.rounds}: stop and copy`);
        await move(context, to, 0, "stop and copy");
      }
    } finally {
      await to.discard();
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
