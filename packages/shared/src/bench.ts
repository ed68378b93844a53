/** What the bench measured, as `npm run bench -- --json` prints it and the console draws it. */
import { z } from "zod";

/** Who did the work: this lab, its rivals, or the fastest way there is to move the same bytes. */
export const contender = z.enum(["crlab", "criu", "limit", "wetty"]);
export type Contender = z.infer<typeof contender>;

const benchResult = z.strictObject({
  /** The group it belongs to: what `--only` names. */
  bench: z.string(),
  /** What it was measured on, in words. */
  workload: z.string(),
  contender,
  /** What was measured; the unit is the end of the name (`dumpNs`, `imageBytes`, `pages`). */
  metric: z.string(),
  /** One of each round, in order. Empty: it could not be measured, and `refusal` says why. */
  samples: z.array(z.number()),
  /** Why there are no samples, in the contender's own words. */
  refusal: z.string().optional(),
});
export type BenchResult = z.infer<typeof benchResult>;

const benchTarget = z.strictObject({
  name: z.string(),
  /** What is to be reached, in words: "at least 15 times as fast as CRIU". */
  wanted: z.string(),
  /** What came out; null where it was not measured. */
  got: z.string().nullable(),
  met: z.boolean(),
  /** Where the time goes, of a target that was missed. */
  profile: z.string().optional(),
});
export type BenchTarget = z.infer<typeof benchTarget>;

export const benchReport = z.strictObject({
  version: z.literal(1),
  machine: z.strictObject({
    /** When the run began, ISO 8601. */
    began: z.string(),
    cpu: z.string(),
    hostCpus: z.int(),
    /** One-minute load of the host when the run began and when it ended. */
    loadBefore: z.number(),
    loadAfter: z.number(),
    accel: z.enum(["kvm", "tcg"]),
    guestCpus: z.int(),
    guestMemMiB: z.int(),
    /** The guest's clock source: timings by another than tsc are coarse. */
    clocksource: z.string(),
    kernelRelease: z.string(),
    kernelHash: z.string(),
    imageHash: z.string(),
    qemuVersion: z.string(),
    criuVersion: z.string(),
  }),
  rounds: z.int(),
  results: z.array(benchResult),
  targets: z.array(benchTarget),
});
export type BenchReport = z.infer<typeof benchReport>;

/** Median and spread of some samples; of an even number, the median is the mean of the middle two. */
export function spreadOf(samples: readonly number[]): { median: number; low: number; high: number } | null {
  const sorted = [...samples].sort((a, b) => a - b);
  const low = sorted[0];
  const high = sorted.at(-1);
  if (low === undefined || high === undefined) return null;
  const upper = sorted[Math.floor(sorted.length / 2)] ?? high;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? low;
  return { median: (lower + upper) / 2, low, high };
}
