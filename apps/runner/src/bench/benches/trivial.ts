import type { Bench } from "./bench.js";
import { dumpAndRestore, verifySubject } from "./dump-and-restore.js";

export const TRIVIAL = "trivial process";

export const trivial: Bench = {
  name: "trivial",
  about: "dump and restore of a process that does nothing",
  run: (context) =>
    dumpAndRestore(context, "trivial", {
      workload: TRIVIAL,
      start: (guest) => guest.subject(),
      verify: verifySubject,
    }),
};
