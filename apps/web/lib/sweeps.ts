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
  return {
    sweep,
    total: read.runsLeft(sweep.file, []).length,
    results,
    cut: runs.filter((r) => r.outcome === "cut").length,
    running: sweep.status === "running" ? (runs.find((r) => r.outcome === null)?.experiment ?? null) : null,
  };
}

export async function recentSweeps() {
  const db = await database();
  return db ? read.listSweeps(db) : [];
}
