/** What pages read of the store: the runner's queries over a connection that cannot write. */
import "server-only";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "@crlab/runner/src/store/database";
import { beyond, readJournal } from "@crlab/runner/src/store/journal";
import * as read from "@crlab/runner/src/store/read";
import { type ExperimentView, experimentId, foldAll, type LogEvent } from "@crlab/shared";
import { createClient } from "@libsql/client";
import { drizzle } from "drizzle-orm/libsql";
import { screenText } from "./screen-text";

const dataDir = () => process.env.CRLAB_DATA ?? "/var/lib/crlab";

let opened: Promise<Database> | undefined;

/** Undefined until the runner has made its database. */
export async function database(): Promise<Database | undefined> {
  const path = join(dataDir(), "crlab.db");
  if (!existsSync(path)) return undefined;
  opened ??= open(path);
  return opened;
}

async function open(path: string): Promise<Database> {
  const client = createClient({ url: `file:${path}` });
  await client.execute("PRAGMA busy_timeout=5000");
  await client.execute("PRAGMA query_only=1");
  return drizzle({ client });
}

export interface StoredExperiment {
  id: string;
  createdAt: string;
  events: LogEvent[];
}

/** An experiment and its log without the terminals' bytes. */
export async function storedExperiment(id: string): Promise<StoredExperiment | undefined> {
  if (!experimentId.safeParse(id).success) return undefined;
  const db = await database();
  if (!db) return undefined;
  const found = await read.findExperiment(db, id);
  if (!found) return undefined;
  return { id, createdAt: found.createdAt, events: await read.readEvents(db, id) };
}

/** A whole log as it was written. */
export async function storedLog(id: string): Promise<object[] | undefined> {
  const db = await database();
  if (!db || !experimentId.safeParse(id).success) return undefined;
  const events = await read.readStored(db, id);
  return events.length === 0 ? undefined : events;
}

export interface StoredChunk {
  atMs: number;
  offset: number;
  /** Base64. */
  data: string;
}

export async function storedOutput(id: string, terminal: number): Promise<StoredChunk[]> {
  const db = await database();
  if (!db || !experimentId.safeParse(id).success) return [];
  // Read first: what leaves the journal is in the log by then.
  const jotted = readJournal(dataDir()).filter((j) => j.experiment === id && j.terminal === terminal);
  const chunks: Omit<read.OutputChunk, "seq">[] = await read.readOutput(db, id, terminal, 0);
  for (const j of jotted) {
    const last = chunks.at(-1);
    const more = beyond(j, last ? last.offset + last.bytes.length : 0);
    if (more) chunks.push(more);
  }
  return chunks.map((c) => ({ atMs: c.atMs, offset: c.offset, data: c.bytes.toString("base64") }));
}

const SCREEN_BYTES = 16 * 1024;
const SCREEN_LINES = 60;

/** What a terminal showed at last, as text. */
export async function lastScreen(id: string, terminal: number): Promise<string> {
  const db = await database();
  if (!db) return "";
  const from = Math.max(0, (await read.findOutputEnd(db, id, terminal)) - SCREEN_BYTES);
  const chunks = await read.readOutput(db, id, terminal, from);
  return screenText(Buffer.concat(chunks.map((c) => c.bytes)).toString("utf8"), SCREEN_LINES);
}

export interface RecentExperiment {
  id: string;
  title: string;
  createdAt: string;
  lastMs: number;
  view: ExperimentView;
}

/** Of experiments that were listed lately, as they were at their last event: a list need not read their logs again. */
const listed = new Map<string, { lastSeq: number; view: ExperimentView }>();
const MAX_LISTED = 500;
export const EXPERIMENTS_A_PAGE = 25;

/** Newest first, a page of them. */
export async function recentExperiments(
  search: string,
  page = 1,
): Promise<{ experiments: RecentExperiment[]; total: number }> {
  const db = await database();
  if (!db) return { experiments: [], total: 0 };
  const part = { limit: EXPERIMENTS_A_PAGE, offset: (page - 1) * EXPERIMENTS_A_PAGE };
  const { experiments, total } = await read.listExperiments(db, { search, ...part });
  const rows = await Promise.all(
    experiments.map(async ({ id, title, createdAt, lastMs, lastSeq }) => {
      const known = listed.get(id);
      if (known?.lastSeq === lastSeq) return { id, title, createdAt, lastMs, view: known.view };
      const view = foldAll(await read.readEvents(db, id, { brief: true }));
      if (listed.size >= MAX_LISTED) listed.clear();
      listed.set(id, { lastSeq, view });
      return { id, title, createdAt, lastMs, view };
    }),
  );
  return { experiments: rows, total };
}
