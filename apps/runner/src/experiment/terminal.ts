/**
 * A terminal of a guest: its output is kept at once, goes to the log in chunks and to whoever looks on from a ring buffer.
 * The quickest viewer sets the pace: nothing is skipped for it. Another one that falls behind loses its place, never the
 * others' time, and one that draws nothing at all holds nobody up.
 */

import type { GuestTerminal } from "./guest-port.js";
import type { ExperimentLog } from "./log.js";

const CHUNK_BYTES = 64 * 1024;
const CHUNK_AFTER_MS = 50;
/** Of one terminal's output this much is kept in the log; the log says when it stops. */
export const STORED_BYTES_PER_TERMINAL = 4 * 1024 * 1024;
const RING_BYTES = 1024 * 1024;
/** A guest that prints faster than this per chunk interval waits: about 10 MiB/s. */
const BURST_BYTES = 512 * 1024;
const PACE_LOOK_MS = 250;

/** Whoever shows what it puts out. */
export interface TerminalViewer {
  /** It has as much to draw as it takes at once, and gets on with it. */
  isBusy(): boolean;
}

export class LiveTerminal {
  /** Bytes put out so far. */
  bytes = 0;
  /** Bytes that are in the log, or will be: output beyond the cap is shown live only. */
  storedBytes = 0;
  open = true;
  readonly #listeners = new Set<() => void>();
  #guest: GuestTerminal;
  #ring: { offset: number; bytes: Buffer }[] = [];
  #ringBytes = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #capped = false;
  /** What the guest waits for. */
  readonly #holds = new Set<"log" | "viewers">();
  readonly #viewers = new Set<TerminalViewer>();
  #paceTimer: NodeJS.Timeout | undefined;
  #storing: Promise<void> = Promise.resolve();

  constructor(
    readonly id: number,
    first: GuestTerminal,
    private readonly log: ExperimentLog,
  ) {
    this.#guest = first;
    first.onData((bytes) => this.#receive(bytes));
  }

  /** The guest's end of it. */
  get guest(): GuestTerminal {
    return this.#guest;
  }

  /** It goes on with another one; what the old one still has to say is heard. */
  moveTo(guest: GuestTerminal): void {
    this.#guest.resume();
    this.#guest = guest;
    guest.onData((bytes) => this.#receive(bytes));
    if (this.#holds.size > 0) guest.pause();
  }

  /** Where the ring begins: earlier output is in the log only. */
  get ringStart(): number {
    return this.#ring[0]?.offset ?? this.bytes;
  }

  /** Output from `offset` on that is still at hand; at most `limit` bytes. */
  slice(offset: number, limit: number): Buffer {
    const parts: Buffer[] = [];
    let room = limit;
    for (const chunk of this.#ring) {
      const end = chunk.offset + chunk.bytes.length;
      if (end <= offset || room === 0) continue;
      const part = chunk.bytes.subarray(Math.max(0, offset - chunk.offset)).subarray(0, room);
      parts.push(part);
      room -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** Called when there is more output, or the terminal has closed. Returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Returns what ends it. */
  addViewer(viewer: TerminalViewer): () => void {
    this.#viewers.add(viewer);
    return () => {
      this.#viewers.delete(viewer);
      this.pace();
    };
  }

  /** The guest waits while all who look have their hands full. */
  pace(): void {
    let wait = this.#viewers.size > 0;
    for (const viewer of this.#viewers) wait &&= viewer.isBusy();
    if (wait === this.#holds.has("viewers")) return;
    this.#hold("viewers", wait);
    clearInterval(this.#paceTimer);
    // A viewer that stops drawing says nothing.
    if (wait) this.#paceTimer = setInterval(() => this.pace(), PACE_LOOK_MS);
  }

  #hold(what: "log" | "viewers", wait: boolean): void {
    const before = this.#holds.size;
    if (wait) this.#holds.add(what);
    else this.#holds.delete(what);
    if (before === 0 && this.#holds.size > 0) this.guest.pause();
    else if (before > 0 && this.#holds.size === 0 && this.open) this.guest.resume();
  }

  /** Resolved when what was received so far is in the log. */
  async flush(): Promise<void> {
    this.#store();
    await this.#storing;
  }

  /** The guest is gone, or someone closed it. */
  async end(): Promise<void> {
    this.open = false;
    clearInterval(this.#paceTimer);
    await this.flush().catch(() => {});
    this.#changed();
  }

  #receive(bytes: Buffer): void {
    if (!this.open || bytes.length === 0) return;
    try {
      const kept = bytes.subarray(0, STORED_BYTES_PER_TERMINAL - Math.min(this.bytes, STORED_BYTES_PER_TERMINAL));
      if (kept.length > 0) this.log.jot(this.id, this.bytes, kept);
    } catch {
      // Nobody is shown what cannot be kept. It ends the experiment.
      return;
    }
    this.#ring.push({ offset: this.bytes, bytes });
    this.#ringBytes += bytes.length;
    this.bytes += bytes.length;
    while (this.#ring.length > 1 && this.#ringBytes - (this.#ring[0]?.bytes.length ?? 0) >= RING_BYTES)
      this.#ringBytes -= this.#ring.shift()?.bytes.length ?? 0;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= BURST_BYTES) this.#hold("log", true);
    this.pace();
    this.#timer ??= setTimeout(() => this.#store(), CHUNK_AFTER_MS);
    this.#changed();
  }

  #store(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let data = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    const room = STORED_BYTES_PER_TERMINAL - this.storedBytes;
    const cut = data.length > room;
    data = data.subarray(0, room);
    for (let at = 0; at < data.length; at += CHUNK_BYTES) {
      const chunk = data.subarray(at, at + CHUNK_BYTES);
      const offset = this.storedBytes;
      this.storedBytes += chunk.length;
      this.#keep({ type: "terminal.output", terminal: this.id, offset, data: chunk.toString("base64") });
    }
    if (cut && !this.#capped) {
      this.#capped = true;
      const text = `terminal ${this.id} has put out more than ${STORED_BYTES_PER_TERMINAL / 1024 / 1024} MiB: what follows is shown live and not kept`;
      this.#keep({ type: "note", text });
    }
    // The guest goes on once the log has caught up.
    if (this.#holds.has("log")) void this.#storing.then(() => this.#hold("log", false));
  }

  #keep(event: Parameters<ExperimentLog["append"]>[0]): void {
    // A log that cannot be written ends the experiment.
    this.#storing = this.log.append(event).catch(() => {});
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
