/** What each kind of step does. A step that cannot be done throws a `StepError`. */
import { dirname } from "node:path/posix";
import type { CheckpointView, Step, StepKind, TargetView } from "@crlab/shared";
import { beyondCriu, checkpointChain, latestTarget } from "@crlab/shared";
import { engines, type RunInGuest } from "../engine/engine.js";
import { StepError } from "./errors.js";
import type { Experiment } from "./experiment.js";
import { migrate } from "./migrate.js";
import { installProgram } from "./own-program.js";
import { parseSample, sampleCommand } from "./processes.js";
import { shellWords } from "./shell-words.js";
import { startCommand } from "./targets.js";
import { patternTest, waitForLine } from "./text-watch.js";

export interface StepResult {
  figures?: Record<string, number | string | boolean>;
  text?: string;
}

interface Context<S> {
  experiment: Experiment;
  stepNo: number;
  step: S;
  /** Runs a guest command and shows it in the log. */
  run: RunInGuest;
}

type Executors = { [K in StepKind]: (context: Context<Extract<Step, { kind: K }>>) => Promise<StepResult> };

const IMAGE_FOLDER = "/ckpt";
const TEXT_LIMIT = 64 * 1024;
/** Of what a command said that failed. */
const LAST_LINES = 3;
const SEE_PROCESSES = "Processes lists the descriptors there are, and what they lead to";
const FIND_PATHS = "Processes lists the paths that are held; a shell shows the others";
const GONE_WITHIN_S = 10;
/** A program that begins on a busy machine takes its time. */
const LISTENS_WITHIN_S = 15;

export async function executeStep(experiment: Experiment, stepNo: number, step: Step): Promise<StepResult> {
  const run: RunInGuest = async (argv) => {
    await experiment.log.append({ type: "step.command", stepNo, command: shellWords(argv) });
    return experiment.exec(argv);
  };
  const beyond = experiment.manifest.engine === "criu" ? beyondCriu(step) : null;
  if (beyond !== null)
    throw new StepError("criu.beyond", `CRIU, this experiment's engine, has nothing for ${beyond}`, {
      hint: "the engine `kernel` has: fork with that one",
    });
  const execute = executors[step.kind] as (context: Context<Step>) => Promise<StepResult>;
  return execute({ experiment, stepNo, step, run });
}

const executors: Executors = {
  async boot({ experiment, step }) {
    const guest = await experiment.bootGuest(step.kernel ?? experiment.manifest.kernel);
    return { figures: { bootMs: guest.bootMs, how: guest.how } };
  },

  async reboot({ experiment, step }) {
    const guest = await experiment.rebootGuest(step.how);
    return { figures: { bootMs: guest.bootMs, how: guest.how } };
  },

  async start({ experiment, stepNo, step }) {
    const own =
      step.program === undefined
        ? undefined
        : await installProgram(experiment, experiment.store, step.program, step.entry);
    const argv = startCommand(step, own);
    await experiment.log.append({ type: "step.command", stepNo, command: shellWords(argv) });
    return { figures: { pid: await experiment.targets.start(step.name, argv) } };
  },

  async checkpoint({ experiment, stepNo, step, run }) {
    const target = aliveTarget(experiment, step.target);
    const engine = engines[experiment.manifest.engine];
    if (step.dryRun) {
      const obstacles = await engine.dryRun(run, target.pid);
      await experiment.log.append({ type: "checkpoint.obstacles", stepNo, target: target.name, obstacles });
      return { figures: { obstacles: obstacles.length } };
    }
    const name = step.name ?? unusedName(experiment);
    if (experiment.view.checkpoints.some((c) => c.name === name))
      throw new StepError("checkpoint.exists", `there is a checkpoint "${name}" already`, {
        hint: "choose another name",
      });
    const parent = step.mode === "incremental" ? parentOf(experiment, target, step.parent) : undefined;
    const guestPath = `${IMAGE_FOLDER}/${name}`;
    const figures = await engine.checkpoint(run, {
      pid: target.pid,
      path: guestPath,
      ...(parent === undefined ? {} : { parentPath: parent.guestPath }),
      kill: step.kill,
      ...(step.live ? { live: true } : {}),
      ...(step.unlinked === undefined ? {} : { unlinked: step.unlinked }),
      ...(step.audit ? { audit: true } : {}),
      ...(step.tracker === undefined ? {} : { tracker: step.tracker }),
    });
    await experiment.log.append({
      type: "checkpoint.finished",
      stepNo,
      name,
      target: target.name,
      mode: step.mode,
      parent: parent?.name ?? null,
      guestPath,
      killed: step.kill,
      figures,
    });
    if (step.kill) await experiment.targets.gone(target.name, target.pid, "killed by its checkpoint");
    return {};
  },

  async unlink({ experiment, step, run }) {
    const path = step.path ?? (await heldPath(aliveTarget(experiment, step.target), step.fd, run));
    mustSucceed(await run(["unlink", path]), "unlink.refused", FIND_PATHS);
    return { text: path };
  },

  async rename({ experiment, step, run }) {
    const from = step.from ?? (await heldPath(aliveTarget(experiment, step.target), step.fd, run));
    // mv(1) would copy to another filesystem: another inode, and not what was asked for.
    const devices = await experiment.exec(["stat", "-c", "%d", "--", from, dirname(step.to)]);
    mustSucceed(devices, "rename.refused", FIND_PATHS);
    if (new Set(devices.stdout.toString("utf8").trim().split("\n")).size > 1)
      throw new StepError("rename.refused", `${from} and ${dirname(step.to)} are on different filesystems`, {
        hint: "a rename stays within one: choose another place",
      });
    mustSucceed(await run(["mv", "-f", "-T", "--", from, step.to]), "rename.refused", FIND_PATHS);
    return { text: `${from} is ${step.to} now` };
  },

  async kill({ experiment, step, run }) {
    const target = aliveTarget(experiment, step.target);
    const seen = await experiment.exec(sampleCommand(target.pid));
    const pids = parseSample(seen.stdout.toString("utf8")).map((p) => p.pid);
    if (pids.length === 0) pids.push(target.pid);
    await run(["kill", "-KILL", ...pids.map(String)]);
    await experiment.targets.gone(target.name, target.pid, "killed");
    await waitUntilGone(experiment, pids);
    return { figures: { processes: pids.length } };
  },

  async restore({ experiment, stepNo, step, run }) {
    const checkpoint = chosenCheckpoint(experiment, step.checkpoint);
    const figures = await engines[experiment.manifest.engine].restore(run, checkpoint.guestPath);
    await experiment.log.append({
      type: "restore.finished",
      stepNo,
      checkpoint: checkpoint.name,
      target: checkpoint.target,
      figures,
    });
    return { figures: { images: checkpointChain(experiment.view, checkpoint.name).length } };
  },

  async migrate({ experiment, stepNo, step }) {
    await migrate(experiment, stepNo, aliveTarget(experiment, step.target), step);
    return {};
  },

  async verify({ experiment, stepNo, step, run }) {
    const target = aliveTarget(experiment, step.target);
    const terminal = experiment.terminal(target.terminal);
    const from = terminal.bytes;
    await waitUntilItListens(experiment, target);
    mustSucceed(
      await run(["kill", "-USR1", String(target.pid)]),
      "verify.signal",
      "it has ended just now: its terminal may say why",
    );
    const what = `${target.name} (pid ${target.pid}) printed no "verify: ok" or "verify: FAIL" line`;
    const line = await within(step.withinS, what, (giveUp) =>
      waitForLine(terminal, from, (text) => /verify: (ok|FAIL)\b/.test(text), either(giveUp, experiment.guestGone)),
    );
    const text = line.text.slice(line.text.indexOf("verify: "));
    const ok = text.startsWith("verify: ok");
    await experiment.log.append({ type: "verify.finished", stepNo, target: target.name, ok, text });
    if (!ok)
      throw new StepError("verify.failed", `${target.name} found itself damaged: ${text}`, {
        hint: "restore an earlier checkpoint and verify again: the first that fails tells where the damage began",
      });
    return {};
  },

  async wait({ experiment, step }) {
    const target = theTarget(experiment, step.target);
    const terminal = experiment.terminal(target.terminal);
    const what = `${target.name} printed no line that matches /${step.output}/`;
    const line = await within(step.withinS, what, (giveUp) =>
      waitForLine(
        terminal,
        experiment.targets.marks.get(target.name) ?? 0,
        patternTest(step.output),
        either(giveUp, experiment.guestGone),
      ),
    );
    experiment.targets.marks.set(target.name, line.end);
    return { text: line.text };
  },

  async run({ experiment, stepNo, step }) {
    await experiment.log.append({ type: "step.command", stepNo, command: shellWords(step.command) });
    const result = await experiment.exec(step.command, { timeoutMs: step.withinS * 1000 });
    const text = Buffer.concat([result.stdout, result.stderr]).subarray(0, TEXT_LIMIT).toString("utf8");
    if (result.exitCode === step.exitCode) return { figures: { exitCode: result.exitCode }, text };
    const how = result.exitCode === null ? `was killed by signal ${result.signal}` : `ended with ${result.exitCode}`;
    const said = text.trim().split("\n").slice(-LAST_LINES).join(" / ");
    throw new StepError("run.failed", `${step.command[0]} ${how}, expected ${step.exitCode}${said && `: ${said}`}`, {
      hint: "open a shell and run it there to look around",
    });
  },
};

/** The path by which a file descriptor's file is found now. */
async function heldPath({ pid, name }: TargetView, fd: number | undefined, run: RunInGuest): Promise<string> {
  const link = await run(["readlink", `/proc/${pid}/fd/${fd}`]);
  const path = link.stdout.toString("utf8").replace(/\n$/, "");
  if (link.exitCode !== 0 || path === "")
    throw new StepError("fd.none", `${name} (pid ${pid}) has no file descriptor ${fd}`, { hint: SEE_PROCESSES });
  if (path.endsWith(" (deleted)"))
    throw new StepError("fd.unlinked", `fd ${fd} of ${name} holds ${path.slice(0, -10)}, which has no name any more`, {
      hint: "there is nothing left to take from it: go on with a checkpoint, or choose another file",
    });
  if (!path.startsWith("/"))
    throw new StepError("fd.unnamed", `fd ${fd} of ${name} is ${path}: not a file with a name`, {
      hint: SEE_PROCESSES,
    });
  return path;
}

function theTarget(experiment: Experiment, name: string | undefined): TargetView {
  const target =
    name === undefined ? latestTarget(experiment.view) : experiment.view.targets.find((t) => t.name === name);
  if (target) return target;
  const known = experiment.view.targets.map((t) => t.name).join(", ");
  throw new StepError(
    "target.unknown",
    name === undefined ? "no workload has been started" : `there is no target "${name}"`,
    {
      hint: known === "" ? "start a workload first" : `there are: ${known}`,
    },
  );
}

function aliveTarget(experiment: Experiment, name: string | undefined): TargetView {
  const target = theTarget(experiment, name);
  if (target.alive) return target;
  throw new StepError(
    "target.gone",
    `${target.name} (pid ${target.pid}) is not running: ${target.endedReason ?? "gone"}`,
    {
      hint: "restore or start it first",
    },
  );
}

function chosenCheckpoint(experiment: Experiment, name: string | undefined): CheckpointView {
  const { checkpoints } = experiment.view;
  const chosen = name === undefined ? checkpoints.at(-1) : checkpoints.find((c) => c.name === name);
  if (!chosen) {
    const known = checkpoints.map((c) => c.name).join(", ");
    throw new StepError(
      "checkpoint.unknown",
      name === undefined ? "there is no checkpoint" : `there is no checkpoint "${name}"`,
      {
        hint: known === "" ? "take one first" : `there are: ${known}`,
      },
    );
  }
  if (!chosen.available)
    throw new StepError("checkpoint.lost", `checkpoint "${chosen.name}" went with the guest that held it`, {
      hint: "take a new one",
    });
  return chosen;
}

function parentOf(experiment: Experiment, target: TargetView, name: string | undefined): CheckpointView {
  const wanted = name ?? target.latestCheckpoint;
  if (wanted === null)
    throw new StepError("checkpoint.parent", `${target.name} has no checkpoint that an increment could build on`, {
      hint: "take a full checkpoint first",
    });
  return chosenCheckpoint(experiment, wanted);
}

function unusedName(experiment: Experiment): string {
  for (let n = experiment.view.checkpoints.length + 1; ; n++)
    if (!experiment.view.checkpoints.some((c) => c.name === `c${n}`)) return `c${n}`;
}

async function waitUntilGone(experiment: Experiment, pids: readonly number[]): Promise<void> {
  const script = `for _ in $(seq ${GONE_WITHIN_S * 20}); do left=; for p; do [ -e /proc/$p ] && left="$left $p"; done; [ -z "$left" ] && exit 0; sleep 0.05; done; echo $left; exit 1`;
  const result = await experiment.exec(["bash", "-c", script, "gone", ...pids.map(String)]);
  if (result.exitCode !== 0)
    throw new StepError(
      "kill.lingers",
      `still there ${GONE_WITHIN_S} s after SIGKILL: pid ${result.stdout.toString().trim()}`,
      { hint: "it hangs in the kernel, whose log may say where; cut the power to go on" },
    );
}

/** SIGUSR1 asks a program to verify itself, and ends one that does not catch it: it may have begun just now. */
async function waitUntilItListens(experiment: Experiment, { name, pid }: TargetView): Promise<void> {
  const script = `for _ in $(seq ${LISTENS_WITHIN_S * 20}); do [ -e /proc/$1 ] || exit 0; while read -r key mask; do case $key in SigBlk:|SigIgn:|SigCgt:) (( 0x$mask & 0x200 )) && exit 0;; esac; done < /proc/$1/status; sleep 0.05; done; exit 1`;
  const result = await experiment.exec(["bash", "-c", script, "listens", String(pid)]);
  if (result.exitCode !== 0)
    throw new StepError("verify.signal", `${name} (pid ${pid}) does not catch SIGUSR1, and would be ended by it`, {
      hint: 'a program that is to verify itself catches SIGUSR1 and prints a line "verify: ok" or "verify: FAIL"',
    });
}

function mustSucceed(result: { exitCode: number | null; stderr: Buffer }, code: string, hint: string): void {
  if (result.exitCode !== 0)
    throw new StepError(code, result.stderr.toString("utf8").trim() || "it failed and said nothing", { hint });
}

/** Gives up after a time, saying what did not happen. */
async function within<T>(seconds: number, what: string, work: (giveUp: Promise<never>) => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const giveUp = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StepError("step.late", `${what} within ${seconds} s`, { hint: "look at its terminal" })),
      seconds * 1000,
    );
  });
  try {
    return await work(giveUp);
  } finally {
    clearTimeout(timer);
  }
}

const either = (a: Promise<never>, b: Promise<never>): Promise<never> => Promise.race([a, b]);
