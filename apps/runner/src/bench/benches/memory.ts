import { z } from "zod";
import { IMAGES } from "../bench-guest.js";
import type { Bench } from "./bench.js";
import { dumpAndRestore, verifySubject } from "./dump-and-restore.js";

export const memoryWorkload = (mib: number): string => `${mib} MiB written`;

const waysJson = z.record(z.string(), z.number());

export const memory: Bench = {
  name: "memory",
  about: "dump and restore of 16, 256 and 1024 MiB, beside the fastest way to move the same bytes",
  async run(context) {
    const { guest, recorder, rounds, progress } = context;
    for (const mib of [16, 256, 1024]) {
      const workload = memoryWorkload(mib);
      await dumpAndRestore(context, "memory", {
        workload,
        start: (g) => g.subject("--mib", String(mib)),
        verify: verifySubject,
      });
      for (let round = 0; round < rounds; round++) {
        progress(`memory: ${workload}, round ${round + 1} of ${rounds}: limit`);
        for (const direction of ["dump", "restore"] as const) {
          const ways = waysJson.parse(
            JSON.parse(await guest.program("limit", direction, String(mib), `${IMAGES}/limit`)),
          );
          recorder.add(
            { bench: "memory", workload, contender: "limit", metric: `${direction}Ns` },
            Math.min(...Object.values(ways)),
          );
          for (const [way, ns] of Object.entries(ways))
            recorder.add(
              { bench: "memory", workload: `${workload}: ${way}`, contender: "limit", metric: `${direction}Ns` },
              ns,
            );
        }
      }
    }
  },
};
