/**
 * Hands output to a terminal in slices: what comes now and then is drawn at once, of a flood one slice a frame, as large
 * as can be drawn in a part of it. So the page has time for everything else, and Ctrl-C is heard.
 */

import { nextFrame } from "./next-frame";

const FIRST_SLICE_BYTES = 16 * 1024;
const SMALLEST_SLICE_BYTES = 4 * 1024;
const LARGEST_SLICE_BYTES = 128 * 1024;
/** A slice that took less may be larger, and one that took more must be smaller. */
const QUICK_MS = 3;
const SLOW_MS = 9;

interface Options {
  /** Tells when the bytes have been drawn. */
  write: (bytes: Uint8Array, drawn: () => void) => void;
  /** Told up to which place of the output all is drawn. */
  onDrawn: (end: number) => void;
  nextFrame?: (work: () => void) => void;
  now?: () => number;
}

export class PacedWriter {
  private readonly waiting: { bytes: Uint8Array; end: number }[] = [];
  private sliceBytes = FIRST_SLICE_BYTES;
  private drawing = false;
  private inHurry = false;
  private stopped = false;
  private readonly nextFrame: (work: () => void) => void;
  private readonly now: () => number;

  constructor(private readonly options: Options) {
    this.nextFrame = options.nextFrame ?? nextFrame;
    this.now = options.now ?? (() => performance.now());
  }

  /** `end`: where in the output they end. */
  push(bytes: Uint8Array, end: number): void {
    if (this.stopped) return;
    this.waiting.push({ bytes, end });
    if (!this.drawing) this.draw();
  }

  /** What waits to be drawn is not: its terminal may be somebody else's by now. */
  stop(): void {
    this.stopped = true;
    this.waiting.length = 0;
  }

  /** Somebody types: what is here already is not to stand between that and its answer. */
  hurry(): void {
    this.inHurry = this.waiting.length > 0;
  }

  private draw(): void {
    const slice = this.take();
    if (slice === undefined) {
      this.drawing = false;
      return;
    }
    this.drawing = true;
    const began = this.now();
    this.options.write(slice.bytes, () => {
      this.adapt(slice.bytes.length, this.now() - began);
      this.options.onDrawn(slice.end);
      if (this.waiting.length === 0) {
        this.drawing = this.inHurry = false;
      } else if (this.inHurry) this.draw();
      else this.nextFrame(() => this.draw());
    });
  }

  private take(): { bytes: Uint8Array; end: number } | undefined {
    const [first] = this.waiting;
    if (first === undefined || first.bytes.length <= this.sliceBytes) return this.waiting.shift();
    const rest = first.bytes.subarray(this.sliceBytes);
    this.waiting[0] = { bytes: rest, end: first.end };
    return { bytes: first.bytes.subarray(0, this.sliceBytes), end: first.end - rest.length };
  }

  private adapt(bytes: number, tookMs: number): void {
    if (tookMs > SLOW_MS) this.sliceBytes = Math.max(SMALLEST_SLICE_BYTES, Math.floor(this.sliceBytes / 2));
    else if (tookMs < QUICK_MS && bytes >= this.sliceBytes)
      this.sliceBytes = Math.min(LARGEST_SLICE_BYTES, this.sliceBytes * 2);
  }
}
