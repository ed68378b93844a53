/** Runs benches in one guest and judges what came out. */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { type BenchReport, benchReport } from "@crlab/shared";
import { dataDir, ensureImage, ensureKernel } from "../build/index.js";
import { makeDir } from "../build/paths.js";
import { bootGuest } from "../guest/guest.js";
import { BenchGuest, Refusal } from "./bench-guest.js";
import type { Bench } from "./benches/bench.js";
import { increments } from "./benches/increments.js";
import { lazy } from "./benches/lazy.js";
import { memory } from "./benches/memory.js";
import { pauseBench } from "./benches/pauses.js";
import { precopyBench } from "./benches/precopy.js";
import { redis } from "./benches/redis.js";
import { trackers } from "./benches/trackers.js";
import { trees } from "./benches/trees.js";
import { trivial } from "./benches/trivial.js";
import { unlinked } from "./benches/unlinked.js";
import { Recorder } from "./recorder.js";
import { judge } from "./targets.js";

export const benches: readonly Bench[] = [
  trivial,
  memory,
  lazy,
  pauseBench,
  increments,
  trackers,
  trees,
  redis,
  unlinked,
  precopyBench,
];

/** 1 GiB of memory, its image, and what the limit moves beside them. */
const GUEST_MEM_MIB = 6144;
const GUEST_CPUS = 2;

export async function runBenches(
  chosen: readonly Bench[],
  rounds: number,
  progress: (line: string) => void,
): Promise<BenchReport> {
  const began = new Date().toISOString();
  const loadBefore = load();
  const kernel = await ensureKernel("cr", progress);
  const image = await ensureImage(progress);
  const dir = mkdtempSync(join(makeDir(dataDir("guests")), "bench-"));
  const guest = await bootGuest({ kernel, image, memMiB: GUEST_MEM_MIB, cpus: GUEST_CPUS, accel: "auto", dir });
  const ended = guest.ended.then(({ how, reason }) => {
    throw new Error(`the guest ${how}: ${reason}`);
  });
  try {
    const bench = new BenchGuest(guest);
    const recorder = new Recorder();
    const work = async () => {
      await bench.prepare();
      for (const one of chosen)
        await one.run({ guest: bench, recorder, rounds, progress }).catch((error: Error) => {
          // One that breaks must not cost the others' figures; a guest that has gone ends all.
          const message = error instanceof Refusal ? error.message : `broke: ${error.message}`;
          progress(`${one.name}: ${message}`);
          recorder.refuse(
            { bench: one.name, workload: "the bench itself", contender: "crlab", metric: "dumpNs" },
            message,
          );
        });
    };
    await Promise.race([work(), ended]);
    const { fingerprint } = guest;
    return benchReport.parse({
      version: 1,
      machine: {
        began,
        cpu: cpus()[0]?.model ?? "unknown",
        hostCpus: cpus().length,
        loadBefore,
        loadAfter: load(),
        accel: fingerprint.accel,
        guestCpus: GUEST_CPUS,
        guestMemMiB: GUEST_MEM_MIB,
        clocksource: await bench.sh("cat /sys/devices/system/clocksource/clocksource0/current_clocksource"),
        kernelRelease: fingerprint.kernelRelease,
        kernelHash: fingerprint.kernelHash,
        imageHash: fingerprint.imageHash,
        qemuVersion: fingerprint.qemuVersion,
        criuVersion: await bench.sh("criu --version | sed -n 's/^Version: //p'"),
      },
      rounds,
      results: recorder.results,
      targets: judge(recorder.results, new Set(chosen.map((one) => one.name))),
    } satisfies BenchReport);
  } finally {
    ended.catch(() => undefined);
    await guest.discard();
    rmSync(dir, { recursive: true, force: true });
  }
}

const load = (): number => Math.round((loadavg()[0] ?? 0) * 100) / 100;
