import { StepError } from "../experiment/errors.js";
import type { MigrationGuest } from "./precopy.js";

const FILE = "/proc/sys/kernel/ns_last_pid";

/** From here on nothing is given out, and exits with 1 if any pid from $2 to $3 has been before that. */
const script = `echo "$1" > ${FILE} || exit 2
for p in /proc/[0-9]*; do n=\${p#/proc/}; [ "$n" -ge "$2" ] && [ "$n" -le "$3" ] && exit 1; done; exit 0`;

/**
 * A tree comes with its pids: over there none up to the source's latest, and `margin` more, is given out from now on.
 * Answers whether all that the source has given out from `first` on are free: a kernel thread may have been quicker.
 */
export async function keepPidsFree(
  from: MigrationGuest,
  to: MigrationGuest,
  { margin, first }: { margin: number; first: number },
): Promise<boolean> {
  const { stdout } = await from.exec(["cat", FILE]);
  const last = Number(stdout.toString());
  const { exitCode, stderr } = await to.exec(["sh", "-c", script, "sh", `${last + margin}`, `${first}`, `${last}`]);
  if (exitCode !== 0 && exitCode !== 1)
    throw new StepError("migration.pids", `pids cannot be kept free in the other guest: ${stderr.toString().trim()}`);
  return exitCode === 0;
}
