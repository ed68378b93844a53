/**
 * Guests that stand by: up, with a shell at its prompt, and then stopped, so that they cost memory and nothing else.
 * Whoever wants a guest like them has one at once. Each is used once. They are there only while somebody visits the lab
 * and as long as nobody else needs their room; they end with this process, as all guests do.
 */
import { randomBytes } from "node:crypto";
import { freemem } from "node:os";
import {
  type Fingerprint,
  kernelTrouble,
  type Manifest,
  manifest as manifestSchema,
  type SpareInfo,
} from "@crlab/shared";
import { namedErrorOf } from "./errors.js";
import type { BootGuest, GuestPort } from "./guest-port.js";

/** What stands by in its terminal. */
export const SHELL = ["bash"];
const SHELL_SIZE = { cols: 100, rows: 30 };
/**
 * What experiments run first is run once, and nothing of it stays but what every experiment begins with: an emulated guest
 * translates code before it runs it, and keeps the translation.
 */
const REHEARSAL = `mkdir -p /ckpt; /usr/lib/crlab/look $$; checkpoint --help; timeout 0.3 memwriter --size 1 --rate 100; true`;
/** What a guest that is not stopped may come to need, and as much again for others. */
const FREE_BYTES = 2 * 700 * 1024 * 1024;
const LOOK_MS = 100;
/** After a failure nobody is in a hurry. */
const RETRY_MS = 60_000;

export interface SpareSettings {
  /** So many at most. */
  count: number;
  /** They go when nobody has visited the lab for so long. */
  idleMs: number;
  /** Whether one is still what would be booted now. */
  isCurrent: (fingerprint: Fingerprint) => Promise<boolean>;
}

/** What its kernel complained of while nobody had it, on a host that was busy, would be held against whoever gets it. */
const isSound = ({ serial }: GuestPort): boolean =>
  kernelTrouble({ kernelLog: [{ atMs: 0, text: serial.text }] }).length === 0;

interface Spare {
  port: GuestPort;
  readyAt: Date;
}

export class Spares {
  /** Guests that the lab has room for beside those that run. */
  room: () => number = () => 0;
  /** Nothing is measured, and nobody waits: a guest may be booted in the background. */
  quiet: () => boolean = () => true;
  visitors: () => number = () => 0;
  /** What the page of an experiment that says nothing of it asks for. */
  readonly #manifest: Manifest = manifestSchema.parse({});
  #ready: Spare[] = [];
  #making: { done: Promise<void>; hurry: () => void } | undefined;
  #visitedMs = Number.NEGATIVE_INFINITY;
  #retryMs = 0;
  #closed = false;
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly fresh: BootGuest,
    private readonly settings: SpareSettings,
  ) {
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  /** Boots a guest, or has one that stands by go on. */
  readonly boot: BootGuest = async (manifest, experimentId, how = {}) => {
    const may = how.disk === undefined && !how.fresh && this.#isLike(manifest);
    const spare = may ? await this.#take() : undefined;
    if (spare) return spare;
    await this.#makeRoom();
    return this.fresh(manifest, experimentId, how);
  };

  list(): SpareInfo[] {
    return this.#ready.map(({ port, readyAt }) => ({
      kernel: port.fingerprint.kernelVariant,
      memMiB: port.fingerprint.memMiB,
      cpus: port.fingerprint.cpus,
      readyAt: readyAt.toISOString(),
      rssBytes: port.cost()?.rssBytes ?? null,
    }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    // Behind everybody else on a busy host it would take minutes.
    this.#making?.hurry();
    await this.#making?.done;
    await this.#drop(this.#ready);
  }

  #isLike(manifest: Manifest): boolean {
    const same = (key: keyof Manifest) => manifest[key] === this.#manifest[key];
    return (["kernel", "image", "memMiB", "cpus", "accel", "network"] as const).every(same);
  }

  async #take(): Promise<GuestPort | undefined> {
    // One that is being made was begun before, and is ready before another would be.
    if (this.#ready.length === 0 && this.#making) {
      this.#making.hurry();
      await this.#making.done;
    }
    for (let spare = this.#ready.shift(); spare; spare = this.#ready.shift()) {
      try {
        if (isSound(spare.port) && (await this.settings.isCurrent(spare.port.fingerprint))) {
          await spare.port.takeUp();
          return spare.port;
        }
      } catch (error) {
        console.error(`a guest that stood by: ${namedErrorOf(error).message}`);
      }
      await spare.port.discard();
    }
    return undefined;
  }

  #look(): void {
    const now = performance.now();
    if (this.visitors() > 0) this.#visitedMs = now;
    const wanted = now - this.#visitedMs < this.settings.idleMs ? Math.min(this.settings.count, this.room()) : 0;
    if (this.#ready.length > wanted) void this.#drop(this.#ready.slice(wanted));
    else if (this.#ready.length < wanted && !this.#making && this.#mayMake(now)) {
      let hurry = () => {};
      const background = new Promise<void>((resolve) => {
        hurry = resolve;
      });
      const done = this.#make(background).finally(() => {
        this.#making = undefined;
      });
      this.#making = { done, hurry };
    }
  }

  #mayMake(now: number): boolean {
    return !this.#closed && now >= this.#retryMs && this.quiet() && freemem() > FREE_BYTES;
  }

  async #make(background: Promise<void>): Promise<void> {
    let inHurry = false;
    void background.then(() => {
      inHurry = true;
    });
    try {
      const port = await this.fresh(this.#manifest, `spare-${randomBytes(3).toString("hex")}`, { background });
      if (this.#closed) {
        await port.discard();
        return;
      }
      try {
        if (!inHurry) await port.exec(["sh", "-c", REHEARSAL]);
        await port.standBy(SHELL, SHELL_SIZE);
      } catch (error) {
        await port.discard();
        throw error;
      }
      const spare = { port, readyAt: new Date() };
      this.#ready.push(spare);
      void port.ended.then(() => {
        this.#ready = this.#ready.filter((s) => s !== spare);
      });
    } catch (error) {
      this.#retryMs = performance.now() + RETRY_MS;
      console.error(`no guest stands by: ${namedErrorOf(error).message}`);
    }
  }

  /** For a guest that none of them can be. */
  async #makeRoom(): Promise<void> {
    await this.#drop(this.#ready.slice(Math.max(0, this.room())));
  }

  async #drop(spares: readonly Spare[]): Promise<void> {
    this.#ready = this.#ready.filter((s) => !spares.includes(s));
    await Promise.all(spares.map(({ port }) => port.discard()));
  }
}
