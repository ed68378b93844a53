/** What the engines beside the kernel's own cannot be asked for. */
import type { Manifest, Step } from "./experiment.js";

/** What of a step CRIU has nothing for; null: it can be asked for it. */
export function beyondCriu(step: Step): string | null {
  if (step.kind === "migrate") return "moving a process to another guest";
  if (step.kind !== "checkpoint") return null;
  if (step.dryRun) return "a dry run";
  if (step.live) return "a live checkpoint";
  if (step.audit) return "an audit of its tracker";
  if (step.unlinked === "relink") return "new names for files without one";
  if (step.tracker !== undefined && step.tracker !== "soft-dirty") return `the tracker ${step.tracker}`;
  return null;
}

/** Which steps of a file its engine has nothing for, and what of them. */
export function beyondEngine({ engine, steps }: { engine: Manifest["engine"]; steps: readonly Step[] }): Beyond[] {
  if (engine !== "criu") return [];
  return steps.flatMap((step, at) => {
    const what = beyondCriu(step);
    return what === null ? [] : [{ at, what }];
  });
}

interface Beyond {
  at: number;
  what: string;
}

/** Why nobody can look into an experiment's images; null: one can. */
export const unreadable = (manifest: Pick<Manifest, "engine"> | null): string | null =>
  manifest?.engine === "criu"
    ? "The images are CRIU's: what is in them, this lab does not read. crit, of Debian's python3-pycriu, does."
    : null;
