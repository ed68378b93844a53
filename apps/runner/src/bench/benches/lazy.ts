import { Refusal } from "../bench-guest.js";
import { crlab, restart } from "../contenders.js";
import type { Bench } from "./bench.js";
import { verifySubject } from "./dump-and-restore.js";

export const lazyWorkload = (mib: number): string => `${mib} MiB written`;

export const lazy: Bench = {
  name: "lazy",
  about: "restore of 256 and 1024 MiB whose pages come on first touch",
  async run({ guest, recorder, rounds, progress }) {
    for (const mib of [256, 1024]) {
      const key = { bench: "lazy", workload: lazyWorkload(mib), contender: "crlab" as const };
      for (let round = 0; round < rounds; round++) {
        progress(`lazy: ${lazyWorkload(mib)}, round ${round + 1} of ${rounds}`);
        const pid = await guest.subject("--mib", String(mib));
        try {
          await crlab.dump(guest, pid, { name: "one" });
          await guest.gone(pid);
          const { wallNs, phases } = await restart(guest, "one", "--lazy");
          const began = performance.now();
          await verifySubject(guest, pid);
          recorder.add({ ...key, metric: "runningNs" }, wallNs);
          for (const [phase, ns] of Object.entries(phases ?? {})) recorder.add({ ...key, metric: phase }, ns);
          recorder.add({ ...key, metric: "allTouchedNs" }, wallNs + (performance.now() - began) * 1e6);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          recorder.refuse({ ...key, metric: "runningNs" }, error.message.split("\n")[0] ?? "");
          break;
        } finally {
          await guest.end(pid);
          await crlab.forget(guest, "one");
        }
      }
    }
  },
};
