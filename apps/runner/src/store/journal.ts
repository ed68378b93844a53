/**
 * What terminals have put out and the log does not hold yet. A transaction per key would cost more than the key, so output
 * goes to the log in chunks; it is shown as soon as it stands here, in the operating system's hands, where it outlives
 * this process however that dies. Whoever opens the store next brings it into the log.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { storeError } from "./errors.js";

/** It is made short again when it has grown by this much. */
const GROWTH_BYTES = 1024 * 1024;

const head = z.object({
  experiment: z.string(),
  terminal: z.int(),
  atMs: z.int(),
  /** Of the terminal's output, where these bytes begin. */
  offset: z.int(),
  length: z.int().nonnegative(),
});

export interface Jotted extends z.infer<typeof head> {
  bytes: Buffer;
}

type Place = Pick<Jotted, "experiment" | "terminal">;
const placeOf = ({ experiment, terminal }: Place) => `${experiment} ${terminal}`;

const pathIn = (dataDir: string) => join(dataDir, "terminals.journal");

/** All that stands there, in the log meanwhile or not, up to a record that was cut short. */
export function readJournal(dataDir: string): Jotted[] {
  const path = pathIn(dataDir);
  const all = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const found: Jotted[] = [];
  for (let at = 0; at < all.length; ) {
    const end = all.indexOf("\n", at);
    const parsed = end < 0 ? undefined : parseHead(all.toString("utf8", at, end));
    if (!parsed || end + 1 + parsed.length > all.length) break;
    at = end + 1 + parsed.length;
    found.push({ ...parsed, bytes: all.subarray(end + 1, at) });
  }
  return found;
}

/** What of it the log does not hold, which ends at `end`. */
export function beyond(
  { offset, bytes, atMs }: Jotted,
  end: number,
): { offset: number; bytes: Buffer; atMs: number } | undefined {
  if (offset + bytes.length <= end) return undefined;
  const from = Math.max(offset, end);
  return { offset: from, bytes: bytes.subarray(from - offset), atMs };
}

export class Journal {
  readonly #path: string;
  readonly #dataDir: string;
  #fd: number;
  #size: number;
  #limit: number;
  /** Of each terminal: up to where its output is in the log. */
  readonly #stored = new Map<string, number>();

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
    this.#path = pathIn(dataDir);
    this.#fd = openSync(this.#path, "a+", 0o600);
    this.#size = fstatSync(this.#fd).size;
    this.#limit = this.#size + GROWTH_BYTES;
  }

  /** Once this returns, the bytes outlive the process. */
  jot(place: Place, atMs: number, offset: number, bytes: Buffer): void {
    this.#write(recordOf({ ...place, atMs, offset, bytes }));
    if (this.#size > this.#limit) this.#shorten();
  }

  /** The log holds a terminal's output up to `end`. */
  stored(place: Place, end: number): void {
    this.#stored.set(placeOf(place), end);
  }

  /** What stands here is in the log. */
  clear(): void {
    this.#truncate(0);
    this.#stored.clear();
  }

  close(): void {
    closeSync(this.#fd);
    // Nothing may be written to whatever gets its number next.
    this.#fd = -1;
  }

  /** Another file takes its place: at no moment is there none that holds what is not stored. */
  #shorten(): void {
    const wanted = readJournal(this.#dataDir).filter((j) => j.offset + j.length > (this.#stored.get(placeOf(j)) ?? 0));
    const next = `${this.#path}.new`;
    rmSync(next, { force: true });
    const [before, size] = [this.#fd, this.#size];
    this.#fd = openSync(next, "a+", 0o600);
    this.#size = 0;
    try {
      this.#write(Buffer.concat(wanted.map(recordOf)));
      renameSync(next, this.#path);
      closeSync(before);
      this.#stored.clear();
    } catch {
      // No room for two: the long one serves as well.
      closeSync(this.#fd);
      rmSync(next, { force: true });
      [this.#fd, this.#size] = [before, size];
    }
    this.#limit = this.#size + GROWTH_BYTES;
  }

  #write(record: Buffer): void {
    const before = this.#size;
    try {
      while (this.#size - before < record.length) this.#size += writeSync(this.#fd, record, this.#size - before);
    } catch (error) {
      // Half a record would hide what comes after it.
      this.#truncate(before);
      throw storeError(error, this.#path);
    }
  }

  #truncate(size: number): void {
    ftruncateSync(this.#fd, size);
    this.#size = size;
  }
}

function recordOf({ experiment, terminal, atMs, offset, bytes }: Omit<Jotted, "length">): Buffer {
  const line: z.input<typeof head> = { experiment, terminal, atMs, offset, length: bytes.length };
  return Buffer.concat([Buffer.from(`${JSON.stringify(line)}\n`), bytes]);
}

function parseHead(line: string): z.infer<typeof head> | undefined {
  try {
    return head.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
