/** A link between two guests, made here: bytes cross it one after the other, at a bandwidth and after a latency. */

export interface LinkOptions {
  /** Undefined: as fast as both ends go. */
  mibPerS?: number | undefined;
  latencyMs: number;
}

/** Beyond what is on the wire this much may wait at the far end before the near end is held back. */
const BUFFER_BYTES = 1024 * 1024;
/** What timers are late by is made up for, up to this much. */
const SLACK_MS = 5;

export class LinkCut extends Error {
  override readonly name = "LinkCut";
}

interface Crossing {
  bytes: Uint8Array;
  arrivesMs: number;
}

export class Link {
  /** Bytes put onto it so far. */
  bytes = 0;
  /** Rejects when the link is cut. */
  readonly broken: Promise<never>;
  #freeAtMs = 0;
  #cut: LinkCut | undefined;
  #fail: (error: LinkCut) => void = () => undefined;
  readonly #streams = new Set<LinkStream>();

  constructor(readonly options: LinkOptions) {
    this.broken = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.broken.catch(() => undefined);
  }

  /** One more stream of bytes across it. */
  open(): LinkStream {
    const stream = new LinkStream(this, () => this.#streams.delete(stream));
    this.#streams.add(stream);
    if (this.#cut) stream.fail(this.#cut);
    return stream;
  }

  /** Nothing crosses it any more; whoever sends is held back no longer, and what is sent is lost. */
  cut(reason: string): void {
    if (this.#cut) return;
    this.#cut = new LinkCut(reason);
    for (const stream of [...this.#streams]) stream.fail(this.#cut);
    this.#fail(this.#cut);
  }

  /** When the last of so many bytes will have left this end, by performance.now(). */
  occupy(bytes: number): number {
    const now = performance.now();
    this.bytes += bytes;
    const { mibPerS } = this.options;
    if (mibPerS === undefined) return now;
    this.#freeAtMs = Math.max(now - SLACK_MS, this.#freeAtMs) + (bytes / (mibPerS * 1024 * 1024)) * 1000;
    return this.#freeAtMs;
  }

  /** What fits onto the wire and into the far end's buffer. */
  get roomBytes(): number {
    const { mibPerS, latencyMs } = this.options;
    return BUFFER_BYTES + (mibPerS === undefined ? 0 : (mibPerS * 1024 * 1024 * latencyMs) / 1000);
  }
}

export class LinkStream {
  readonly #queue: Crossing[] = [];
  #queued = 0;
  #ended = false;
  #error: LinkCut | undefined;
  #wakeReader: () => void = () => undefined;
  #wakeWriter: () => void = () => undefined;

  constructor(
    private readonly link: Link,
    private readonly forget: () => void,
  ) {}

  /** Fulfilled when the bytes have left this end, and there is room for more. */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.#error || bytes.length === 0) return;
    const leftMs = this.link.occupy(bytes.length);
    this.#queue.push({ bytes, arrivesMs: leftMs + this.link.options.latencyMs });
    this.#queued += bytes.length;
    this.#wakeReader();
    await sleepUntil(leftMs);
    while (this.#queued > this.link.roomBytes && !this.#error)
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
  }

  end(): void {
    this.#ended = true;
    this.#wakeReader();
  }

  fail(error: LinkCut): void {
    this.#error = error;
    this.#queue.length = 0;
    this.#wakeReader();
    this.#wakeWriter();
    this.forget();
  }

  /** The far end: what has arrived, as it arrives. Throws when the link is cut. */
  async *arriving(): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.#error) throw this.#error;
      const next = this.#queue.shift();
      if (next === undefined) {
        if (this.#ended) break;
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
        continue;
      }
      await sleepUntil(next.arrivesMs);
      if (this.#error) throw this.#error;
      yield next.bytes;
      this.#queued -= next.bytes.length;
      this.#wakeWriter();
    }
    this.forget();
  }
}

async function sleepUntil(atMs: number): Promise<void> {
  const ms = atMs - performance.now();
  if (ms >= 1) await new Promise((resolve) => setTimeout(resolve, ms));
}
