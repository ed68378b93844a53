/** The workloads of an experiment: what runs, what each has printed since a step began, and what its processes hold. */
import { findWorkload, type Step, workloadNames } from "@crlab/shared";
import { StepError } from "./errors.js";
import type { Experiment } from "./experiment.js";
import { parseSample, sameTree, sampleCommand } from "./processes.js";

/** Of processes that change all the time, so many changes are noted between two steps. */
const MOST_CHANGES = 50;

export class Targets {
  /** Per target: a `wait` looks at its terminal from here on. */
  readonly marks = new Map<string, number>();
  #looking = false;
  #changesSeen = 0;
  #stepsBegun = 0;

  constructor(private readonly experiment: Experiment) {}

  async start(name: string, argv: readonly string[]): Promise<number> {
    const { experiment } = this;
    if (experiment.view.targets.some((t) => t.name === name && t.alive))
      throw new StepError("target.exists", `${name} runs already`, {
        hint: "give the new one another name, or kill it first",
      });
    const terminal = await experiment.openTerminal("workload", name, argv);
    const opened = terminal.guest;
    const { pid } = opened;
    const command = argv.join(" ");
    await experiment.log.append({ type: "workload.started", name, pid, terminal: terminal.id, command });
    this.marks.set(name, 0);
    void opened.exited
      .then(async ({ exitCode, signal }) => {
        const target = experiment.view.targets.find((t) => t.name === name);
        if (!target?.alive || target.terminal !== terminal.id || target.restoredFrom !== null) return;
        // It runs in another guest now; this was the end of what it left here.
        if (terminal.guest !== opened) return;
        // Neither: the guest is gone, and the log says that already.
        if (exitCode === null && signal === null) return;
        const reason = exitCode === null ? `killed by signal ${signal}` : `ended with ${exitCode}`;
        await this.gone(name, pid, reason);
      })
      .catch(() => {});
    return pid;
  }

  async gone(name: string, pid: number, reason: string): Promise<void> {
    const { log, view } = this.experiment;
    if (view.targets.some((t) => t.name === name && t.pid === pid && t.alive))
      await log.append({ type: "workload.ended", name, pid, reason });
  }

  stepBegins(): void {
    this.#changesSeen = 0;
    this.#stepsBegun++;
  }

  /** How much each terminal has put out so far. */
  offsets(): ReadonlyMap<number, number> {
    return new Map([...this.experiment.terminals].map(([id, terminal]) => [id, terminal.bytes]));
  }

  /** What targets printed since a step began is what the next `wait` looks at. */
  mark(offsets: ReadonlyMap<number, number>): void {
    for (const target of this.experiment.view.targets) this.marks.set(target.name, offsets.get(target.terminal) ?? 0);
  }

  /** Between steps: notes what processes have done by themselves, or somebody in a shell. */
  async look(): Promise<void> {
    const { experiment } = this;
    const begun = this.#stepsBegun;
    const between = () =>
      !experiment.over && !experiment.busy && this.#stepsBegun === begun && experiment.view.guest?.suspended === false;
    if (this.#looking || this.#changesSeen >= MOST_CHANGES || !between()) return;
    this.#looking = true;
    try {
      await this.sample(between);
    } catch {
      // Its next step says what is wrong.
    } finally {
      this.#looking = false;
    }
  }

  /** Looks at the process trees, and notes what has changed, while that is `wanted`. */
  async sample(wanted = () => true): Promise<void> {
    const { experiment } = this;
    for (const target of experiment.view.targets.filter((t) => t.alive)) {
      if (!experiment.hasGuest) return;
      const seen = await experiment.exec(sampleCommand(target.pid), { timeoutMs: 10_000 });
      if (!wanted()) return;
      const processes = parseSample(seen.stdout.toString("utf8"));
      const root = processes.find((p) => p.pid === target.pid);
      if (root === undefined || root.state === "Z") await this.gone(target.name, target.pid, "it is gone");
      else if (!sameTree(processes, target.processes)) {
        this.#changesSeen++;
        await experiment.log.append({ type: "processes.seen", name: target.name, processes });
      }
    }
  }
}

/** Argument vector of a `start` step. */
export function startCommand(step: Extract<Step, { kind: "start" }>, program?: string): readonly string[] {
  if (program !== undefined) return [program, ...(step.args ?? [])];
  if (step.command) return [...step.command, ...(step.args ?? [])];
  const name = step.workload ?? "";
  const workload = findWorkload(name);
  if (!workload)
    throw new StepError("workload.unknown", `there is no workload "${name}"`, {
      hint: `listed are ${workloadNames.join(", ")}; give \`command\` for anything else`,
    });
  return [workload.name, ...(step.args ?? workload.args)];
}
