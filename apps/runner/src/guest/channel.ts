/**
 * The runner's end of the guest channel: many streams over one port, each with credit of its own, so that a flood on
 * one holds up no other and memory stays bounded.
 */
import type { Duplex } from "node:stream";
import { GuestError } from "../vm/errors.js";
import {
  Channel,
  encodeFrame,
  type Frame,
  FrameParser,
  FrameType,
  helloFrame,
  INPUT_WINDOW,
  MAX_DATA,
  u32,
} from "./frames.js";

/** What a stream tells its owner. */
export interface StreamEvents {
  onStarted?(pid: number, path: string): void;
  onData?(channel: number, bytes: Buffer): void;
  onEof?(channel: number): void;
  onExited?(exitCode: number | null, signal: number | null): void;
  onDone?(): void;
  /** The request failed, or the guest has gone. The stream is over. */
  onError(error: GuestError): void;
}

/** The window given to a stream's output at its start, and granted again as it is consumed. */
export const OUTPUT_WINDOW = 256 * 1024;
/** Input that waits for credit; a writer who does not wait for `send` gets an error beyond this. */
const MAX_QUEUED_INPUT = 4 * 1024 * 1024;

export class GuestStream {
  #credit = INPUT_WINDOW;
  #queue: { bytes: Buffer; sent: () => void }[] = [];
  #queued = 0;
  #ending = false;
  #over = false;
  /** Bytes the guest may still send, and bytes consumed but not yet granted again, by channel. */
  readonly #allowed: number[];
  readonly #consumed = [0, 0, 0];

  constructor(
    readonly id: number,
    private readonly events: StreamEvents,
    private readonly write: (frame: Buffer) => void,
    private readonly forget: () => void,
    private readonly window: number,
  ) {
    this.#allowed = [0, window, window];
  }

  /** Queues input; fulfilled when it is on its way. */
  send(bytes: Uint8Array): Promise<void> {
    if (this.#over || this.#ending || bytes.length === 0) return Promise.resolve();
    if (this.#queued + bytes.length > MAX_QUEUED_INPUT)
      return Promise.reject(new GuestError("input-overflow", "the guest does not read what is sent to it"));
    return new Promise((resolve) => {
      this.#queue.push({ bytes: Buffer.from(bytes), sent: resolve });
      this.#queued += bytes.length;
      this.#pump();
    });
  }

  /** No more input after what is queued. */
  end(): void {
    this.#ending = true;
    this.#pump();
  }

  request(type: number, payload: Uint8Array): void {
    if (!this.#over) this.write(encodeFrame(type, this.id, payload));
  }

  /** The owner has used up this much output: the guest may send as much again. */
  consumed(channel: number, bytes: number): void {
    const due = (this.#consumed[channel] ?? 0) + bytes;
    this.#consumed[channel] = due;
    if (this.#over || due < this.window / 4) return;
    this.#consumed[channel] = 0;
    this.#allowed[channel] = (this.#allowed[channel] ?? 0) + due;
    this.write(encodeFrame(FrameType.window, this.id, u32(due), channel));
  }

  /** Ends the stream in the guest, and what runs on it. */
  close(): void {
    if (this.#over) return;
    this.write(encodeFrame(FrameType.close, this.id));
    this.#finish();
  }

  /** A frame from the guest; throws when the guest breaks the rules. */
  take(frame: Frame): void {
    const { payload, channel } = frame;
    switch (frame.type) {
      case FrameType.data: {
        const allowed = (this.#allowed[channel] ?? 0) - payload.length;
        if (channel === Channel.input || allowed < 0) throw new RangeError("the guest sent more than it was granted");
        this.#allowed[channel] = allowed;
        this.events.onData?.(channel, Buffer.from(payload));
        return;
      }
      case FrameType.eof:
        this.events.onEof?.(channel);
        return;
      case FrameType.window:
        this.#credit += payload.readUInt32LE(0);
        this.#pump();
        return;
      case FrameType.started:
        this.events.onStarted?.(payload.readUInt32LE(0), payload.subarray(4).toString());
        return;
      case FrameType.exited: {
        const code = payload.readInt32LE(0);
        const signal = payload.readInt32LE(4);
        this.events.onExited?.(code < 0 ? null : code, signal === 0 ? null : signal);
        return;
      }
      case FrameType.done:
        this.#finish();
        this.events.onDone?.();
        return;
      case FrameType.error:
        this.fail(agentError(payload));
        return;
      default:
        throw new RangeError(`the guest sent a frame of unknown type ${frame.type}`);
    }
  }

  fail(error: GuestError): void {
    if (this.#over) return;
    this.#finish();
    this.events.onError(error);
  }

  /** The stream has ended by itself. */
  over(): void {
    this.#finish();
  }

  #pump(): void {
    for (let head = this.#queue[0]; head && this.#credit > 0 && !this.#over; head = this.#queue[0]) {
      const part = head.bytes.subarray(0, Math.min(this.#credit, MAX_DATA));
      this.write(encodeFrame(FrameType.data, this.id, part));
      this.#credit -= part.length;
      this.#queued -= part.length;
      head.bytes = head.bytes.subarray(part.length);
      if (head.bytes.length > 0) continue;
      this.#queue.shift();
      head.sent();
    }
    if (this.#ending && this.#queue.length === 0 && !this.#over) {
      this.#ending = false;
      this.write(encodeFrame(FrameType.eof, this.id));
    }
  }

  #finish(): void {
    this.#over = true;
    for (const { sent } of this.#queue) sent();
    this.#queue = [];
    this.#queued = 0;
    this.forget();
  }
}

function agentError(payload: Buffer): GuestError {
  const errno = payload.readUInt32LE(0);
  return new GuestError(errno === 2 ? "not-found" : "guest-refused", payload.subarray(4).toString());
}

export class GuestChannel {
  /** When the agent was last heard of, by performance.now(). */
  lastHeardMs = performance.now();
  /** Fulfilled with a reason when the channel cannot be used any more. */
  readonly broken: Promise<string>;
  #break: (reason: string) => void = () => undefined;
  #brokenBy: string | undefined;
  #nextStream = 1;
  #ready: { resolve: () => void; reject: (error: GuestError) => void } | undefined;
  readonly #streams = new Map<number, GuestStream>();
  readonly #parser = new FrameParser();

  constructor(private readonly socket: Duplex) {
    this.broken = new Promise((resolve) => {
      this.#break = resolve;
    });
    socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    socket.on("error", (error) => this.fail(`guest channel: ${error.message}`));
    socket.on("close", () => this.fail("the guest channel was closed"));
  }

  /** Says hello; fulfilled when the agent answers, which is when the guest is up. */
  hello(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#brokenBy !== undefined) return reject(new GuestError("guest-gone", this.#brokenBy));
      this.#ready = { resolve, reject };
      this.#write(helloFrame());
    });
  }

  /** Makes the agent say something, so that `lastHeardMs` moves. */
  ping(): void {
    this.#write(encodeFrame(FrameType.ping, 0));
  }

  /** `window`: what the payload grants to its output. */
  open(type: number, payload: Uint8Array, events: StreamEvents, window = OUTPUT_WINDOW): GuestStream {
    const id = this.#nextStream++;
    const stream = new GuestStream(
      id,
      events,
      (frame) => this.#write(frame),
      () => this.#streams.delete(id),
      window,
    );
    this.#streams.set(id, stream);
    if (this.#brokenBy !== undefined) {
      const error = new GuestError("guest-gone", this.#brokenBy);
      queueMicrotask(() => stream.fail(error));
    } else {
      stream.request(type, payload);
    }
    return stream;
  }

  /** A request with one answer. */
  request(type: number, payload: Uint8Array = Buffer.alloc(0)): Promise<void> {
    return new Promise((resolve, reject) => {
      this.open(type, payload, { onDone: resolve, onError: reject });
    });
  }

  fail(reason: string): void {
    if (this.#brokenBy !== undefined) return;
    this.#brokenBy = reason;
    this.socket.destroy();
    const error = new GuestError("guest-gone", reason);
    this.#ready?.reject(error);
    for (const stream of [...this.#streams.values()]) stream.fail(error);
    this.#break(reason);
  }

  #write(frame: Buffer): void {
    if (this.#brokenBy === undefined) this.socket.write(frame);
  }

  #receive(bytes: Buffer): void {
    this.lastHeardMs = performance.now();
    try {
      for (const frame of this.#parser.push(bytes)) this.#take(frame);
    } catch (error) {
      // Too short a payload is a RangeError, too.
      this.fail(`the guest broke the channel's rules: ${(error as Error).message}`);
    }
  }

  #take(frame: Frame): void {
    if (frame.stream !== 0) {
      // A frame may cross with our closing its stream.
      this.#streams.get(frame.stream)?.take(frame);
    } else if (frame.type === FrameType.ready) {
      this.#ready?.resolve();
      this.#ready = undefined;
    } else if (frame.type === FrameType.error) {
      this.#ready?.reject(agentError(frame.payload));
      this.#ready = undefined;
    }
  }
}
