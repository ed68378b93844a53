/** The images of an experiment's checkpoints: what is in them goes to its log, and outlives the guest that holds them. */
import { engines } from "../engine/engine.js";
import { StepError } from "./errors.js";
import type { Experiment } from "./experiment.js";

/** What a guest is given before it ends, for images that nobody has opened. */
const READ_AT_END_MS = 5000;
const MAX_READ_AT_END = 32;
/** Pieces of one image that are kept in the log because somebody looked at them. */
const MAX_PIECES = 200;

export class Images {
  /** By the checkpoint's name: whoever asks meanwhile waits for the same. */
  readonly #reading = new Map<string, Promise<void>>();

  constructor(private readonly experiment: Experiment) {}

  /** Notes what is in a checkpoint's image, once. */
  async read(name: string): Promise<void> {
    this.experiment.activeAtMs = performance.now();
    const checkpoint = this.#find(name);
    if (checkpoint && checkpoint.digest !== null) return;
    const guestPath = this.#pathOf(name);
    const reading = this.#reading.get(name) ?? this.#note(name, guestPath);
    this.#reading.set(name, reading);
    await reading.finally(() => this.#reading.delete(name));
  }

  /** Notes some of an image's bytes. */
  async readBytes(name: string, { offset, length }: { offset: number; length: number }): Promise<void> {
    const { experiment } = this;
    experiment.activeAtMs = performance.now();
    const path = this.#pathOf(name);
    const known = this.#find(name)?.bytes ?? [];
    if (known.some((piece) => piece.offset === offset)) return;
    if (known.length >= MAX_PIECES)
      throw new StepError("image.pieces", `${MAX_PIECES} pieces of "${name}" are in the log already, and no more fit`, {
        hint: `a shell shows any of it: xxd -s ${offset} -l ${length} ${path}`,
      });
    const script = 'tail -c "+$(($2 + 1))" -- "$1" | head -c "$3"';
    const { stdout, stderr } = await experiment.exec(["sh", "-c", script, "sh", path, `${offset}`, `${length}`]);
    if (stdout.length === 0)
      throw new StepError("image.bytes", stderr.toString("utf8").trim() || `"${name}" ends before offset ${offset}`, {
        hint: `look at the file in a shell: ls -l ${path}`,
      });
    await experiment.log.append({ type: "checkpoint.bytes", name, offset, data: stdout.toString("base64") });
  }

  /** Images go with their guest; what is in them stays to be looked at. */
  async readUnread(): Promise<void> {
    const unread = this.experiment.view.checkpoints.filter((c) => c.digest === null && c.available);
    const until = performance.now() + READ_AT_END_MS;
    for (const { name, guestPath } of unread.slice(-MAX_READ_AT_END)) {
      const leftMs = until - performance.now();
      if (leftMs <= 0 || !this.experiment.hasGuest) return;
      await this.#note(name, guestPath, leftMs);
    }
  }

  async #note(name: string, guestPath: string, timeoutMs?: number): Promise<void> {
    const { experiment } = this;
    const limit = timeoutMs === undefined ? {} : { timeoutMs };
    const digest = await engines[experiment.manifest.engine].read((argv) => experiment.exec(argv, limit), guestPath);
    await experiment.log.append({ type: "checkpoint.read", name, digest });
  }

  #find(name: string) {
    return this.experiment.view.checkpoints.find((c) => c.name === name);
  }

  #pathOf(name: string): string {
    const checkpoint = this.#find(name);
    if (!checkpoint)
      throw new StepError("checkpoint.unknown", `there is no checkpoint "${name}"`, {
        hint: `there are: ${this.experiment.view.checkpoints.map((c) => c.name).join(", ") || "none"}`,
      });
    if (!checkpoint.available)
      throw new StepError("checkpoint.lost", `the image of "${name}" went with the guest that held it`, {
        hint: "run the experiment again, and open the image before its guest ends",
      });
    return checkpoint.guestPath;
  }
}
