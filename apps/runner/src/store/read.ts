/** Queries: what the runner, the console's pages and the command line read. */
import { type ExperimentView, foldAll, type LogEvent, readEvent } from "@crlab/shared";
import { and, asc, count, desc, eq, gt, like, lte, ne, notInArray, or, sql } from "drizzle-orm";
import type { Database } from "./database.js";
import { events, experiments, sweepRuns } from "./schema.js";

/** An experiment as a list shows it. */
export interface ExperimentSummary {
  id: string;
  title: string;
  question: string | null;
  createdAt: string;
  status: "open" | "ended" | "interrupted";
  verdict: "pass" | "fail" | null;
  forkedFrom: string | null;
  lastMs: number;
  lastSeq: number;
}

const summary = {
  id: experiments.id,
  title: experiments.title,
  question: experiments.question,
  createdAt: experiments.createdAt,
  status: experiments.status,
  verdict: experiments.verdict,
  forkedFrom: experiments.forkedFrom,
  lastMs: experiments.lastMs,
  lastSeq: experiments.lastSeq,
};

export async function findExperiment(db: Database, id: string): Promise<ExperimentSummary | undefined> {
  return (await db.select(summary).from(experiments).where(eq(experiments.id, id)))[0];
}

export async function findOwner(db: Database, id: string): Promise<string | undefined> {
  return (await db.select({ owner: experiments.owner }).from(experiments).where(eq(experiments.id, id)))[0]?.owner;
}

/** Where an experiment's log ends, and whether it is to go on. */
export async function findEnd(
  db: Database,
  id: string,
): Promise<Pick<ExperimentSummary, "lastSeq" | "lastMs" | "status"> | undefined> {
  const { lastSeq, lastMs, status } = experiments;
  return (await db.select({ lastSeq, lastMs, status }).from(experiments).where(eq(experiments.id, id)))[0];
}

export interface ListQuery {
  /** Words, of which each must be found: in title, question, kernel, engine and steps, or as id or verdict. */
  search?: string;
  limit?: number;
  offset?: number;
}

/** Newest first. */
export async function listExperiments(
  db: Database,
  { search = "", limit = 50, offset = 0 }: ListQuery = {},
): Promise<{ experiments: ExperimentSummary[]; total: number }> {
  const words = search.split(/\s+/).filter((word) => word !== "");
  // A sweep stands for its runs.
  const ofItsOwn = sql`not exists (select 1 from ${sweepRuns} where ${sweepRuns.experimentId} = ${experiments.id})`;
  const newest = [desc(experiments.createdAt), desc(experiments.id)];
  const page = Math.min(limit, 500);
  if (words.length === 0) {
    const rows = await db
      .select(summary)
      .from(experiments)
      .where(ofItsOwn)
      .orderBy(...newest)
      .limit(page)
      .offset(offset);
    // Two counts of whole tables; to look each experiment up among the runs takes as long as the page's other work.
    const all = (await db.select({ n: count() }).from(experiments))[0]?.n ?? 0;
    const runs = (await db.select({ n: count() }).from(sweepRuns))[0]?.n ?? 0;
    return { experiments: rows, total: all - runs };
  }
  // Words are looked for in every row, and that once.
  const found = await db
    .select({ ...summary, total: sql<number>`count(*) over ()` })
    .from(experiments)
    .where(and(...words.map(hasWord)))
    .orderBy(...newest)
    .limit(page)
    .offset(offset);
  return { experiments: found.map(({ total: _, ...row }) => row), total: found[0]?.total ?? 0 };
}

function hasWord(word: string) {
  const pattern = `%${word.replace(/[\\%_]/g, "\\$&")}%`;
  const { title, question, words, id, verdict, status } = experiments;
  return or(
    ...[title, question, words].map((text) => sql`${like(text, pattern)} escape '\\'`),
    ...[id, verdict, status].map((name) => sql`${name} = ${word}`),
  );
}

export interface EventQuery {
  since?: number;
  limit?: number;
  /** With the terminals' bytes; pages read those terminal by terminal. */
  output?: boolean;
  /** What a line in a list does not show, and what most of a log's bytes are. */
  brief?: boolean;
}

const NOT_BRIEF: readonly LogEvent["type"][] = [
  "terminal.output",
  "checkpoint.read",
  "checkpoint.bytes",
  "processes.seen",
  "kernel.log",
];

/** Events after `since`, in order. */
export async function readEvents(
  db: Database,
  id: string,
  { since = 0, limit = 1_000_000, output = false, brief = false }: EventQuery = {},
): Promise<LogEvent[]> {
  const rows = await db
    .select({ json: events.json })
    .from(events)
    .where(
      and(
        eq(events.experimentId, id),
        gt(events.seq, since),
        output ? undefined : ne(events.type, "terminal.output"),
        brief ? notInArray(events.type, [...NOT_BRIEF]) : undefined,
      ),
    )
    .orderBy(asc(events.seq))
    .limit(limit);
  return rows.map((row) => parseStored(row.json));
}

/** All events as they were written, whether or not this version can read them. */
export async function readStored(db: Database, id: string): Promise<object[]> {
  const rows = await db
    .select({ json: events.json })
    .from(events)
    .where(eq(events.experimentId, id))
    .orderBy(asc(events.seq));
  return rows.map((row): object => JSON.parse(row.json));
}

/** The whole experiment as a page shows it (terminals' sizes included, not their bytes); `atMs`: as it was then. */
export async function readView(db: Database, id: string, atMs?: number): Promise<ExperimentView | undefined> {
  const log = await readEvents(db, id);
  if (log.length === 0) return undefined;
  const view = foldAll(log, atMs);
  const sizes = await db
    .select({ terminal: events.terminal, bytes: sql<number>`max(${events.endOffset})` })
    .from(events)
    .where(
      and(
        eq(events.experimentId, id),
        eq(events.type, "terminal.output"),
        atMs === undefined ? undefined : lte(events.atMs, atMs),
      ),
    )
    .groupBy(events.terminal);
  const bytesOf = new Map(sizes.map((s) => [s.terminal, s.bytes]));
  return { ...view, terminals: view.terminals.map((t) => ({ ...t, bytes: bytesOf.get(t.terminal) ?? 0 })) };
}

export interface OutputChunk {
  seq: number;
  atMs: number;
  offset: number;
  bytes: Buffer;
}

/** A terminal's stored output that ends after `offset`, in order: at most `limit` chunks. */
export async function readOutput(
  db: Database,
  id: string,
  terminal: number,
  offset: number,
  limit = 1_000_000,
): Promise<OutputChunk[]> {
  const rows = await db
    .select({ json: events.json })
    .from(events)
    .where(and(eq(events.experimentId, id), eq(events.terminal, terminal), gt(events.endOffset, offset)))
    .orderBy(asc(events.endOffset))
    .limit(limit);
  return rows.flatMap((row) => {
    const event = parseStored(row.json);
    if (event.type !== "terminal.output") return [];
    return [{ seq: event.seq, atMs: event.atMs, offset: event.offset, bytes: Buffer.from(event.data, "base64") }];
  });
}

/** How many bytes of a terminal's output are stored. */
export async function findOutputEnd(db: Database, id: string, terminal: number): Promise<number> {
  const rows = await db
    .select({ end: sql<number | null>`max(${events.endOffset})` })
    .from(events)
    .where(and(eq(events.experimentId, id), eq(events.terminal, terminal)));
  return rows[0]?.end ?? 0;
}

function parseStored(json: string): LogEvent {
  try {
    return readEvent(JSON.parse(json));
  } catch {
    return readEvent(undefined);
  }
}
