import { formatBytes } from "@crlab/shared";
import type { Bench } from "./bench.js";
import { dumpAndRestore, verifySubject } from "./dump-and-restore.js";

export const UNLINKED_BYTES = [1024, 1024 ** 2, 64 * 1024 ** 2, 1024 ** 3] as const;
export const unlinkedWorkload = (bytes: number): string => `unlinked file of ${formatBytes(bytes)}`;

export const unlinked: Bench = {
  name: "unlinked",
  about: "dump and restore of a process that holds an unlinked file of 1 KiB to 1 GiB on ext4",
  async run(context) {
    for (const bytes of UNLINKED_BYTES)
      await dumpAndRestore(context, "unlinked", {
        workload: unlinkedWorkload(bytes),
        start: (guest) => guest.subject("--file-bytes", String(bytes), "--file-dir", "/data"),
        verify: verifySubject,
      });
  },
};
