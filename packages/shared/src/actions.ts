/** What can be done with an experiment now, and if not, why not. Pure: a function of the view. */
import { type ExperimentView, latestTarget, remainingPlan, runningStep, type TargetView } from "./view.js";

const actionIds = [
  "runPlan",
  "runNext",
  "boot",
  "reboot",
  "powerCut",
  "start",
  "checkpointFull",
  "checkpointIncremental",
  "dryRun",
  "unlink",
  "rename",
  "kill",
  "restore",
  "migrate",
  "verify",
  "run",
  "shell",
  "end",
] as const;
export type ActionId = (typeof actionIds)[number];

export interface Action {
  id: ActionId;
  label: string;
  possible: boolean;
  /** Why it is not possible now. */
  reason: string | null;
}

const labels: Record<ActionId, string> = {
  runPlan: "Run the remaining steps",
  runNext: "Run the next step",
  boot: "Boot",
  reboot: "Reboot",
  powerCut: "Power cut",
  start: "Start workload",
  checkpointFull: "Checkpoint, full",
  checkpointIncremental: "Checkpoint, incremental",
  dryRun: "What stands in the way?",
  unlink: "Unlink",
  rename: "Rename",
  kill: "Kill",
  restore: "Restore",
  migrate: "Migrate",
  verify: "Verify",
  run: "Run command",
  shell: "Open a shell",
  end: "End",
};

/**
 * All actions in the order a page shows them. `target`: the chosen process tree (default: the latest).
 * `trouble`: why nothing that happens now can be kept.
 */
export function actions(view: ExperimentView, target?: string, trouble?: string): Action[] {
  const chosen = target === undefined ? latestTarget(view) : view.targets.find((t) => t.name === target);
  return actionIds.map((id) => {
    const reason = trouble === undefined ? obstacle(view, id, chosen) : `it could not be kept: ${trouble}`;
    return {
      id,
      label: id === "boot" && view.guest !== null ? "Boot again" : labels[id],
      possible: reason === null,
      reason,
    };
  });
}

type Requirement = (view: ExperimentView, target: TargetView | undefined) => string | null;

const open: Requirement = (view) => {
  if (view.status === "ended") return "the experiment has ended: fork it or run it again";
  if (view.status === "interrupted") return "the experiment was interrupted: fork it or run it again";
  return null;
};
const idle: Requirement = (view) => {
  const step = runningStep(view);
  return step ? `step ${step.stepNo} (${step.kind}) is running` : null;
};
const guestUp: Requirement = (view) => {
  if (view.guest === null) return "no guest has been booted yet";
  if (view.guest.state === "booting") return "the guest is booting";
  if (view.guest.state !== "up") return `the guest is gone (${view.guest.reason ?? view.guest.state}): boot again`;
  return null;
};
const hasTarget: Requirement = (_, target) => (target ? null : "start a workload first");
const targetAlive: Requirement = (view, target) => {
  if (!target) return "start a workload first";
  if (target.alive) return null;
  const image = view.checkpoints.some((c) => c.target === target.name && c.available);
  return `${target.name} is not running (${target.endedReason ?? "gone"}): ${image ? "restore" : "start"} it`;
};
const targetGone: Requirement = (_, target) =>
  target?.alive ? `${target.name} (pid ${target.pid}) still runs: kill it first, its pids are in use` : null;
const hasCheckpoint: Requirement = (view, target) =>
  view.checkpoints.some((c) => c.available && (target === undefined || c.target === target.name))
    ? null
    : view.checkpoints.length > 0 && !view.checkpoints.some((c) => c.available)
      ? "the checkpoints went with the guest that held them"
      : "take a checkpoint first";
const hasParent: Requirement = (view, target) =>
  view.checkpoints.some((c) => c.available && c.name === target?.latestCheckpoint)
    ? null
    : "take a full checkpoint first: an increment needs a parent";
const patched: Requirement = (view) =>
  view.guest?.kernel === "base" && view.manifest?.engine !== "criu"
    ? "kernel `base` has no checkpoint/restart: boot `cr`"
    : null;
const notCriu: Requirement = (view) =>
  view.manifest?.engine === "criu" ? "CRIU, this experiment's engine, has nothing for it" : null;
const alone: Requirement = (view, target) => {
  const other = view.targets.find((t) => t.alive && t.name !== target?.name);
  return other ? `${other.name} runs in this guest, too, and would be left behind: kill it first` : null;
};
const planLeft: Requirement = (view) => (remainingPlan(view).length > 0 ? null : "no planned steps remain");

const requirements: Record<ActionId, readonly Requirement[]> = {
  runPlan: [open, planLeft, idle],
  runNext: [open, planLeft, idle],
  boot: [open, idle],
  reboot: [open, guestUp, idle],
  powerCut: [open, guestUp, idle],
  start: [open, guestUp, idle],
  checkpointFull: [open, guestUp, patched, targetAlive, idle],
  checkpointIncremental: [open, guestUp, patched, targetAlive, hasParent, idle],
  dryRun: [open, notCriu, guestUp, patched, targetAlive, idle],
  unlink: [open, guestUp, idle],
  rename: [open, guestUp, idle],
  kill: [open, guestUp, targetAlive, idle],
  restore: [open, guestUp, patched, hasTarget, hasCheckpoint, targetGone, idle],
  migrate: [open, notCriu, guestUp, patched, targetAlive, alone, idle],
  verify: [open, guestUp, targetAlive, idle],
  run: [open, guestUp, idle],
  shell: [open, guestUp],
  end: [open],
};

function obstacle(view: ExperimentView, id: ActionId, target: TargetView | undefined): string | null {
  for (const requirement of requirements[id]) {
    const reason = requirement(view, target);
    if (reason !== null) return reason;
  }
  return null;
}
