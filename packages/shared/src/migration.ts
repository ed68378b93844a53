/** Pre-copy migration: what a step asks for, and what is measured of it. */
import { z } from "zod";

/** Of the link between the two guests, and when the process is to be stopped for the last round. */
export const migrationOptions = {
  /** Bandwidth of the link, in MiB a second; default: as fast as it goes. */
  mibPerS: z.number().min(0.1).max(100_000).optional(),
  latencyMs: z.number().min(0).max(10_000).default(0),
  /** Rounds while it runs, at most; 0: stop and copy. */
  rounds: z.int().min(0).max(100).default(8),
  /** The last round begins as soon as what is left crosses the link in this time. */
  goalMs: z.number().min(1).max(60_000).default(100),
  /** No more rounds while it runs begin after this time. */
  withinS: z.number().positive().max(3600).default(120),
};

export const migrationRound = z.strictObject({
  round: z.int(),
  /** The process stood still: the last round. */
  final: z.boolean(),
  bytes: z.int(),
  pages: z.int(),
  zeroPages: z.int(),
  parentPages: z.int(),
  /** How long the process stood still for it, by the guest's clock. */
  frozenNs: z.int(),
  /** Until all of it was on the other side, by the runner's clock. */
  ms: z.number(),
});
export type MigrationRound = z.infer<typeof migrationRound>;

/** Why there were no more rounds while it ran. */
export const migrationStop = z.enum(["converged", "no-smaller", "rounds", "time"]);
export type MigrationStop = z.infer<typeof migrationStop>;
