/** What the engines beside the kernel's own cannot be asked for. */
import type { Step } from "./experiment.js";

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
