/** Checkpoint/restart engines: one small interface, so that others can stand beside the kernel's own. */
import type { CheckpointFigures, ImageDigest, Manifest, RestoreFigures, Tracker } from "@crlab/shared";
import type { ExecResult } from "../experiment/guest-port.js";
import { criuEngine } from "./criu.js";
import { kernelEngine } from "./kernel.js";

/** Runs a guest command on the experiment's behalf, so that the log shows it. */
export type RunInGuest = (argv: readonly string[]) => Promise<ExecResult>;

export interface CheckpointRequest {
  /** Root of the process tree. */
  pid: number;
  /** Where the image goes, in the guest. */
  path: string;
  /** Image this one builds on: an increment. */
  parentPath?: string;
  /** Kill the tree once the image is complete. */
  kill: boolean;
  /** Let the tree go on while its memory is written. */
  live?: boolean;
  /** What becomes of files without a name; default: the engine's own choice. */
  unlinked?: "auto" | "relink" | "copy";
  /** What tracks changes from now on. */
  tracker?: Tracker;
  /** Compare contents with what the tracker says. */
  audit?: boolean;
}

export interface CrEngine {
  checkpoint(run: RunInGuest, request: CheckpointRequest): Promise<CheckpointFigures>;
  /** All that stands in the way of a checkpoint; nothing is written. */
  dryRun(run: RunInGuest, pid: number): Promise<string[]>;
  /** What is in an image. */
  read(run: RunInGuest, path: string): Promise<ImageDigest>;
  /** Brings the tree back from an image; it can be restored again later. */
  restore(run: RunInGuest, path: string): Promise<RestoreFigures>;
}

export const engines: Record<Manifest["engine"], CrEngine> = { kernel: kernelEngine, criu: criuEngine };
