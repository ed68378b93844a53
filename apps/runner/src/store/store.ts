/** The one writer of the database. */
import { statfs } from "node:fs/promises";
import { type LogEvent, readEvent } from "@crlab/shared";
import { eq, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { type Database, databasePath, openDatabase } from "./database.js";
import { storeError } from "./errors.js";
import { sealOf } from "./identity.js";
import { beyond, Journal, readJournal } from "./journal.js";
import { lockWriter } from "./lock.js";
import { Programs } from "./programs.js";
import { findEnd, findOutputEnd, readStored } from "./read.js";
import { events, experiments } from "./schema.js";
import { wordsOf } from "./words.js";

interface Append {
  experimentId: string;
  owner: string;
  events: readonly LogEvent[];
  done: () => void;
  failed: (error: Error) => void;
}

export interface Store {
  readonly db: Database;
  readonly programs: Programs;
  /**
   * Stores events that follow what is stored; resolved when they are on disk. Appends that come
   * together share one transaction. `owner` counts when `experiment.created` is among them.
   */
  append(experimentId: string, events: readonly LogEvent[], owner?: string): Promise<void>;
  /** Keeps a terminal's output until it is appended: once this returns it is not lost with the process. */
  readonly jot: Journal["jot"];
  /** Gives an experiment that can write no more the end it lacks, and what its terminals have shown before that. */
  interrupt(experimentId: string, reason: string): Promise<void>;
  /** Whether the disk has room for more than a few words, which may fit into a full one. */
  hasRoom(): Promise<boolean>;
  close(): Promise<void>;
}

/** A guest's boot is in its log with less. */
const ROOM_BYTES = 1024 * 1024;

/** Takes the writer's lock, opens the database and marks what an earlier writer left unfinished. */
export async function openStore(dataDir: string, who: string): Promise<Store> {
  // The database comes first: it makes the directory that the lock needs.
  const db = await openDatabase(dataDir);
  const lock = await lockWriter(dataDir, who).catch((error: unknown) => {
    db.$client.close();
    throw error;
  });
  const path = databasePath(dataDir);
  const journal = new Journal(dataDir);
  let queue: Append[] = [];
  let flushing: Promise<void> | undefined;

  const flush = async () => {
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      try {
        await write(db, batch);
        for (const append of batch) {
          noteStored(journal, append);
          append.done();
        }
      } catch (error) {
        for (const append of batch) append.failed(storeError(error, path));
      }
    }
    flushing = undefined;
  };

  const store: Store = {
    db,
    programs: new Programs(db, dataDir),
    append: (experimentId, added, owner = "") =>
      new Promise((done, failed) => {
        queue.push({ experimentId, owner, events: added, done, failed });
        flushing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(flush);
      }),
    jot: (...output) => journal.jot(...output),
    interrupt: (id, reason) => interrupt(store, dataDir, id, reason),
    hasRoom: async () => {
      const { bfree, bavail, bsize } = await statfs(dataDir);
      return (process.getuid?.() === 0 ? bfree : bavail) * bsize >= ROOM_BYTES;
    },
    close: async () => {
      await flushing;
      journal.close();
      db.$client.close();
      lock.release();
    },
  };
  // Experiments without an end were cut short with the writer that ran them.
  const open = await db.select({ id: experiments.id }).from(experiments).where(eq(experiments.status, "open"));
  for (const { id } of open)
    await store.interrupt(id, "the runner stopped while the experiment ran; its guest went with it");
  journal.clear();
  return store;
}

function noteStored(journal: Journal, { experimentId, events: added }: Append): void {
  for (const event of added) {
    if (event.type === "terminal.output")
      journal.stored({ experiment: experimentId, terminal: event.terminal }, outputEnd(event));
  }
}

/** What was shown of terminals and is not in the log. */
async function takeUp(store: Store, dataDir: string, id: string): Promise<void> {
  for (const jotted of readJournal(dataDir)) {
    const { experiment, terminal } = jotted;
    if (experiment !== id) continue;
    const more = beyond(jotted, await findOutputEnd(store.db, id, terminal));
    const end = await findEnd(store.db, id);
    if (!more || !end) continue;
    const place = { seq: end.lastSeq + 1, atMs: Math.max(end.lastMs, more.atMs) };
    const { offset, bytes } = more;
    await store.append(id, [{ ...place, type: "terminal.output", terminal, offset, data: bytes.toString("base64") }]);
  }
}

async function interrupt(store: Store, dataDir: string, id: string, reason: string): Promise<void> {
  if ((await findEnd(store.db, id))?.status !== "open") return;
  await takeUp(store, dataDir, id);
  const stored = await readStored(store.db, id);
  const last = readEvent(stored.at(-1));
  const event: LogEvent = { seq: last.seq + 1, atMs: last.atMs, type: "experiment.interrupted", reason };
  await store.append(id, [{ ...event, logDigest: sealOf([...stored, event]).digest }]);
}

async function write(db: Database, batch: readonly Append[]): Promise<void> {
  const statements: BatchItem<"sqlite">[] = [];
  for (const { experimentId, owner, events: added } of batch) {
    const last = added.at(-1);
    if (last === undefined) continue;
    for (const event of added) {
      if (event.type === "experiment.created")
        statements.push(
          db.insert(experiments).values({
            id: experimentId,
            title: event.title,
            question: event.question ?? null,
            owner,
            createdAt: event.createdAt,
            status: "open",
            forkedFrom: event.forkedFrom ?? null,
            lastSeq: 0,
            lastMs: 0,
          }),
        );
    }
    statements.push(db.insert(events).values(added.map((event) => eventRow(experimentId, event))));
    const words = wordsOf(added);
    const changes = Object.assign(
      { lastSeq: last.seq, lastMs: last.atMs, ...(words && { words: sql`${experiments.words} || ${` ${words}`}` }) },
      ...added.map(rowChange),
    );
    statements.push(db.update(experiments).set(changes).where(eq(experiments.id, experimentId)));
  }
  const [first, ...rest] = statements;
  if (first === undefined) return;
  if (batch.some(({ events: added }) => added.some((event) => event.type !== "terminal.output"))) {
    await db.batch([first, ...rest]);
    return;
  }
  // Waiting for the disk holds up everything else, and terminals put something out with every key. Their bytes are safe
  // from the end of this process at once, and from a power cut with the next event of another kind.
  await db.$client.execute("PRAGMA synchronous=NORMAL");
  try {
    await db.batch([first, ...rest]);
  } finally {
    await db.$client.execute("PRAGMA synchronous=FULL");
  }
}

function eventRow(experimentId: string, event: LogEvent): typeof events.$inferInsert {
  const row = { experimentId, seq: event.seq, atMs: event.atMs, type: event.type, json: JSON.stringify(event) };
  if (event.type !== "terminal.output") return row;
  return { ...row, terminal: event.terminal, endOffset: outputEnd(event) };
}

const outputEnd = ({ offset, data }: Extract<LogEvent, { type: "terminal.output" }>) =>
  offset + Buffer.byteLength(data, "base64");

/** What an event changes in its experiment's row. */
function rowChange(event: LogEvent): Partial<typeof experiments.$inferInsert> {
  if (event.type === "experiment.renamed") return { title: event.title };
  if (event.type === "experiment.ended") return { status: "ended", verdict: event.verdict };
  if (event.type === "experiment.interrupted") return { status: "interrupted" };
  return {};
}
