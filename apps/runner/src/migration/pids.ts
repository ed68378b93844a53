import { StepError } from "../experiment/errors.js";
import type { MigrationGuest } from "./precopy.js";

const FILE = "/proc/sys/kernel/ns_last_pid";

/**
 * Begins a guest's pids where no thread of any guest's kernel is, nor what the experiment's guests before it have left in
 * images: a tree can be restored, or move, only where its pids are free.
 */
export const beginPids = (guest: number): string => `echo ${1000 * (1 + ((guest - 1) % 30))} > ${FILE}`;

/** A tree comes with its pids: over there none up to the source's latest, and `margin` more, is given out from now on. */
export async function keepPidsFree(from: MigrationGuest, to: MigrationGuest, margin: number): Promise<void> {
  const { stdout } = await from.exec(["cat", FILE]);
  const last = Number(stdout.toString());
  const { exitCode, stderr } = await to.exec(["sh", "-c", `echo ${last + margin} > ${FILE}`]);
  if (exitCode !== 0)
    throw new StepError("migration.pids", `pids cannot be kept free in the other guest: ${stderr.toString().trim()}`);
}
