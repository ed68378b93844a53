/** All open experiments: who owns them, how many guests run, and when an idle one ends. */
import { randomInt } from "node:crypto";
import { type ExperimentFile, experimentFile } from "@crlab/shared";
import { findExperiment, findOwner, readView, type Store } from "../store/index.js";
import { StepError } from "./errors.js";
import { Experiment } from "./experiment.js";
import type { BootGuest } from "./guest-port.js";

export interface LabLimits {
  guests: number;
  /** A guest that nobody drives is ended after this long. */
  idleMs: number;
}

const ID_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
const ID_LENGTH = 10;

export const newExperimentId = (): string =>
  Array.from({ length: ID_LENGTH }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join("");

export class Lab {
  readonly open = new Map<string, Experiment>();
  readonly #idleTimer: NodeJS.Timeout;
  #booting = 0;

  constructor(
    readonly store: Store,
    private readonly boot: BootGuest,
    readonly limits: LabLimits,
  ) {
    this.#idleTimer = setInterval(() => this.#endIdle(), Math.min(10_000, limits.idleMs));
    this.#idleTimer.unref();
  }

  get guests(): number {
    return this.#booting + [...this.open.values()].reduce((sum, e) => sum + e.guests, 0);
  }

  async create(file: ExperimentFile, owner: string, forkedFrom?: string): Promise<Experiment> {
    const boot: BootGuest = (manifest, id) => this.#bootWithinLimit(manifest, id);
    const id = newExperimentId();
    const experiment = new Experiment(this.store, id, owner, file, boot, (e) => this.open.delete(e.id));
    await experiment.create(file, forkedFrom);
    this.open.set(id, experiment);
    return experiment;
  }

  /** A new experiment with another one's manifest and what was done in it. */
  async fork(id: string, owner: string): Promise<Experiment> {
    const view = await readView(this.store.db, id);
    if (!view?.manifest) throw this.unknown(id);
    const done = view.steps.map((s) => s.step);
    const steps = view.steps.every((s) => s.planned) ? view.plan : done;
    const file = experimentFile.parse({
      title: view.title,
      ...(view.question === null ? {} : { question: view.question }),
      ...view.manifest,
      steps: steps.length > 0 ? steps : [{ kind: "boot" }],
    });
    return this.create(file, owner, id);
  }

  /** The open experiment `owner` may drive; otherwise an error that says why not. */
  async drive(id: string, owner: string): Promise<Experiment> {
    const stored = this.open.get(id)?.owner ?? (await findOwner(this.store.db, id));
    if (stored === undefined) throw this.unknown(id);
    if (stored !== owner)
      throw new StepError("not.owner", "another browser made this experiment: you can watch it", {
        hint: "fork it to drive a copy of your own",
      });
    const experiment = this.open.get(id);
    if (experiment && !experiment.over) return experiment;
    throw new StepError("experiment.ended", "the experiment has ended", { hint: "fork it or run it again" });
  }

  async exists(id: string): Promise<boolean> {
    return (await findExperiment(this.store.db, id)) !== undefined;
  }

  unknown(id: string): StepError {
    return new StepError("experiment.unknown", `there is no experiment ${id}`, { hint: "check the link" });
  }

  /** Ends all that runs: the lab closes. */
  async close(reason: string): Promise<void> {
    clearInterval(this.#idleTimer);
    await Promise.all([...this.open.values()].map((e) => e.end(reason)));
  }

  async #bootWithinLimit(...args: Parameters<BootGuest>): ReturnType<BootGuest> {
    if (this.guests >= this.limits.guests)
      throw new StepError("guests.limit", `${this.limits.guests} guests run at once and no more`, {
        hint: "end an experiment, wait for an idle one to expire, or set CRLAB_MAX_GUESTS",
      });
    this.#booting++;
    try {
      return await this.boot(...args);
    } finally {
      this.#booting--;
    }
  }

  #endIdle(): void {
    const now = performance.now();
    for (const experiment of this.open.values()) {
      if (!experiment.busy && now - experiment.activeAtMs > this.limits.idleMs)
        void experiment.end(`nobody drove it for ${Math.round(this.limits.idleMs / 60_000)} min`);
    }
  }
}
