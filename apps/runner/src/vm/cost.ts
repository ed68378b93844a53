/** What a process has taken of this machine, from /proc. */
import { readFileSync } from "node:fs";

export interface Cost {
  cpuMs: number;
  rssBytes: number;
}

const TICKS_PER_S = 100;
const PAGE_BYTES = 4096;

/** Undefined once it is gone. */
export function costOf(pid: number): Cost | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name may hold anything, and ends with the last bracket.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [user, system, resident] = [fields[11], fields[12], fields[21]].map(Number);
    return {
      cpuMs: (((user ?? 0) + (system ?? 0)) * 1000) / TICKS_PER_S,
      rssBytes: (resident ?? 0) * PAGE_BYTES,
    };
  } catch {
    return undefined;
  }
}
