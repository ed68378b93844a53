/** Sweeps as pages read them: which runs there are, and what those that are done came to. */
import "server-only";
import * as read from "@crlab/runner/src/store/sweeps";
import { experimentId, type SweepRunResult } from "@crlab/shared";
import { database } from "./stored";

export interface SweepWithRuns {
  sweep: read.StoredSweep;
  total: number;
  /** In the order of the plan. */
  results: SweepRunResult[];
  /** Runs that were cut short and tried again. */
  cut: number;
  running: string | null;
  /** How long a run took on average; null before the first is done. */
  runMs: number | null;
}

/** Results by experiment, as they were at its last event. */
const known = new Map<string, { lastSeq: number; result: SweepRunResult }>();
const MAX_KNOWN = 5000;

export async function storedSweep(id: string): Promise<SweepWithRuns | undefined> {
  const db = await database();
  if (!db || !experimentId.safeParse(id).success) return undefined;
  const sweep = await read.findSweep(db, id);
  if (!sweep) return undefined;
  const runs = await read.readRuns(db, id);
  const results: SweepRunResult[] = [];
  for (const run of runs) {
    if (run.outcome !== "done") continue;
    const found = known.get(run.experiment);
    const result = found?.lastSeq === run.lastSeq ? found.result : await read.readRunResult(db, sweep.file, run);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(run.experiment, { lastSeq: run.lastSeq, result });
    results.push(result);
  }
  const done = runs.filter((r) => r.outcome === "done");
  return {
    sweep,
    total: read.runsLeft(sweep.file, []).length,
    results,
    cut: runs.filter((r) => r.outcome === "cut").length,
    runMs: done.length === 0 ? null : done.reduce((sum, r) => sum + r.lastMs, 0) / done.length,
    running: sweep.status === "running" ? (runs.find((r) => r.outcome === null)?.experiment ?? null) : null,
  };
}

export const SWEEPS_A_PAGE = 25;

export async function recentSweeps(page: number) {
  const db = await database();
  if (!db) return { sweeps: [], total: 0 };
  return read.listSweeps(db, { limit: SWEEPS_A_PAGE, offset: (page - 1) * SWEEPS_A_PAGE });
}
