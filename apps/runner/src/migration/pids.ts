import { StepError } from "../experiment/errors.js";
import type { MigrationGuest } from "./precopy.js";

const FILE = "/proc/sys/kernel/ns_last_pid";

/** The latest pid there is, and those that the processes named, and their threads, have. */
const had = `cat ${FILE}; for p; do ls "/proc/$p/task"; done 2>/dev/null; true`;
/** None up to $1 is given out from now on; 1: one of the others has been before that. */
const keep = `echo "$1" > ${FILE} || exit 2; shift; for n; do [ -e "/proc/$n" ] && exit 1; done; exit 0`;

/**
 * A tree comes with its pids: over there none up to the source's latest, and `margin` more, is given out from now on.
 * Answers whether those of the tree are free: a kernel thread over there may have been quicker.
 */
export async function keepPidsFree(
  from: MigrationGuest,
  to: MigrationGuest,
  { margin, tree }: { margin: number; tree: readonly number[] },
): Promise<boolean> {
  const { stdout } = await from.exec(["sh", "-c", had, "sh", ...tree.map(String)]);
  const [last = "", ...wanted] = stdout.toString().trim().split(/\s+/);
  const { exitCode, stderr } = await to.exec(["sh", "-c", keep, "sh", `${Number(last) + margin}`, ...wanted]);
  if (exitCode !== 0 && exitCode !== 1)
    throw new StepError("migration.pids", `pids cannot be kept free in the other guest: ${stderr.toString().trim()}`);
  return exitCode === 0;
}
