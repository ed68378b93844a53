/** Sweeps in the store: which runs there are. What came out of them is in the logs of their experiments. */
import {
  type ExperimentFile,
  experimentFile,
  foldAll,
  sweepRuns as planOf,
  type SweepRunPlan,
  type SweepRunResult,
  sweepRunResult,
} from "@crlab/shared";
import { and, count, desc, eq, isNull } from "drizzle-orm";
import type { Database } from "./database.js";
import { readEvents } from "./read.js";
import { experiments, sweepRuns, sweeps } from "./schema.js";

export type SweepStatus = "running" | "done" | "stopped";

export interface SweepSummary {
  id: string;
  title: string;
  createdAt: string;
  status: SweepStatus;
  reason: string | null;
}

export interface StoredSweep extends SweepSummary {
  owner: string;
  file: ExperimentFile;
}

const summary = {
  id: sweeps.id,
  title: sweeps.title,
  createdAt: sweeps.createdAt,
  status: sweeps.status,
  reason: sweeps.reason,
};

export async function insertSweep(db: Database, sweep: StoredSweep): Promise<void> {
  const { file, ...row } = sweep;
  await db.insert(sweeps).values({ ...row, json: JSON.stringify(file) });
}

export async function setSweepStatus(db: Database, id: string, status: SweepStatus, reason?: string): Promise<void> {
  await db
    .update(sweeps)
    .set({ status, reason: reason ?? null })
    .where(eq(sweeps.id, id));
}

export async function findSweep(db: Database, id: string): Promise<StoredSweep | undefined> {
  const row = (await db.select().from(sweeps).where(eq(sweeps.id, id)))[0];
  if (!row) return undefined;
  const { json, ...rest } = row;
  return { ...rest, file: experimentFile.parse(JSON.parse(json)) };
}

export async function unfinishedSweeps(db: Database): Promise<string[]> {
  const rows = await db
    .select({ id: sweeps.id })
    .from(sweeps)
    .where(eq(sweeps.status, "running"))
    .orderBy(sweeps.createdAt);
  return rows.map((r) => r.id);
}

export interface ListedSweep extends SweepSummary {
  file: ExperimentFile;
  /** Of its runs. */
  done: number;
  runs: number;
}

/** Newest first. */
export async function listSweeps(
  db: Database,
  { limit = 50, offset = 0 }: { limit?: number; offset?: number } = {},
): Promise<{ sweeps: ListedSweep[]; total: number }> {
  const rows = await db
    .select({ ...summary, json: sweeps.json })
    .from(sweeps)
    .orderBy(desc(sweeps.createdAt), desc(sweeps.id))
    .limit(limit)
    .offset(offset);
  const listed = rows.map(async ({ json, ...row }): Promise<ListedSweep> => {
    const file = experimentFile.parse(JSON.parse(json));
    return { ...row, file, runs: file.sweep ? planOf(file.sweep).length : 0, done: await countDone(db, row.id) };
  });
  const total = (await db.select({ n: count() }).from(sweeps))[0]?.n ?? 0;
  return { sweeps: await Promise.all(listed), total };
}

async function countDone(db: Database, id: string): Promise<number> {
  const done = and(eq(sweepRuns.sweepId, id), eq(sweepRuns.outcome, "done"));
  return (await db.select({ n: count() }).from(sweepRuns).where(done))[0]?.n ?? 0;
}

export async function beginRun(db: Database, sweep: string, no: number, experiment: string): Promise<void> {
  await db.insert(sweepRuns).values({ experimentId: experiment, sweepId: sweep, no, outcome: null });
}

export async function endRun(db: Database, experiment: string, outcome: "done" | "cut"): Promise<void> {
  await db.update(sweepRuns).set({ outcome }).where(eq(sweepRuns.experimentId, experiment));
}

/** What still ran when its runner went away. */
export async function cutUnended(db: Database): Promise<void> {
  await db.update(sweepRuns).set({ outcome: "cut" }).where(isNull(sweepRuns.outcome));
}

export interface SweepRunRow {
  no: number;
  experiment: string;
  outcome: "done" | "cut" | null;
  lastSeq: number;
  /** How long it took, or has taken so far. */
  lastMs: number;
}

/** All runs of a sweep, those that were cut short too. */
export async function readRuns(db: Database, id: string): Promise<SweepRunRow[]> {
  return db
    .select({
      no: sweepRuns.no,
      experiment: sweepRuns.experimentId,
      outcome: sweepRuns.outcome,
      lastSeq: experiments.lastSeq,
      lastMs: experiments.lastMs,
    })
    .from(sweepRuns)
    .innerJoin(experiments, eq(experiments.id, sweepRuns.experimentId))
    .where(eq(sweepRuns.sweepId, id))
    .orderBy(sweepRuns.no);
}

/** The runs that have not been done yet, in their order. */
export function runsLeft(file: ExperimentFile, runs: readonly Pick<SweepRunRow, "no" | "outcome">[]): SweepRunPlan[] {
  const done = new Set(runs.filter((r) => r.outcome === "done").map((r) => r.no));
  return file.sweep ? planOf(file.sweep).filter((r) => !done.has(r.no)) : [];
}

/** What a run that is done came to. */
export async function readRunResult(db: Database, file: ExperimentFile, run: SweepRunRow): Promise<SweepRunResult> {
  const plan = file.sweep ? planOf(file.sweep)[run.no] : undefined;
  const view = foldAll(await readEvents(db, run.experiment, { brief: true }));
  const place = { no: run.no, point: plan?.point ?? 0, repeat: plan?.repeat ?? 0, experiment: run.experiment };
  return sweepRunResult(place, view);
}
