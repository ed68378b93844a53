/** A pseudo-terminal in the guest. It outlives its first process: another one may be restored onto it. */
import type { GuestError } from "../vm/errors.js";
import type { GuestChannel, GuestStream, StreamEvents } from "./channel.js";
import { Channel, FrameType, u16, u32, wireString, wireStrings } from "./frames.js";

/** Enough for a flood, and little enough that what is typed is soon answered. */
const WINDOW = 32 * 1024;

export interface TerminalOptions {
  cols: number;
  rows: number;
  env?: Record<string, string>;
  cwd?: string;
}

export interface ProcessEnd {
  exitCode: number | null;
  signal: number | null;
}

export class Terminal {
  readonly exited: Promise<ProcessEnd>;
  #stream!: GuestStream;
  #paused = false;
  #waiting: Buffer[] = [];
  readonly #receivers = new Set<(bytes: Buffer) => void>();
  readonly #firstOutput: Promise<void>;
  #hasSaid: () => void = () => undefined;
  #end: (end: ProcessEnd) => void = () => undefined;

  private constructor(
    readonly pid: number,
    /** e.g. `/dev/pts/0`. */
    readonly path: string,
  ) {
    this.exited = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#firstOutput = new Promise((resolve) => {
      this.#hasSaid = resolve;
    });
  }

  /** Fulfilled when it has put something out, or its first process has ended. */
  async said(): Promise<void> {
    await Promise.race([this.#firstOutput, this.exited]);
  }

  static open(
    channel: GuestChannel,
    argv: readonly string[],
    env: Record<string, string>,
    options: TerminalOptions,
  ): Promise<Terminal> {
    return new Promise((resolve, reject) => {
      let received: (bytes: Buffer) => void = () => undefined;
      let ended: (end: ProcessEnd) => void = () => undefined;
      const payload = Buffer.concat([
        ...[u16(options.cols), u16(options.rows), u32(WINDOW), u32(0), wireString(options.cwd ?? "")],
        ...[wireStrings(argv), wireStrings(Object.entries(env).map(([name, value]) => `${name}=${value}`))],
      ]);
      const events: StreamEvents = {
        onStarted: (pid, path) => {
          const terminal = new Terminal(pid, path);
          received = (bytes) => terminal.#receive(bytes);
          ended = (end) => terminal.#end(end);
          terminal.#stream = stream;
          resolve(terminal);
        },
        onData: (_, bytes) => received(bytes),
        onExited: (exitCode, signal) => ended({ exitCode, signal }),
        onError: (error: GuestError) => {
          reject(error);
          ended({ exitCode: null, signal: null });
        },
      };
      const stream = channel.open(FrameType.terminal, payload, events, WINDOW);
    });
  }

  write(bytes: Uint8Array): void {
    // Who types faster than the guest reads loses keystrokes, as on any terminal.
    this.#stream.send(bytes).catch(() => undefined);
  }

  resize(cols: number, rows: number): void {
    this.#stream.request(FrameType.resize, Buffer.concat([u16(cols), u16(rows)]));
  }

  /** Output that came before the first receiver is kept for it. */
  onData(receive: (bytes: Buffer) => void): () => void {
    this.#receivers.add(receive);
    this.#deliver();
    return () => this.#receivers.delete(receive);
  }

  /** Stops taking output; the guest may send one window more, then its program waits. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliver();
  }

  /** Hangs up: the terminal, and what still runs in its session, ends. */
  close(): void {
    this.#stream.close();
    this.#end({ exitCode: null, signal: null });
  }

  #receive(bytes: Buffer): void {
    this.#hasSaid();
    this.#waiting.push(bytes);
    this.#deliver();
  }

  #deliver(): void {
    while (!this.#paused && this.#receivers.size > 0) {
      const bytes = this.#waiting.shift();
      if (!bytes) return;
      for (const receive of this.#receivers) receive(bytes);
      this.#stream.consumed(Channel.output, bytes.length);
    }
  }
}
