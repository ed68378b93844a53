/** An open experiment: its guest, its terminals and the steps that run, one at a time. */
import { randomBytes } from "node:crypto";
import {
  type ExperimentFile,
  judge,
  LOG_VERSION,
  type Manifest,
  manifest as manifestSchema,
  type NewEvent,
  remainingPlan,
  runningStep,
  type Step,
  sheetOf,
} from "@crlab/shared";
import type { Link } from "../migration/link.js";
import { beginPids } from "../migration/pids.js";
import type { Store } from "../store/index.js";
import { namedErrorOf, StepError } from "./errors.js";
import type { BootGuest, ExecOptions, ExecResult, GuestEnd, GuestPort, KeptDisk } from "./guest-port.js";
import { Images } from "./images.js";
import { KernelLog } from "./kernel-log.js";
import { ExperimentLog } from "./log.js";
import { sameTerminal, sizeOf } from "./same-terminal.js";
import { SHELL } from "./spares.js";
import { executeStep } from "./steps.js";
import { Targets } from "./targets.js";
import { LiveTerminal } from "./terminal.js";

const DEFAULT_SIZE = { cols: 100, rows: 30 };
const EXEC_LIMIT_MS = 120_000;
const GONE_KNOWN_MS = 3000;

type Created = Extract<NewEvent, { type: "experiment.created" }>;

/** What a new experiment is, and what its link is made of. */
export const createdBy = (file: ExperimentFile, forkedFrom?: string): Created => ({
  type: "experiment.created",
  logVersion: LOG_VERSION,
  title: file.title,
  ...sheetOf(file),
  manifest: manifestSchema.strip().parse(file),
  plan: file.steps,
  createdAt: new Date().toISOString(),
  ...(forkedFrom === undefined ? {} : { forkedFrom }),
  nonce: randomBytes(16).toString("hex"),
});

/** What an earlier guest has left, and what is to be done of it in the next one. */
interface Leftover {
  disk: KeptDisk;
  prepare: (port: GuestPort) => Promise<{ images: string[]; terminals: number[] }>;
}

interface RunningGuest {
  port: GuestPort;
  /** Rejects when the guest is gone: whatever waits for it races with this. */
  gone: Promise<never>;
  kernelLog: KernelLog;
}

/** Whom it tells what becomes of it. */
interface Told {
  /** From now on nothing of it is kept. */
  unwritable(experiment: Experiment): void;
  closed(experiment: Experiment): void;
}

export class Experiment {
  readonly log: ExperimentLog;
  readonly manifest: Manifest;
  readonly terminals = new Map<number, LiveTerminal>();
  readonly images = new Images(this);
  readonly targets = new Targets(this);
  /** Told of a migration that begins, with what may go wrong in it: for tests. */
  onMigration: ((migration: { link: Link; to: GuestPort }) => void) | undefined;
  /** When someone last drove it (performance.now()). */
  activeAtMs = performance.now();
  #guest: RunningGuest | undefined;
  /** Where a migration leads. */
  #incoming: RunningGuest | undefined;
  #guestNo = 0;
  #lastTerminal = 0;
  #stepNo = 0;
  #busy = false;
  #planRunning = false;
  #ended: Promise<void> | undefined;
  /** Fulfilled when no step runs. A boot goes on for a while after the experiment has ended. */
  #stepping: Promise<unknown> = Promise.resolve();

  constructor(
    readonly store: Store,
    readonly id: string,
    readonly owner: string,
    file: ExperimentFile,
    private readonly boot: BootGuest,
    private readonly told: Told,
  ) {
    this.log = new ExperimentLog(store, id, owner);
    this.log.onFailure = () => {
      told.unwritable(this);
      void this.#abandon();
    };
    this.manifest = manifestSchema.strip().parse(file);
  }

  /** Writes the log's first event. */
  async create(created: Created): Promise<void> {
    await this.log.append(created);
  }

  get view() {
    return this.log.view;
  }
  /** When its guest was up. */
  bootedAt: Date | undefined;

  /** What its guest has taken of this machine. */
  get cost() {
    return this.#guest?.port.cost();
  }

  #pausing: Promise<void> = Promise.resolve();

  /** Stops the guest's time, if nothing runs in it. */
  suspend(): Promise<void> {
    return this.#pause(true);
  }

  /** Somebody is back: the guest goes on. */
  wake(): Promise<void> {
    return this.#pause(false);
  }

  /** One change after the other, so that the log and the guest agree. */
  #pause(suspended: boolean): Promise<void> {
    const change = async () => {
      const running = this.#guest;
      const { guest } = this.view;
      if (!running || this.over || guest?.state !== "up" || guest.suspended === suspended) return;
      if (suspended && this.busy) return;
      if (suspended) await running.port.suspend();
      else await running.port.resume();
      await this.log.append({ type: suspended ? "guest.suspended" : "guest.resumed", guest: guest.guest });
    };
    this.#pausing = this.#pausing.then(change).catch((error: unknown) => {
      console.error(`experiment ${this.id}: ${namedErrorOf(error).message}`);
    });
    return this.#pausing;
  }

  /** Its place among those who wait for a guest. */
  async queued(position: number): Promise<void> {
    await this.log.append({ type: "guest.queued", guest: this.#guestNo, position });
  }

  async mark(invalid: string | null): Promise<void> {
    await this.log.append({ type: "experiment.marked", invalid });
  }

  get over(): boolean {
    return this.#ended !== undefined;
  }
  get hasGuest(): boolean {
    return this.#guest !== undefined;
  }
  /** Two while it moves from one into the other. */
  get guests(): number {
    return (this.#guest ? 1 : 0) + (this.#incoming ? 1 : 0);
  }
  get busy(): boolean {
    return this.#busy || this.#planRunning;
  }

  /** Runs the next planned steps; the first that fails ends the run. */
  async runPlan(count = Number.POSITIVE_INFINITY): Promise<void> {
    this.#refuseIfBusy();
    this.#planRunning = true;
    try {
      for (let n = 0; n < count; n++) {
        const next = remainingPlan(this.view)[0];
        if (next === undefined || this.over || !(await this.#step(next, true))) return;
      }
    } finally {
      this.#planRunning = false;
    }
  }

  /** Runs one step that someone asked for. Resolves with whether it was ok. */
  async runStep(step: Step): Promise<boolean> {
    this.#refuseIfBusy();
    return this.#step(step, false);
  }

  #refuseIfBusy(): void {
    if (this.over)
      throw new StepError("experiment.ended", "the experiment has ended", { hint: "fork it or run it again" });
    const running = runningStep(this.view);
    if (this.busy)
      throw new StepError(
        "experiment.busy",
        `step ${running?.stepNo ?? "?"} (${running?.kind ?? "a step"}) is still running`,
        {
          hint: "steps run one at a time: wait for it, or end the experiment",
        },
      );
  }

  #step(step: Step, planned: boolean): Promise<boolean> {
    const running = this.#runStep(step, planned);
    this.#stepping = running.catch(() => undefined);
    return running;
  }

  /** Resolved when it has ended and nothing of it is under way: until then it may write to its log. */
  async left(): Promise<void> {
    await this.#ended;
    await this.#stepping;
    await this.#ending;
  }

  async #runStep(step: Step, planned: boolean): Promise<boolean> {
    this.#busy = true;
    this.activeAtMs = performance.now();
    const stepNo = ++this.#stepNo;
    const { targets } = this;
    targets.stepBegins();
    const started = performance.now();
    const ms = () => Math.round((performance.now() - started) * 10) / 10;
    try {
      await this.log.append({ type: "step.started", stepNo, step, planned });
      const offsets = step.kind === "wait" ? undefined : targets.offsets();
      try {
        const { figures, text } = await executeStep(this, stepNo, step);
        if (offsets) targets.mark(offsets);
        await targets.sample();
        if (this.over) return false;
        await this.log.append({
          type: "step.finished",
          stepNo,
          ms: ms(),
          ...(figures === undefined ? {} : { figures }),
          ...(text === undefined ? {} : { text }),
        });
        return true;
      } catch (error) {
        if (this.log.failure) throw this.log.failure;
        // If it failed because the guest is gone, that stands before it in the log.
        await new Promise((resolve) => setImmediate(resolve));
        await this.#ending;
        if (!this.over) await this.log.append({ type: "step.failed", stepNo, ms: ms(), error: namedErrorOf(error) });
        return false;
      }
    } catch (error) {
      if (!this.log.failure) console.error(`experiment ${this.id}: ${namedErrorOf(error).message}`);
      await this.#abandon();
      return false;
    } finally {
      this.#busy = false;
      this.activeAtMs = performance.now();
    }
  }

  // ---- the guest ----

  async bootGuest(kernel: Manifest["kernel"]): Promise<GuestPort> {
    await this.stopGuest("another guest takes its place");
    return this.#bootOn(kernel);
  }

  /** Starts the guest anew on the disk that it leaves. Terminals of targets go on there: images know them by name. */
  async rebootGuest(how: "shutdown" | "power cut"): Promise<GuestPort> {
    const { port } = this.#running();
    const kernel = this.view.guest?.kernel ?? this.manifest.kernel;
    const kept = [...this.terminals.values()].filter((t) => this.view.targets.some((x) => x.terminal === t.id));
    const before = kept.map((terminal) => ({ terminal, path: terminal.guest.path, size: sizeOf(this, terminal.id) }));
    for (const { id } of kept) this.terminals.delete(id);
    await this.#pausing;
    await this.log.append({ type: "note", text: `guest ${this.#presentNo} is started anew: ${how}` });
    try {
      const disk = await port.halt(how);
      await port.ended;
      await this.#ending;
      // They are back before anybody is told that the guest is, and looks at them.
      const prepare = async (again: GuestPort) => {
        for (const { terminal, path, size } of before) {
          terminal.moveTo(await sameTerminal(again, path, size));
          this.terminals.set(terminal.id, terminal);
        }
        return { images: await this.#imagesOn(again), terminals: kept.map((t) => t.id) };
      };
      return await this.#bootOn(kernel, { disk, prepare });
    } finally {
      await Promise.all(kept.filter((t) => !this.terminals.has(t.id)).map((t) => t.end()));
    }
  }

  /** Of the images there were, those that this guest's disk has. */
  async #imagesOn(port: GuestPort): Promise<string[]> {
    const script = 'for f; do [ -s "$f" ] && echo "$f"; done; true';
    const paths = this.view.checkpoints.map((c) => c.guestPath);
    const { stdout } = await port.exec(["sh", "-c", script, "sh", ...paths], { timeoutMs: EXEC_LIMIT_MS });
    const there = new Set(stdout.toString("utf8").split("\n"));
    return this.view.checkpoints.filter((c) => there.has(c.guestPath)).map((c) => c.name);
  }

  async #bootOn(kernel: Manifest["kernel"], from?: Leftover): Promise<GuestPort> {
    const guest = ++this.#guestNo;
    await this.log.append({ type: "guest.booting", guest, kernel, how: from ? "cold" : "warm" });
    let port: GuestPort;
    try {
      port = await this.boot({ ...this.manifest, kernel }, this.id, from && { disk: from.disk });
    } catch (error) {
      await this.log.append({ type: "guest.ended", guest, how: "died", reason: namedErrorOf(error).message });
      throw error;
    }
    const running = this.#watch(port);
    this.#guest = running;
    this.bootedAt = new Date();
    void port.ended.then((end) => this.#guestEnded(running, guest, end));
    if (this.over) {
      await port.stop();
      throw new StepError("experiment.ended", "the experiment ended while its guest booted");
    }
    const script = `mkdir -p /ckpt; ${beginPids(guest)}`;
    await withGuest(port.exec(["sh", "-c", script], { timeoutMs: EXEC_LIMIT_MS }), running.gone);
    const kept = await from?.prepare(port);
    await this.log.append({
      type: "guest.booted",
      guest,
      bootMs: port.bootMs,
      how: port.how,
      fingerprint: port.fingerprint,
      ...kept,
    });
    return port;
  }

  #watch(port: GuestPort): RunningGuest {
    const gone = port.ended.then((end): never => {
      throw new StepError(`guest.${end.how}`, `the guest ${end.how}: ${end.reason}`, { hint: "boot again" });
    });
    gone.catch(() => {});
    const kernelLog = new KernelLog(this.log);
    kernelLog.add(port.serial.text);
    port.onSerial((text) => kernelLog.add(text));
    return { port, gone, kernelLog };
  }

  /** Boots a second guest like the present one, for a migration, which ends with `handOver` or `turnAway`. */
  async bootIncoming(): Promise<{ from: GuestPort; to: GuestPort; fromGuest: number; toGuest: number }> {
    const { port: from } = this.#running();
    const fromGuest = this.#presentNo;
    const toGuest = ++this.#guestNo;
    const kernel = this.view.guest?.kernel ?? this.manifest.kernel;
    // What moves in brings its pids and the names of its terminals along: they must be free.
    const to = await this.boot({ ...this.manifest, kernel }, this.id, { fresh: true });
    this.#incoming = this.#watch(to);
    if (this.over || this.#guest?.port !== from) {
      await this.turnAway();
      throw new StepError("guest.none", "the guest has gone while another one booted", { hint: "boot one first" });
    }
    return { from, to, fromGuest, toGuest };
  }

  /** The second guest is not needed after all. */
  async turnAway(): Promise<void> {
    const incoming = this.#incoming;
    this.#incoming = undefined;
    await incoming?.port.stop();
    await incoming?.kernelLog.flush();
  }

  /** From now on the second guest is the guest. Only `kept` of the terminals comes along. */
  async handOver(kept: LiveTerminal, moved: NewEvent & { type: "migration.finished" }): Promise<void> {
    const [from, to] = [this.#guest, this.#incoming];
    if (!to) throw new StepError("guest.none", "the guest it moved into has gone");
    this.#guest = to;
    this.#incoming = undefined;
    void to.port.ended.then((end) => this.#guestEnded(to, moved.guest, end));
    const left = [...this.terminals.values()].filter((t) => t !== kept);
    for (const terminal of left) this.terminals.delete(terminal.id);
    await Promise.all(left.map((t) => t.end()));
    await this.log.append(moved);
    await from?.port.stop();
  }

  #ending: Promise<void> = Promise.resolve();

  #guestEnded(running: RunningGuest, guest: number, end: GuestEnd): Promise<void> {
    const wasCurrent = this.#guest === running;
    if (wasCurrent) this.#guest = undefined;
    this.#ending = (async () => {
      // A guest that was moved out of has no terminals any more.
      const terminals = wasCurrent ? [...this.terminals.values()] : [];
      if (wasCurrent) {
        this.terminals.clear();
        this.targets.marks.clear();
      }
      await Promise.all(terminals.map((t) => t.end()));
      await running.kernelLog.flush();
      await this.log.append({ type: "guest.ended", guest, how: end.how, reason: end.reason }).catch(() => {});
    })();
    return this.#ending;
  }

  async stopGuest(reason: string): Promise<void> {
    const running = this.#guest;
    if (running === undefined) return;
    // Only a guest whose time goes on can shut itself down.
    await this.#pausing;
    if (this.view.guest?.suspended) await running.port.resume().catch(() => {});
    // An image that cannot be read is no reason to keep its guest.
    if (runningStep(this.view)?.kind !== "checkpoint") await this.images.readUnread().catch(() => {});
    await this.log.append({ type: "note", text: `guest ${this.#presentNo} is stopped: ${reason}` }).catch(() => {});
    await running.port.stop();
    await running.port.ended;
    await this.#ending;
  }

  /** Of the present guest: those after it were turned away. */
  get #presentNo(): number {
    return this.view.guest?.guest ?? this.#guestNo;
  }

  #running(): RunningGuest {
    if (this.#guest) return this.#guest;
    throw new StepError("guest.none", "no guest is running", { hint: "boot one first" });
  }

  /** Rejects as soon as the guest is gone. */
  get guestGone(): Promise<never> {
    return this.#running().gone;
  }

  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { port, gone } = this.#running();
    return withGuest(port.exec(argv, { timeoutMs: EXEC_LIMIT_MS, ...options }), gone);
  }

  // ---- terminals ----

  async openTerminal(kind: "workload" | "shell", title: string, argv: readonly string[], size = DEFAULT_SIZE) {
    const { port, gone } = this.#running();
    if (this.terminals.size >= 32)
      throw new StepError("terminals.limit", "32 terminals are open", { hint: "close one first" });
    const opened = await withGuest(port.openTerminal(argv, size), gone);
    const id = ++this.#lastTerminal;
    await this.log.append(
      { type: "terminal.opened", terminal: id, title, kind },
      { type: "terminal.resized", terminal: id, cols: size.cols, rows: size.rows },
    );
    const terminal = new LiveTerminal(id, opened, this.log);
    this.terminals.set(id, terminal);
    if (kind === "shell") void opened.exited.then(() => this.closeTerminal(id, "the shell ended")).catch(() => {});
    return terminal;
  }

  async openShell(size: { cols: number; rows: number }): Promise<number> {
    this.activeAtMs = performance.now();
    // Not as a login shell: what that reads and runs first takes an emulated guest a second, and sets what is set.
    return (await this.openTerminal("shell", "shell", SHELL, size)).id;
  }

  terminal(id: number): LiveTerminal {
    const found = this.terminals.get(id);
    if (found) return found;
    throw new StepError("terminal.closed", `terminal ${id} is not open`, {
      hint: "its output is kept; open a shell for a new one",
    });
  }

  async resizeTerminal(id: number, cols: number, rows: number): Promise<void> {
    this.terminal(id).guest.resize(cols, rows);
    await this.log.append({ type: "terminal.resized", terminal: id, cols, rows });
  }

  async closeTerminal(id: number, reason: string): Promise<void> {
    const terminal = this.terminals.get(id);
    if (!terminal) return;
    this.terminals.delete(id);
    terminal.guest.close();
    await terminal.end();
    await this.log.append({ type: "terminal.closed", terminal: id, reason });
  }

  // ---- the end ----

  async rename(title: string): Promise<void> {
    await this.log.append({ type: "experiment.renamed", title });
  }

  /** Stops the guest and gives the verdict over the steps done. */
  end(reason?: string): Promise<void> {
    this.#ended ??= (async () => {
      try {
        // Judged before the guest is stopped: a step that is cut off now was not finished.
        const outcome = judge(this.view);
        await this.turnAway();
        await this.stopGuest(reason ?? "the experiment ends");
        const event: NewEvent = {
          type: "experiment.ended",
          verdict: outcome.verdict,
          reason: reason === undefined ? outcome.reason : `${outcome.reason} (${reason})`,
        };
        await this.log.append(event);
      } catch (error) {
        console.error(`experiment ${this.id}: ${namedErrorOf(error).message}`);
        await this.#guest?.port.stop();
      } finally {
        this.told.closed(this);
      }
    })();
    return this.#ended;
  }

  /** The log cannot be written: nothing that happens now would be known, so nothing happens. */
  #abandon(): Promise<void> {
    this.#ended ??= (async () => {
      if (this.log.failure) console.error(`experiment ${this.id}: ${namedErrorOf(this.log.failure).message}`);
      await this.#incoming?.port.stop();
      await this.#guest?.port.stop();
      this.told.closed(this);
    })();
    return this.#ended;
  }
}

/** Whoever waits for a guest that goes is told why it went: its channel closes a moment before that is known. */
async function withGuest<T>(work: Promise<T>, gone: Promise<never>): Promise<T> {
  try {
    return await Promise.race([work, gone]);
  } catch (error) {
    work.catch(() => {});
    if (namedErrorOf(error).code === "guest-gone")
      await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, GONE_KNOWN_MS))]);
    throw error;
  }
}
