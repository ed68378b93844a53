import { Refusal } from "../bench-guest.js";
import { crlab } from "../contenders.js";
import type { Bench, BenchContext } from "./bench.js";
import { verifySubject } from "./dump-and-restore.js";

const DIRTY_PERCENT = 1;
const PAUSE_MIB = [16, 256, 1024] as const;
export const pauseWorkload = (mib: number): string => `${mib} MiB written`;

/** How long the same process stands still for a full dump, for a live one, and for the rest after a live one. */
async function pauses(context: BenchContext, mib: number): Promise<void> {
  const { guest, recorder } = context;
  const workload = pauseWorkload(mib);
  const record = (metric: string, value: number) =>
    recorder.add({ bench: "pauses", workload, contender: "crlab", metric }, value);
  const pid = await guest.subject("--mib", String(mib), "--dirty", String(DIRTY_PERCENT));
  try {
    const full = await crlab.dump(guest, pid, { name: "full", keepRunning: true });
    await crlab.forget(guest, "full");
    const live = await crlab.dump(guest, pid, { name: "live", live: true });
    await guest.ask(pid, "USR1");
    const rest = await crlab.dump(guest, pid, { name: "rest", parent: "live" });
    await guest.gone(pid);
    await crlab.restore(guest, "rest");
    await verifySubject(guest, pid);
    record("fullFrozenNs", full.frozenNs);
    record("liveFrozenNs", live.frozenNs);
    record("liveTotalNs", live.wallNs);
    record("precopyFrozenNs", rest.frozenNs);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    recorder.refuse({ bench: "pauses", workload, contender: "crlab", metric: "fullFrozenNs" }, error.message);
  } finally {
    await guest.end(pid);
    await crlab.forget(guest, "full", "live", "rest");
  }
}

export const pauseBench: Bench = {
  name: "pauses",
  about: `how long 16, 256 and 1024 MiB stand still: full, live, and after a live one with ${DIRTY_PERCENT} % rewritten`,
  async run(context) {
    for (const mib of PAUSE_MIB)
      for (let round = 0; round < context.rounds; round++) {
        context.progress(`pauses: ${pauseWorkload(mib)}, round ${round + 1} of ${context.rounds}`);
        await pauses(context, mib);
      }
  },
};
