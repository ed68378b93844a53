/** Copy-on-write layers over a disk that never changes. */
import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { promisify } from "node:util";
import { GuestError } from "./errors.js";

const run = promisify(execFile);

/** Makes an empty layer as large as `base`. What it stands on is told to QEMU at start, not written into it. */
export async function makeOverlay(path: string, base: string): Promise<void> {
  try {
    await run("qemu-img", ["create", "-q", "-f", "qcow2", path, `${statSync(base).size}`]);
  } catch (error) {
    throw new GuestError("disk-failed", `cannot make ${path}: ${(error as Error).message}`, "Is the disk full?");
  }
}
