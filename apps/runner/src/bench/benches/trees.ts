import type { BenchGuest } from "../bench-guest.js";
import { crlab, engines } from "../contenders.js";
import type { Bench } from "./bench.js";
import { dumpAndRestore, verifySubject } from "./dump-and-restore.js";

export const treeWorkload = (children: number): string => `tree, ${children} ${children === 1 ? "child" : "children"}`;

async function verifyTree(guest: BenchGuest, pid: number, children: number): Promise<void> {
  await verifySubject(guest, pid);
  const found = Number(await guest.sh(`cat /proc/${pid}/task/${pid}/children | wc -w`));
  if (found !== children) throw new Error(`the restored tree has ${found} children, not ${children}`);
}

export const trees: Bench = {
  name: "trees",
  about: "dump and restore of 1, 10, 100, 500 and (ours only) 1000 children",
  async run(context) {
    for (const children of [1, 10, 100, 500, 1000])
      await dumpAndRestore(
        context,
        "trees",
        {
          workload: treeWorkload(children),
          start: (guest) => guest.subject("--children", String(children)),
          verify: (guest, pid) => verifyTree(guest, pid, children),
        },
        children > 500 ? [crlab] : engines,
      );
  },
};
