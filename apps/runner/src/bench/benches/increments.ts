import { Refusal } from "../bench-guest.js";
import { engines } from "../contenders.js";
import type { Bench, BenchContext } from "./bench.js";
import { inTurn } from "./bench.js";
import { recording, verifySubject } from "./dump-and-restore.js";

const MIB = 256;
export const TRULY_DIRTY = (percent: number): number => Math.floor((MIB * 256 * percent) / 100);
export const incrementWorkload = (percent: number, thp: boolean): string =>
  `${MIB} MiB, ${percent} % rewritten${thp ? ", huge pages" : ""}`;

async function increment(context: BenchContext, percent: number, thp: boolean): Promise<void> {
  const { guest, recorder } = context;
  const workload = incrementWorkload(percent, thp);
  await inTurn(context, `increments: ${workload}`, engines, async (engine) => {
    const pid = await guest.subject("--mib", String(MIB), "--dirty", String(percent), ...(thp ? ["--thp"] : []));
    const record = recording(recorder, "increments", workload, engine);
    try {
      const full = await engine.dump(guest, pid, { name: "full", keepRunning: true });
      await guest.ask(pid, "USR1");
      const more = await engine.dump(guest, pid, { name: "more", parent: "full" });
      await guest.gone(pid);
      const { wallNs, phases } = await engine.restore(guest, "more");
      await verifySubject(guest, pid);
      for (const [phase, ns] of Object.entries({ ...more.phases, ...phases })) record(phase, ns);
      record("fullDumpNs", full.wallNs);
      record("fullFrozenNs", full.frozenNs);
      record("dumpNs", more.wallNs);
      record("frozenNs", more.frozenNs);
      record("pages", more.pages);
      record("imageBytes", more.imageBytes);
      record("restoreNs", wallNs);
      return "measured";
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      recorder.refuse({ bench: "increments", workload, contender: engine.name, metric: "dumpNs" }, error.message);
      return "refused";
    } finally {
      await guest.end(pid);
      await engine.forget(guest, "full", "more");
    }
  });
}

export const increments: Bench = {
  name: "increments",
  about: "256 MiB with 0, 1, 10 and 50 % rewritten between two checkpoints, with and without huge pages",
  async run(context) {
    for (const thp of [false, true]) for (const percent of [0, 1, 10, 50]) await increment(context, percent, thp);
  },
};
