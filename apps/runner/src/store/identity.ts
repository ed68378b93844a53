/**
 * What an experiment is known by. Its link is a hash of what defines it, so that one link holds from its first moment for
 * good; its log has a digest from its end on, so that anyone can tell whether a copy of it is whole and unchanged.
 */
import { createHash, randomBytes } from "node:crypto";
import type { LogEvent, NewEvent } from "@crlab/shared";

/** Letters and digits that are not taken for each other. */
const ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
const LIVE_ID_LENGTH = 10;
const CONTENT_ID_LENGTH = 12;

/** JSON in which nothing depends on the order in which fields were written. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(",")}}`;
}

function shortId(sha256: string, length: number): string {
  let number = BigInt(`0x${sha256}`);
  let id = "";
  for (let i = 0; i < length; i++) {
    id += ALPHABET[Number(number % BigInt(ALPHABET.length))];
    number /= BigInt(ALPHABET.length);
  }
  return id;
}

/** The link of an experiment: a hash of what was to be run, when it was made, and a random number that none can guess. */
export function experimentIdOf(created: Extract<NewEvent, { type: "experiment.created" }>): string {
  const { seq: _s, atMs: _a, ...defined } = { seq: 0, atMs: 0, ...created };
  return shortId(createHash("sha256").update(canonical(defined)).digest("hex"), LIVE_ID_LENGTH);
}

/** The link of a sweep: its results are those of its runs, so nothing but chance defines it. */
export const randomId = (): string => shortId(randomBytes(32).toString("hex"), LIVE_ID_LENGTH);

/** SHA-256 of a log, as it grows. An end that states the digest is hashed without it. */
export class LogDigest {
  readonly #hash = createHash("sha256");

  add(event: object): this {
    const { logDigest: _, ...rest } = event as { logDigest?: unknown };
    this.#hash.update(`${canonical(rest)}\n`);
    return this;
  }

  get value(): string {
    return this.#hash.copy().digest("hex");
  }
}

export interface Seal {
  /** Of the whole log, with what was said of the experiment after its end. */
  digest: string;
  /** False: the log is not what its end says that it was. */
  intact: boolean;
}

/** The digest of a log, as it is stored or came in a file, and whether its end agrees. */
export function sealOf(events: readonly object[]): Seal {
  const digest = new LogDigest();
  let intact = true;
  for (const event of events) {
    digest.add(event);
    const stated = "logDigest" in event ? event.logDigest : undefined;
    if (stated !== undefined) intact &&= stated === digest.value;
  }
  return { digest: digest.value, intact };
}

/** The same log has the same link, wherever it is imported. */
export const contentIdOf = (events: readonly LogEvent[]): string => shortId(sealOf(events).digest, CONTENT_ID_LENGTH);
