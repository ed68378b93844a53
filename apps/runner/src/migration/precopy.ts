/**
 * Pre-copy: a process tree moves from one guest into another, and stands still only for the last of its pages.
 *
 * Live increments cross the link while the tree runs. For the last one it stands still, and stays so (checkpoint
 * --hold) until it runs over there: only then is it killed here. Whatever fails before, it goes on here.
 */
import type { MigrationRound, MigrationStop, RestoreFigures } from "@crlab/shared";
import { readCheckpoint, readRestart } from "../engine/kernel.js";
import { namedErrorOf, StepError } from "../experiment/errors.js";
import type { ExecOptions, ExecResult, GuestEnd, GuestLane } from "../experiment/guest-port.js";
import { type Link, LinkCut, type LinkStream } from "./link.js";

/** What is needed of either guest. */
export interface MigrationGuest {
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  readonly lane: GuestLane;
  readonly ended: Promise<GuestEnd>;
}

export interface PrecopyOptions {
  /** Root of the tree. */
  pid: number;
  /** While it runs, at most. */
  rounds: number;
  /** The last round begins when what is left crosses the link in this time. */
  goalMs: number;
  withinMs: number;
  /** Told of each round when it is over. */
  onRound?: (round: MigrationRound) => Promise<void> | void;
  /** Told of each command before it runs. */
  onCommand?: (where: "source" | "target", argv: readonly string[]) => Promise<void> | void;
  /** The tree runs over there, and is about to be killed here. Whatever this throws leaves it here. */
  onRunning?: () => Promise<void> | void;
}

export interface Migrated {
  rounds: MigrationRound[];
  stopped: MigrationStop;
  /** From when the source was asked to stand still to when it was known to run over there, by our clock. */
  downtimeMs: number;
  totalMs: number;
  bytes: number;
  restore: RestoreFigures;
}

/** Images over there, until they are used up. */
const FOLDER = "/run/crlab-migration";
const KEPT_OUTPUT_BYTES = 64 * 1024;
/** A round that is larger than this part of the one before is no progress. */
const PROGRESS = 0.9;

export async function precopy(
  source: MigrationGuest,
  target: MigrationGuest,
  link: Link,
  options: PrecopyOptions,
): Promise<Migrated> {
  const one = new Migration(source, target, link, options);
  return one.run();
}

interface Sent {
  figures: MigrationRound;
  imageId: string;
}

class Migration {
  readonly #beganMs = performance.now();
  readonly #rounds: MigrationRound[] = [];
  /** Images that are over there, newest first. */
  readonly #images: { id: string; path: string }[] = [];
  /** Rejects when either guest or the link has gone. */
  readonly #lost: Promise<never>;

  constructor(
    private readonly source: MigrationGuest,
    private readonly target: MigrationGuest,
    private readonly link: Link,
    private readonly options: PrecopyOptions,
  ) {
    const gone = (guest: MigrationGuest, who: string) =>
      guest.ended.then(({ how, reason }): never => {
        throw new StepError(`migration.${who}`, `the ${who} ${how} during the migration: ${reason}`);
      });
    this.#lost = Promise.race([gone(source, "source"), gone(target, "target"), link.broken]);
    this.#lost.catch(() => undefined);
  }

  async run(): Promise<Migrated> {
    try {
      await this.#prepare();
      let stopped: MigrationStop | undefined;
      while (!stopped) {
        stopped = this.#stop();
        if (!stopped) await this.#live();
      }
      return await this.#last(stopped);
    } catch (error) {
      throw explained(error);
    }
  }

  /** Why the last round is due. */
  #stop(): MigrationStop | undefined {
    const { rounds, goalMs, withinMs } = this.options;
    const last = this.#rounds.at(-1);
    const before = this.#rounds.at(-2);
    if (last) {
      const bytesPerMs = Math.max(...this.#rounds.map((r) => r.bytes / r.ms));
      if (last.bytes / bytesPerMs <= goalMs) return "converged";
      // The first round is of everything, and the second of what changed meanwhile: only then can it be said.
      if (before && this.#rounds.length > 2 && last.bytes > PROGRESS * before.bytes) return "no-smaller";
    }
    if (this.#rounds.length >= rounds) return "rounds";
    if (performance.now() - this.#beganMs > withinMs) return "time";
    return undefined;
  }

  async #prepare(): Promise<void> {
    const script = `umount -l "$1" 2>/dev/null; mkdir -p "$1" && mount -t tmpfs -o size=90%,mode=0700 migration "$1"`;
    const { exitCode, stderr } = await this.#or(this.target.exec(["sh", "-c", script, "sh", FOLDER]));
    if (exitCode !== 0)
      throw new StepError("migration.target", `the target has no room for images: ${stderr.toString().trim()}`);
  }

  /** A round while it runs. */
  async #live(): Promise<void> {
    const path = `${FOLDER}/${this.#images.length + 1}`;
    const stream = this.link.open();
    const receiving = this.#receive(stream, path);
    await this.#tell(["--live"]);
    const sending = this.#send(stream, ["--live"]);
    try {
      const sent = await this.#or(sending);
      await this.#or(receiving);
      this.#images.unshift({ id: sent.imageId, path });
      await this.#over(sent.figures);
    } catch (error) {
      await this.#settle(stream, sending);
      throw error;
    }
  }

  /** An image at the target, from the link. */
  #receive(stream: LinkStream, path: string): Promise<void> {
    const command = this.target.lane.write(path, stream.arriving());
    const received = command.then(({ exitCode, stderr }) => {
      if (exitCode !== 0)
        throw new StepError("migration.target", `the target cannot keep the image: ${stderr.toString().trim()}`);
    });
    received.catch(() => undefined);
    return received;
  }

  /** The tree stands still; it is killed once it runs over there, where its memory comes from the images by and by. */
  async #last(stopped: MigrationStop): Promise<Migrated> {
    const parents = this.#images.flatMap(({ path }) => ["--parent", path]);
    const path = `${FOLDER}/last`;
    const restart = ["restart", "--json", "--detach", "--lazy", "-i", path, ...parents];
    let tell: (verdict: "kill" | "go on") => void = () => undefined;
    const verdict = new Promise<"kill" | "go on">((resolve) => {
      tell = resolve;
    });
    const word = (async function* () {
      yield `${await verdict}\n`;
    })();
    const stream = this.link.open();
    await this.options.onCommand?.("target", restart);
    await this.#tell(["--hold"]);
    const receiving = this.#receive(stream, path);
    const askedMs = performance.now();
    const sending = this.#send(stream, ["--hold"], word);
    let restore: RestoreFigures;
    let runningMs: number;
    try {
      // A refusal at the source is the reason, though the target fails of it as well.
      const early = sending.then((): never => {
        throw new StepError("migration.source", "the source let the tree go before it was told to");
      });
      early.catch(() => undefined);
      await this.#or(Promise.race([receiving, early]));
      const restarting = this.target.exec(restart);
      restarting.catch(() => undefined);
      restore = readRestart(await this.#or(Promise.race([restarting, early])));
      runningMs = performance.now();
      await this.options.onRunning?.();
    } catch (error) {
      tell("go on");
      await this.#settle(stream, sending);
      throw error;
    }
    tell("kill");
    // It runs over there: if the source is lost now, nothing is lost.
    const sent = await Promise.race([sending, this.source.ended.then(() => undefined)]);
    stream.end();
    if (sent) await this.#over(sent.figures);
    // What is still to be read of the images stays open.
    await this.target.exec(["umount", "-l", FOLDER]).catch(() => undefined);
    return {
      rounds: this.#rounds,
      stopped,
      downtimeMs: tenths(runningMs - askedMs),
      totalMs: tenths(performance.now() - this.#beganMs),
      bytes: this.#rounds.reduce((sum, r) => sum + r.bytes, 0),
      restore,
    };
  }

  #checkpoint(mode: readonly string[]): string[] {
    const parent = this.#images[0];
    return [
      ...["checkpoint", "--json", ...mode, "--unlinked=copy"],
      ...(parent === undefined ? [] : ["--parent-id", parent.id]),
      ...["-o", "-", String(this.options.pid)],
    ];
  }

  async #tell(mode: readonly string[]): Promise<void> {
    await this.options.onCommand?.("source", this.#checkpoint(mode));
  }

  /** One image from the source into the link. Fulfilled when the source's command has ended. */
  #send(stream: LinkStream, mode: readonly string[], words?: AsyncIterable<string>): Promise<Sent> {
    const beganMs = performance.now();
    let bytes = 0;
    let sentMs = beganMs;
    const command = this.source.lane.run(this.#checkpoint(mode), {
      ...(words && { words }),
      maxBufferBytes: KEPT_OUTPUT_BYTES,
      onBytes: async (part) => {
        bytes += part.length;
        await stream.send(part);
        sentMs = performance.now();
      },
      // Of an image that is held, its end is known before the command's.
      onEnd: () => stream.end(),
    });
    const sent = command.then((result): Sent => {
      const { imageId, pages, zeroPages, parentPages, frozenNs } = readCheckpoint(result, "stderr");
      const ms = tenths(sentMs - beganMs);
      const round = { round: this.#rounds.length + 1, final: mode.includes("--hold") };
      return { imageId, figures: { ...round, bytes, pages, zeroPages, parentPages, frozenNs, ms } };
    });
    // Who waits at the far end sees that nothing more comes.
    void sent.then(
      () => stream.end(),
      () => stream.end(),
    );
    return sent;
  }

  /** After a failure: back when the source's command has ended, and so when the tree goes on. */
  async #settle(stream: LinkStream, sending: Promise<Sent>): Promise<void> {
    stream.fail(new LinkCut("given up"));
    await Promise.race([sending.catch(() => undefined), this.source.ended]);
  }

  async #over(figures: MigrationRound): Promise<void> {
    this.#rounds.push(figures);
    await this.options.onRound?.(figures);
  }

  /** What fails when a guest or the link is lost. */
  #or<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#lost]);
  }
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10;

/** In the words of a step that failed. */
function explained(error: unknown): StepError {
  const { code, message, hint } = namedErrorOf(error);
  const goesOn = "it goes on where it was";
  if (error instanceof LinkCut)
    return new StepError("migration.link", `the link was cut: ${message}`, { hint: goesOn });
  return new StepError(code, message, { hint: hint === undefined ? goesOn : `${hint}; ${goesOn}` });
}
