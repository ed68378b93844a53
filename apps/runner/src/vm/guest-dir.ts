/** Folders of running guests, and what to do with those whose owner has gone. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const processRef = z.strictObject({
  pid: z.int().positive(),
  /** Clock ticks since boot: a pid alone may be somebody else's by now. */
  startTime: z.string(),
});
const owners = z.strictObject({ bootId: z.string(), runner: processRef, qemu: processRef.optional() });

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** Start time of a process that runs; undefined if there is none, or only its remains. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function refTo(pid: number): z.infer<typeof processRef> | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

const isAlive = (ref: z.infer<typeof processRef> | undefined): boolean =>
  ref !== undefined && startTimeOf(ref.pid) === ref.startTime;

/** Writes down whose folder this is. */
export function claimGuestDir(dir: string, qemuPid: number): void {
  const runner = refTo(process.pid);
  const qemu = refTo(qemuPid);
  const record = { bootId: bootId(), runner, ...(qemu && { qemu }) };
  writeFileSync(join(dir, "owner.json"), JSON.stringify(record));
}

/** Ends QEMUs whose runner has gone and removes their folders. Answers what was removed. */
export function removeStaleGuests(root: string): string[] {
  if (!existsSync(root)) return [];
  const removed: string[] = [];
  for (const name of readdirSync(root)) {
    const dir = join(root, name);
    try {
      const record = owners.parse(JSON.parse(readFileSync(join(dir, "owner.json"), "utf8")));
      const sameBoot = record.bootId === bootId();
      if (sameBoot && isAlive(record.runner)) continue;
      if (sameBoot && record.qemu && isAlive(record.qemu)) process.kill(record.qemu.pid, "SIGKILL");
    } catch {
      continue; // not a guest's folder, or one that is just being made
    }
    rmSync(dir, { recursive: true, force: true });
    removed.push(dir);
  }
  return removed;
}
