/** The step that moves a target into another guest, where the experiment goes on. */
import type { Step, TargetView } from "@crlab/shared";
import { Link } from "../migration/link.js";
import { keepPidsFree } from "../migration/pids.js";
import { precopy } from "../migration/precopy.js";
import { StepError } from "./errors.js";
import type { Experiment } from "./experiment.js";
import { sameTerminal, sizeOf } from "./same-terminal.js";
import { shellWords } from "./shell-words.js";

type MigrateStep = Extract<Step, { kind: "migrate" }>;

/** Pids between those of the source and those that the target gives out. */
const PID_MARGIN = 1000;

export async function migrate(
  experiment: Experiment,
  stepNo: number,
  target: TargetView,
  step: MigrateStep,
): Promise<void> {
  const other = experiment.view.targets.find((t) => t.alive && t.name !== target.name);
  if (other)
    throw new StepError("migrate.others", `${other.name} runs in this guest, too, and would be left behind`, {
      hint: `kill ${other.name} first`,
    });
  const terminal = experiment.terminal(target.terminal);
  const { from, to, fromGuest, toGuest } = await experiment.bootIncoming();
  const link = new Link({ mibPerS: step.mibPerS, latencyMs: step.latencyMs });
  experiment.onMigration?.({ link, to });
  try {
    await keepPidsFree(from, to, PID_MARGIN);
    const there = await sameTerminal(to, terminal.guest.path, sizeOf(experiment, terminal.id));
    await experiment.log.append({
      type: "migration.started",
      ...{ stepNo, target: target.name, fromGuest, toGuest },
      ...{ mibPerS: step.mibPerS ?? null, latencyMs: step.latencyMs },
    });
    const moved = await precopy(from, to, link, {
      pid: target.pid,
      rounds: step.rounds,
      goalMs: step.goalMs,
      withinMs: step.withinS * 1000,
      onCommand: async (where, argv) => {
        const command = `${shellWords(argv)}${where === "target" ? `   # in guest ${toGuest}` : ""}`;
        await experiment.log.append({ type: "step.command", stepNo, command });
      },
      onRound: async (round) => experiment.log.append({ type: "migration.round", stepNo, ...round }),
      onRunning: () => terminal.moveTo(there),
    });
    await experiment.handOver(terminal, {
      type: "migration.finished",
      ...{ stepNo, target: target.name, guest: toGuest },
      ...{ bootMs: to.bootMs, how: to.how, fingerprint: to.fingerprint },
      ...{ stopped: moved.stopped, downtimeMs: moved.downtimeMs, totalMs: moved.totalMs, bytes: moved.bytes },
      figures: moved.restore,
    });
  } finally {
    await experiment.turnAway();
  }
}
