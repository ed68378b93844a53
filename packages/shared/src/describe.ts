/** Steps, what they did, and kernels in a few words, for timelines, reports and progress lines. */
import type { Fingerprint, Step } from "./experiment.js";
import type { MigrationRound, MigrationStop } from "./migration.js";

export function describeStep(step: Step): string {
  const of = (target: string | undefined) => (target === undefined ? "" : ` ${target}`);
  const ofTarget = (target: string | undefined) => (target === undefined ? "" : ` of ${target}`);
  switch (step.kind) {
    case "boot":
      return `boot${of(step.kernel)}`;
    case "reboot":
      return step.how === "power cut" ? "cut the power, boot what is left" : "reboot";
    case "start":
      return `start ${[step.workload ?? step.command?.join(" ") ?? `own ${step.entry ?? step.program?.slice(0, 8)}`, ...(step.args ?? [])].join(" ")}`;
    case "checkpoint":
      return step.dryRun
        ? `dry run${of(step.target)}`
        : `${step.mode} checkpoint${of(step.name)}${ofTarget(step.target)}${step.unlinked === undefined ? "" : `, unlinked files: ${step.unlinked}`}${step.tracker === undefined ? "" : `, tracker ${step.tracker}`}${step.live ? ", live" : ""}${step.kill ? ", then kill" : ""}`;
    case "unlink":
      return step.path === undefined
        ? `unlink what fd ${step.fd}${ofTarget(step.target)} holds`
        : `unlink ${step.path}`;
    case "rename":
      return `rename ${step.from ?? `what fd ${step.fd}${ofTarget(step.target)} holds`} to ${step.to}`;
    case "kill":
      return `kill${of(step.target)}`;
    case "restore":
      return `restore${of(step.checkpoint)}`;
    case "migrate":
      return `migrate${of(step.target)}, ${step.rounds === 0 ? "stop and copy" : `${step.rounds} ${step.rounds === 1 ? "round" : "rounds"} at most`}${step.mibPerS === undefined ? "" : `, ${step.mibPerS} MiB/s`}${step.latencyMs === 0 ? "" : `, ${step.latencyMs} ms`}`;
    case "verify":
      return `verify${of(step.target)}`;
    case "wait":
      return `wait for /${step.output}/${ofTarget(step.target)}`;
    case "run":
      return `run ${step.command.join(" ")}`;
  }
}

/** What somebody changed in one of the lab's kernels; undefined: it is one of them. */
export const describeChanges = (f: Pick<Fingerprint, "kernelOn" | "kernelChanges">): string | undefined =>
  f.kernelOn === undefined ? undefined : `${f.kernelOn} and ${(f.kernelChanges ?? []).join(", ") || "nothing else"}`;

const stops: Record<MigrationStop, string> = {
  converged: "what was left was small enough",
  "no-smaller": "rounds got no smaller",
  rounds: "as many rounds as asked for",
  time: "the time was over",
};
/** Why there were no more rounds while it ran. */
export const describeStop = (stop: MigrationStop): string => stops[stop];

/** A round's height beside others, of 1. */
export const roundShare = (round: MigrationRound, all: readonly MigrationRound[]): number =>
  round.bytes / Math.max(1, ...all.map((r) => r.bytes));
