/**
 * Bulk data between a guest and the runner: through a disk of the guest that is a file here, past the serial port,
 * which carries only the word of which slots are full or free. images/lane is the other end; docs/guest-channel.md
 * explains.
 */
import type { FileHandle } from "node:fs/promises";
import { GuestError } from "../vm/errors.js";
import type { ExecOptions, ExecResult } from "./guest.js";

const PROGRAM = "/usr/lib/crlab/lane";
const SLOT_BYTES = 256 * 1024;
const SLOTS = 64;
export const LANE_BYTES = SLOT_BYTES * SLOTS;
const FREED = Buffer.from([0]);

export interface LaneOptions {
  /**
   * Text for the command's standard input; it must not hold a NUL. The input stays open until the command has ended.
   * What they throw ends the command, and is thrown by run.
   */
  words?: AsyncIterable<string>;
  /** Told of output as it comes. A promise holds the command back until it is fulfilled. */
  onBytes: (bytes: Buffer) => void | Promise<void>;
  /** Nothing more comes, though the command may still run. */
  onEnd?: () => void;
  /** At most this much of its standard error is kept. */
  maxBufferBytes?: number;
}

type Exec = (argv: readonly string[], options: ExecOptions) => Promise<ExecResult>;

/** What is put in comes out in order, until it is closed. */
class Mailbox {
  #waiting: Buffer[] = [];
  #closed = false;
  #wake: () => void = () => undefined;

  put(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      if (this.#waiting.length > 0) yield Buffer.concat(this.#waiting.splice(0));
      else if (this.#closed) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

export class Lane {
  constructor(
    private readonly exec: Exec,
    private readonly disk: FileHandle,
  ) {}

  /** Runs a command whose standard output comes by the lane; in the result it is empty. */
  async run(argv: readonly string[], options: LaneOptions): Promise<ExecResult> {
    const input = new Mailbox();
    const slots = new SlotReader(this.disk);
    const failure = new AbortController();
    const speak = async () => {
      for await (const word of options.words ?? []) input.put(Buffer.from(word));
    };
    void speak().catch((error) => failure.abort(error));
    try {
      const result = await this.exec([PROGRAM, "send", ...argv], {
        stdin: input,
        abort: failure.signal,
        ...(options.maxBufferBytes !== undefined && { maxBufferBytes: options.maxBufferBytes }),
        onStdout: async (bytes) => {
          if (failure.signal.aborted) return;
          try {
            for (const length of slots.lengths(bytes)) {
              await options.onBytes(await slots.take(length));
              input.put(FREED);
            }
          } catch (error) {
            failure.abort(error);
          }
        },
        onStdoutEnd: () => options.onEnd?.(),
      });
      return { ...result, stdout: Buffer.alloc(0) };
    } catch (error) {
      throw failure.signal.aborted ? failure.signal.reason : error;
    } finally {
      input.close();
    }
  }

  /** Makes a file in the guest of what comes. Throws what the source throws; the file is not whole then. */
  async write(path: string, source: AsyncIterable<Uint8Array>): Promise<ExecResult> {
    const slots = new SlotWriter(this.disk);
    const failure = new AbortController();
    const lengths = async function* () {
      try {
        for await (const bytes of source)
          for (let at = 0; at < bytes.length; at += SLOT_BYTES) {
            const length = await slots.fill(bytes.subarray(at, at + SLOT_BYTES));
            if (length === undefined) return;
            yield length;
          }
      } catch (error) {
        failure.abort(error);
      }
    };
    try {
      return await this.exec([PROGRAM, "receive", path], {
        stdin: lengths(),
        abort: failure.signal,
        onStdout: (bytes) => {
          if (!slots.freed(bytes.length)) failure.abort(broken("it frees more slots than are full"));
        },
      });
    } catch (error) {
      throw failure.signal.aborted ? failure.signal.reason : error;
    } finally {
      slots.close();
    }
  }
}

const broken = (what: string): GuestError =>
  new GuestError("lane-broken", `the guest broke the rules of bulk data: ${what}`);

/** Whatever the guest says, only its own file is read, and only a slot at a time. */
class SlotReader {
  #nr = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(private readonly disk: FileHandle) {}

  *lengths(bytes: Buffer): Generator<number> {
    const all = Buffer.concat([this.#rest, bytes]);
    const whole = all.length - (all.length % 4);
    this.#rest = all.subarray(whole);
    for (let at = 0; at < whole; at += 4) yield all.readUInt32LE(at);
  }

  async take(length: number): Promise<Buffer> {
    if (length === 0 || length > SLOT_BYTES) throw broken(`a slot of ${length} bytes`);
    const slot = Buffer.allocUnsafe(length);
    const { bytesRead } = await this.disk.read(slot, 0, length, (this.#nr++ % SLOTS) * SLOT_BYTES);
    if (bytesRead !== length) throw broken("its disk has been cut short");
    return slot;
  }
}

class SlotWriter {
  #nr = 0;
  #full = 0;
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(private readonly disk: FileHandle) {}

  /** Fulfilled with what the guest is to be told; undefined once nobody is there to empty slots. */
  async fill(bytes: Uint8Array): Promise<Buffer | undefined> {
    while (this.#full === SLOTS && !this.#closed)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#closed) return undefined;
    this.#full++;
    const { bytesWritten } = await this.disk.write(bytes, 0, bytes.length, (this.#nr++ % SLOTS) * SLOT_BYTES);
    if (bytesWritten !== bytes.length)
      throw new GuestError("disk-failed", "the file behind the guest's disk takes no more", "Is the disk full?");
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return length;
  }

  freed(slots: number): boolean {
    this.#full -= slots;
    this.#wake();
    return this.#full >= 0;
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }
}
