/** What an experiment may be found by besides its title: what it ran on, and what was done. */
import type { LogEvent, Step } from "@crlab/shared";

function wordsOfStep(step: Step): (string | undefined)[] {
  switch (step.kind) {
    case "boot":
      return ["boot", step.kernel];
    case "reboot":
      return [step.how === "power cut" ? "power cut" : "reboot"];
    case "start":
      return ["start", step.workload, step.command?.[0], step.entry];
    case "checkpoint":
      return [
        "checkpoint",
        step.mode,
        step.live ? "live" : undefined,
        step.tracker,
        step.dryRun ? "dry run" : undefined,
      ];
    case "run":
      return ["run", step.command[0]];
    default:
      return [step.kind];
  }
}

/** What these events add, each word once. */
export function wordsOf(events: readonly LogEvent[]): string {
  const words = events.flatMap((event) => {
    // Its first event names the planned ones.
    if (event.type === "step.started") return event.planned ? [] : wordsOfStep(event.step);
    if (event.type !== "experiment.created") return [];
    return [event.manifest.kernel, event.manifest.engine, ...event.plan.flatMap(wordsOfStep)];
  });
  return [...new Set(words.filter((word) => word !== undefined))].join(" ");
}
