/** A tree is dumped and killed, then restored: by each engine in turn. */
import { type BenchGuest, Refusal } from "../bench-guest.js";
import { type Engine, engines } from "../contenders.js";
import type { Recorder } from "../recorder.js";
import { type BenchContext, inTurn } from "./bench.js";

export interface Subject {
  workload: string;
  start: (guest: BenchGuest) => Promise<number>;
  /** Throws if the restored tree is not what it was. */
  verify: (guest: BenchGuest, pid: number) => Promise<void>;
}

export async function dumpAndRestore(
  context: BenchContext,
  bench: string,
  { workload, start, verify }: Subject,
  contenders: readonly Engine[] = engines,
): Promise<void> {
  const { guest, recorder } = context;
  await inTurn(context, `${bench}: ${workload}`, contenders, async (engine) => {
    const pid = await start(guest);
    const record = recording(recorder, bench, workload, engine);
    try {
      const dump = await engine.dump(guest, pid, { name: "one" });
      await guest.gone(pid);
      const { wallNs, phases } = await engine.restore(guest, "one");
      await verify(guest, pid);
      for (const [phase, ns] of Object.entries({ ...dump.phases, ...phases })) record(phase, ns);
      record("dumpNs", dump.wallNs);
      record("frozenNs", dump.frozenNs);
      record("restoreNs", wallNs);
      record("imageBytes", dump.imageBytes);
      return "measured";
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      for (const metric of ["dumpNs", "frozenNs", "restoreNs", "imageBytes"])
        recorder.refuse({ bench, workload, contender: engine.name, metric }, error.message);
      return "refused";
    } finally {
      await guest.end(pid);
      await engine.forget(guest, "one");
    }
  });
}

export function recording(recorder: Recorder, bench: string, workload: string, engine: Engine) {
  return (metric: string, value: number) => recorder.add({ bench, workload, contender: engine.name, metric }, value);
}

/** The subject's own word on its memory. */
export async function verifySubject(guest: BenchGuest, pid: number): Promise<void> {
  const verdict = await guest.ask(pid, "USR2");
  if (verdict !== "ok") throw new Error(`the restored process is damaged: ${verdict}`);
}
