/**
 * Runs sweeps: one run at a time in the whole lab, so that no run is measured beside another, and each sweep in its
 * turn. What is done is in the store, so a runner that comes after a crash goes on where this one stopped.
 */
import {
  describePoint,
  type ExperimentFile,
  fileAtPoint,
  remainingPlan,
  type SweepRunPlan,
  sweepPoints,
} from "@crlab/shared";
import { namedErrorOf, StepError } from "../experiment/errors.js";
import type { Experiment } from "../experiment/experiment.js";
import type { Lab } from "../experiment/lab.js";
import { randomId } from "../store/identity.js";
import {
  beginRun,
  cutUnended,
  endRun,
  findSweep,
  insertSweep,
  readRuns,
  runsLeft,
  type StoredSweep,
  setSweepStatus,
  unfinishedSweeps,
} from "../store/index.js";

const MAX_SWEEPS_PER_OWNER = 4;
const MAX_SWEEPS = 32;
/** A run that was cut short so often, one after the other, will not end well. */
const MAX_CUTS = 3;
const NO_ROOM_MS = 1000;

export interface SweepProgress {
  sweep: string;
  status: "running" | "done" | "stopped";
  done: number;
  total: number;
  /** The experiment that runs now for it. */
  running: string | null;
  reason: string | null;
}

interface Active extends StoredSweep {
  left: SweepRunPlan[];
  total: number;
  cuts: number;
  current: Experiment | undefined;
}

export class Sweeps {
  readonly #active: Active[] = [];
  readonly #listeners = new Set<(progress: SweepProgress) => void>();
  #working = false;
  #work: Promise<void> = Promise.resolve();
  #closing = false;

  constructor(
    private readonly lab: Lab,
    private readonly noRoomMs = NO_ROOM_MS,
  ) {
    lab.measures = () => this.#working;
  }

  /** A new sweep; it begins when those before it have had a turn. */
  async create(file: ExperimentFile, owner: string): Promise<string> {
    if (!file.sweep) throw new StepError("sweep.none", "the file names no grid", { hint: "give it a `sweep` block" });
    const mine = this.#active.filter((s) => s.owner === owner).length;
    if (mine >= MAX_SWEEPS_PER_OWNER || this.#active.length >= MAX_SWEEPS)
      throw new StepError("sweeps.limit", `${mine} sweeps of yours, and ${this.#active.length} in all, run already`, {
        hint: "wait for one, or stop it",
      });
    const id = randomId();
    const { title } = file;
    const sweep = { id, title, owner, createdAt: new Date().toISOString(), status: "running", reason: null } as const;
    await insertSweep(this.lab.store.db, { ...sweep, file });
    await this.#enter(id);
    return id;
  }

  /** Goes on with what an earlier runner left unfinished. */
  async goOn(): Promise<void> {
    const { db } = this.lab.store;
    await cutUnended(db);
    for (const id of await unfinishedSweeps(db))
      await this.#enter(id).catch((error: unknown) => console.error(`sweep ${id}: ${namedErrorOf(error).message}`));
  }

  /** What is done stays; the rest can be run later. */
  async stop(id: string, owner: string): Promise<void> {
    await this.#mustOwn(id, owner);
    await this.#stop(id, "its owner stopped it");
  }

  async resume(id: string, owner: string): Promise<void> {
    const sweep = await this.#mustOwn(id, owner);
    if (this.#active.some((s) => s.id === id)) return;
    if (sweep.status === "done") throw new StepError("sweep.done", "all its runs are done");
    await setSweepStatus(this.lab.store.db, id, "running");
    await this.#enter(id);
  }

  /** The lab closes: runs that are cut short by it are left for the next runner. Resolved when the last has been noted. */
  close(): Promise<void> {
    this.#closing = true;
    return this.#work;
  }

  /** Called whenever a sweep has come further. Returns what ends it. */
  onProgress(listener: (progress: SweepProgress) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async progress(id: string): Promise<SweepProgress> {
    const active = this.#active.find((s) => s.id === id);
    if (active) return progressOf(active);
    const sweep = await this.#mustFind(id);
    const total = runsLeft(sweep.file, []).length;
    const left = runsLeft(sweep.file, await readRuns(this.lab.store.db, id)).length;
    return { sweep: id, status: sweep.status, done: total - left, total, running: null, reason: sweep.reason };
  }

  async ownerOf(id: string): Promise<string> {
    return (await this.#mustFind(id)).owner;
  }

  async #mustFind(id: string): Promise<StoredSweep> {
    const sweep = await findSweep(this.lab.store.db, id);
    if (!sweep) throw new StepError("sweep.unknown", `there is no sweep ${id}`, { hint: "check the link" });
    return sweep;
  }

  async #mustOwn(id: string, owner: string): Promise<StoredSweep> {
    const sweep = await this.#mustFind(id);
    if (sweep.owner !== owner)
      throw new StepError("not.owner", "another browser made this sweep: you can watch it", {
        hint: "run its file as a sweep of your own",
      });
    return sweep;
  }

  async #enter(id: string): Promise<void> {
    const sweep = await this.#mustFind(id);
    const left = runsLeft(sweep.file, await readRuns(this.lab.store.db, id));
    const total = runsLeft(sweep.file, []).length;
    const active: Active = { ...sweep, status: "running", reason: null, left, total, cuts: 0, current: undefined };
    this.#active.push(active);
    this.#tell(active);
    if (!this.#working) this.#work = this.#runAll();
  }

  async #runAll(): Promise<void> {
    this.#working = true;
    for (;;) {
      const sweep = this.#active.shift();
      if (!sweep || this.#closing) {
        this.#working = false;
        return;
      }
      // It stays listed while it runs, and goes to the end of the line afterwards.
      this.#active.push(sweep);
      try {
        await this.#runNext(sweep);
      } catch (error) {
        if (!this.#closing) await this.#stop(sweep.id, namedErrorOf(error).message).catch(() => {});
      }
    }
  }

  async #runNext(sweep: Active): Promise<void> {
    const next = sweep.left[0];
    if (next === undefined) return this.#finish(sweep);
    if (!this.lab.hasRoomFor(sweep.owner)) {
      await new Promise((resolve) => setTimeout(resolve, this.noRoomMs));
      return;
    }
    const point = sweep.file.sweep ? sweepPoints(sweep.file.sweep)[next.point] : undefined;
    if (!point) throw new StepError("sweep.point", `run ${next.no} is no point of the grid`);
    const { db } = this.lab.store;
    const experiment = await this.lab.create(fileAtPoint(sweep.file, point), sweep.owner, { fresh: true });
    sweep.current = experiment;
    await beginRun(db, sweep.id, next.no, experiment.id);
    this.#tell(sweep);
    if (!this.#closing) await experiment.runPlan();
    // Somebody may have ended it, and then it was not judged over all its steps.
    const whole = !experiment.over && remainingPlan(experiment.view).length === 0;
    const failed = experiment.view.steps.find((s) => s.state === "failed");
    const noRoom = failed?.error?.code.startsWith("guests.") ?? false;
    const done = !this.#closing && !noRoom && (whole || (failed !== undefined && !experiment.over));
    await experiment.end();
    sweep.current = undefined;
    await endRun(db, experiment.id, done ? "done" : "cut");
    if (!this.#active.includes(sweep)) return;
    if (done) {
      sweep.left = sweep.left.slice(1);
      sweep.cuts = 0;
    } else if (!this.#closing && ++sweep.cuts >= MAX_CUTS)
      throw new StepError("sweep.cut", `the run at ${describePoint(point)} was cut short ${MAX_CUTS} times`);
    if (sweep.left.length === 0) await this.#finish(sweep);
    else this.#tell(sweep);
  }

  async #finish(sweep: Active): Promise<void> {
    this.#leave(sweep);
    sweep.status = "done";
    await setSweepStatus(this.lab.store.db, sweep.id, "done");
    this.#tell(sweep);
  }

  async #stop(id: string, reason: string): Promise<void> {
    const sweep = this.#active.find((s) => s.id === id);
    if (!sweep) return;
    this.#leave(sweep);
    sweep.status = "stopped";
    sweep.reason = reason;
    await setSweepStatus(this.lab.store.db, id, "stopped", reason);
    await sweep.current?.end(reason);
    this.#tell(sweep);
  }

  #leave(sweep: Active): void {
    const at = this.#active.indexOf(sweep);
    if (at !== -1) this.#active.splice(at, 1);
  }

  #tell(sweep: Active): void {
    const progress = progressOf(sweep);
    for (const listener of this.#listeners) listener(progress);
  }
}

const progressOf = ({ id, status, left, total, current, reason }: Active): SweepProgress => ({
  ...{ sweep: id, status, done: total - left.length, total, running: current?.id ?? null, reason },
});
