/** All open experiments: who owns them, how many guests run, and when an idle one ends. */
import {
  type ExperimentFile,
  experimentFile,
  type GuestInfo,
  type NamedError,
  type NewEvent,
  sheetOf,
} from "@crlab/shared";
import { experimentIdOf } from "../store/identity.js";
import { findEnd, findExperiment, findOwner, readView, type Store } from "../store/index.js";
import { namedErrorOf, StepError } from "./errors.js";
import { createdBy, Experiment } from "./experiment.js";
import type { BootGuest } from "./guest-port.js";
import type { Spares } from "./spares.js";

export interface LabLimits {
  guests: number;
  /** Of these, at most so many for one owner. */
  guestsPerOwner?: number;
  /** A guest that nobody watches or drives stands still after this long. */
  suspendMs?: number;
  /** A guest that nobody drives is ended after this long. */
  idleMs: number;
}

/** So often the processes of a guest that somebody watches are looked at. */
const LOOK_MS = 2000;
/** Who has done something so lately may be typing, and would feel a guest being booted beside it. */
const RECENT_MS = 3000;
/** More than this need not wait: somebody plays tricks. */
const MAX_WAITING = 32;
/** What keeps one log from being written keeps all of them. */
const OF_ALL_LOGS = new Set(["disk.full", "store.unwritable", "store.damaged"]);
const isAtRest = (e: Experiment): boolean => !e.busy && performance.now() - e.activeAtMs > RECENT_MS;

interface Waiting {
  id: string;
  owner: string;
  go(): void;
  giveUp(error: StepError): void;
}

export class Lab {
  /** How many look at an experiment; whoever serves it knows. */
  watchersOf: (id: string) => number = () => 0;
  readonly #afterEnd = new Set<(id: string) => void>();
  #queue: Waiting[] = [];
  readonly #bootingFor = new Map<string, string>();
  readonly open = new Map<string, Experiment>();
  /** Ended, with a guest that is still coming up, or going. */
  readonly #leaving = new Set<Promise<void>>();
  /** Their logs could not be written, and want an end once they can. */
  readonly #endless = new Map<string, NamedError>();
  readonly #troubled = new Set<() => void>();
  /** Whether runs are on whose figures nothing may disturb; whoever makes them knows. */
  measures: () => boolean = () => false;
  readonly #idleTimer: NodeJS.Timeout;
  readonly #lookTimer: NodeJS.Timeout;

  constructor(
    readonly store: Store,
    private readonly boot: BootGuest,
    readonly limits: LabLimits,
    readonly spares?: Spares,
  ) {
    if (spares) {
      spares.room = () => this.limits.guests - this.guests;
      spares.quiet = () =>
        this.#bootingFor.size === 0 && !this.measures() && [...this.open.values()].every((e) => e.over || isAtRest(e));
    }
    const shortest = Math.min(10_000, limits.idleMs, limits.suspendMs ?? limits.idleMs);
    this.#idleTimer = setInterval(() => this.#lookAfterIdle(), shortest);
    this.#idleTimer.unref();
    this.#lookTimer = setInterval(() => this.#lookForWatchers(), LOOK_MS);
    this.#lookTimer.unref();
  }

  get guests(): number {
    return this.#holders().length;
  }

  /** Whether a guest for this owner would be neither refused nor keep others waiting. */
  hasRoomFor(owner: string): boolean {
    const holders = this.#holders();
    if (this.#queue.length > 0 || holders.length >= this.limits.guests) return false;
    return holders.filter((o) => o === owner).length < (this.limits.guestsPerOwner ?? Number.POSITIVE_INFINITY);
  }

  /** `fresh`: its guests are never ones that stood by. */
  async create(
    file: ExperimentFile,
    owner: string,
    { forkedFrom, fresh = false }: { forkedFrom?: string; fresh?: boolean } = {},
  ): Promise<Experiment> {
    const boot: BootGuest = (manifest, of, how) => this.#bootWithinLimit(owner, manifest, of, { fresh, ...how });
    const created = createdBy(file, forkedFrom);
    const id = experimentIdOf(created);
    const experiment = new Experiment(this.store, id, owner, file, boot, {
      unwritable: (e) => this.#unwritable(e),
      closed: (e) => this.#closed(e),
    });
    await experiment.create(created);
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
      ...sheetOf(view),
      ...view.manifest,
      steps: steps.length > 0 ? steps : [{ kind: "boot" }],
    });
    return this.create(file, owner, { forkedFrom: id });
  }

  /** The open experiment `owner` may drive; otherwise an error that says why not. */
  async drive(id: string, owner: string): Promise<Experiment> {
    await this.#mustOwn(id, owner);
    const experiment = this.open.get(id);
    if (experiment && !experiment.over) {
      if (experiment.view.guest?.suspended) await experiment.wake();
      return experiment;
    }
    throw new StepError("experiment.ended", "the experiment has ended", { hint: "fork it or run it again" });
  }

  async ownerOf(id: string): Promise<string | undefined> {
    return this.open.get(id)?.owner ?? (await findOwner(this.store.db, id));
  }

  async #mustOwn(id: string, owner: string): Promise<void> {
    const stored = await this.ownerOf(id);
    if (stored === undefined) throw this.unknown(id);
    if (stored !== owner)
      throw new StepError("not.owner", "another browser made this experiment: you can watch it", {
        hint: "fork it to drive a copy of your own",
      });
  }

  /** Writes what may be said of an experiment at any time: its title, and whether its result counts. */
  async annotate(
    id: string,
    owner: string,
    event: Extract<NewEvent, { type: "experiment.renamed" | "experiment.marked" }>,
  ) {
    await this.#mustOwn(id, owner);
    const experiment = this.open.get(id);
    if (experiment) {
      await experiment.log.append(event);
      return;
    }
    const found = await findEnd(this.store.db, id);
    if (!found) throw this.unknown(id);
    await this.store.append(id, [{ ...event, seq: found.lastSeq + 1, atMs: found.lastMs }]);
    for (const tell of this.#afterEnd) tell(id);
  }

  /** Called when something was said of an experiment that is over. Returns what ends it. */
  onAnnotated(listener: (id: string) => void): () => void {
    this.#afterEnd.add(listener);
    return () => this.#afterEnd.delete(listener);
  }

  /** Why an experiment's log has no end, though it has come to one. */
  unwritable(id: string): NamedError | undefined {
    return this.#endless.get(id);
  }

  /** Why nothing that happens now can be kept. */
  get trouble(): NamedError | undefined {
    return [...this.#endless.values()].find(({ code }) => OF_ALL_LOGS.has(code));
  }

  /** Called when logs cannot be written any more, or can again. Returns what ends it. */
  onTrouble(listener: () => void): () => void {
    this.#troubled.add(listener);
    return () => this.#troubled.delete(listener);
  }

  /** The guests that run and those that wait, as `owner` may see them. */
  guestList(owner: string): GuestInfo[] {
    return [...this.open.values()]
      .filter((e) => e.hasGuest || this.#bootingFor.has(e.id) || this.#queue.some((w) => w.id === e.id))
      .map((e) => {
        const { guest } = e.view;
        const state = this.#queue.some((w) => w.id === e.id)
          ? "queued"
          : !e.hasGuest
            ? "booting"
            : guest?.suspended
              ? "suspended"
              : e.busy
                ? "busy"
                : "idle";
        const leftMs = Math.max(0, e.activeAtMs + this.limits.idleMs - performance.now());
        return {
          experiment: e.id,
          title: e.view.title,
          mine: e.owner === owner,
          kernel: guest?.kernel ?? e.manifest.kernel,
          memMiB: e.manifest.memMiB,
          cpus: e.manifest.cpus,
          bootedAt: (e.bootedAt ?? new Date()).toISOString(),
          state,
          watchers: this.watchersOf(e.id),
          idleEndsAt: new Date(Date.now() + leftMs).toISOString(),
          cpuMs: e.cost?.cpuMs ?? null,
          rssBytes: e.cost?.rssBytes ?? null,
        };
      });
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
    clearInterval(this.#lookTimer);
    await Promise.all([this.spares?.close(), ...[...this.open.values()].map((e) => e.end(reason))]);
    await Promise.all(this.#leaving);
  }

  /** Owners of the guests that run or boot, one each. */
  #holders(): string[] {
    const running = [...this.open.values()].flatMap((e) => Array.from({ length: e.guests }, () => e.owner));
    return [...running, ...this.#bootingFor.values()];
  }

  /** Boots when there is room: whoever comes when all guests run waits, first come, first served. */
  async #bootWithinLimit(owner: string, ...args: Parameters<BootGuest>): ReturnType<BootGuest> {
    const [, id] = args;
    const share = this.limits.guestsPerOwner;
    const mine = [...this.#holders(), ...this.#queue.map((w) => w.owner)].filter((o) => o === owner).length;
    if (share !== undefined && mine >= share)
      throw new StepError(
        "guests.share",
        `${mine} guests of yours run or wait already, and no browser has more than ${share}`,
        {
          hint: "end one of your experiments, or set CRLAB_MAX_GUESTS_PER_BROWSER",
        },
      );
    // Who waited for a second guest while holding one could wait for ever.
    const holdsOne = (this.open.get(id)?.guests ?? 0) > 0;
    if (holdsOne && this.guests >= this.limits.guests)
      throw new StepError("guests.limit", `${this.limits.guests} guests run at once and no more`, {
        hint: "end an experiment, wait for an idle one to expire, or set CRLAB_MAX_GUESTS",
      });
    if (this.#queue.length >= MAX_WAITING)
      throw new StepError("guests.limit", `${this.limits.guests} guests run, and ${MAX_WAITING} wait for one`, {
        hint: "try again later",
      });
    if (this.guests >= this.limits.guests || this.#queue.length > 0)
      await new Promise<void>((go, giveUp) => {
        this.#queue.push({ id, owner, go, giveUp });
        this.#sayPositions();
      });
    else this.#bootingFor.set(id, owner);
    try {
      return await (this.spares?.boot ?? this.boot)(...args);
    } finally {
      this.#bootingFor.delete(id);
      setImmediate(() => this.#admit());
    }
  }

  /** Lets in as many of those who wait as there is room for. */
  #admit(): void {
    let moved = false;
    while (this.guests < this.limits.guests) {
      const next = this.#queue.shift();
      if (!next) break;
      this.#bootingFor.set(next.id, next.owner);
      next.go();
      moved = true;
    }
    if (moved) this.#sayPositions();
  }

  #sayPositions(): void {
    this.#queue.forEach(({ id }, place) => {
      const experiment = this.open.get(id);
      if (experiment && experiment.view.guest?.queue !== place + 1) experiment.queued(place + 1).catch(() => {});
    });
  }

  #unwritable({ id, log }: Experiment): void {
    // Of one that could not even begin there is nothing to end.
    if (log.storedSeq === 0) return;
    this.#endless.set(id, namedErrorOf(log.failure));
    for (const tell of this.#troubled) tell();
  }

  #closed(experiment: Experiment): void {
    const { id } = experiment;
    this.open.delete(id);
    const left = experiment.left().finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
    const waiting = this.#queue.find((w) => w.id === id);
    this.#queue = this.#queue.filter((w) => w !== waiting);
    waiting?.giveUp(new StepError("experiment.ended", "the experiment ended while it waited for a guest"));
    this.#admit();
    this.#sayPositions();
  }

  /** Whoever watches sees what processes hold as it is now, not as it was after the last step. */
  #lookForWatchers(): void {
    if (this.measures()) return;
    for (const experiment of this.open.values()) if (this.watchersOf(experiment.id) > 0) void experiment.targets.look();
  }

  async #endEndless(): Promise<void> {
    for (const [id, failure] of this.#endless) {
      if (this.open.has(id)) continue;
      try {
        if (failure.code === "disk.full" && !(await this.store.hasRoom())) return;
        await this.store.interrupt(id, `the log could not be written: ${failure.message}`);
      } catch {
        return;
      }
      this.#endless.delete(id);
      for (const tell of this.#afterEnd) tell(id);
      for (const tell of this.#troubled) tell();
    }
  }

  #lookAfterIdle(): void {
    const now = performance.now();
    void this.#endEndless();
    // A guest may have ended without its experiment.
    this.#admit();
    for (const experiment of this.open.values()) {
      if (experiment.busy) continue;
      const idleMs = now - experiment.activeAtMs;
      if (idleMs > this.limits.idleMs)
        void experiment.end(`nobody drove it for ${Math.round(this.limits.idleMs / 60_000)} min`);
      else if (idleMs > (this.limits.suspendMs ?? Number.POSITIVE_INFINITY) && this.watchersOf(experiment.id) === 0)
        void experiment.suspend();
    }
  }
}
