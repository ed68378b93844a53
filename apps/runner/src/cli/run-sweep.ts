/** `crlab run` of a file with a grid: runs all of it, then says what came out. */
import {
  describePoint,
  type ExperimentFile,
  fileAtPoint,
  sweepCsv,
  sweepMetrics,
  sweepPoints,
  sweepReport,
  sweepRows,
  transitions,
} from "@crlab/shared";
import { dataDir } from "../build/paths.js";
import { humanSeconds, stage } from "../build/stages.js";
import { ensureBuilt } from "../experiment/boot.js";
import { openReadOnly, readRunResult, readRuns, StoreError } from "../store/index.js";
import type { SweepProgress } from "../sweep/sweeps.js";
import { openDriver } from "./driver.js";

/** Exit status: 0 if all runs are done and pass. */
export async function runSweep(file: ExperimentFile, as: "text" | "csv" | "json"): Promise<number> {
  const { sweep } = file;
  if (!sweep) return 2;
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const points = sweepPoints(sweep);
  const files = points.map((point) => fileAtPoint(file, point));
  const kernels = files.flatMap((f) => f.steps.flatMap((s) => (s.kind === "boot" ? [s.kernel ?? f.kernel] : [])));
  await stage("kernel and guest image", (progress) => ensureBuilt(kernels, progress), { quiet: true });
  const driver = await openDriver(say);
  let interrupted = false;
  const onSignal = () => {
    interrupted = true;
    say("\ninterrupted: stopping after what is done");
    driver.stopSweep().catch(() => {});
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  try {
    let finish: (progress: SweepProgress) => void = () => {};
    const finished = new Promise<SweepProgress>((resolve) => {
      finish = resolve;
    });
    const began = performance.now();
    const told = new Set<string>();
    let telling: Promise<void> = Promise.resolve();
    const tell = async ({ sweep: id, done, total }: SweepProgress) => {
      for (const run of await readResults(file, id, told)) {
        told.add(run.experiment);
        const leftS = ((performance.now() - began) / 1000 / done) * (total - done);
        const left = done < total ? `; about ${humanSeconds(leftS)} left` : "";
        say(`[${told.size}/${total}] ${describePoint(points[run.point] ?? {})}: ${run.verdict}${left}`);
      }
    };
    const id = await driver.sweep(file, (progress) => {
      telling = telling.then(() => (progress.done > told.size ? tell(progress) : undefined));
      telling.catch(() => undefined);
      if (progress.status !== "running") finish(progress);
    });
    const url = `${driver.consoleUrl}/s/${id}`;
    say(
      `${points.length} ${points.length === 1 ? "point" : "points"}, each ${sweep.repeats === 1 ? "once" : `${sweep.repeats} times`}: ${driver.linkTo(`/s/${id}`)}`,
    );
    const end = await Promise.race([finished, driver.lost]);
    await telling;
    const results = await readResults(file, id);
    const metrics = sweepMetrics(file.steps, results);
    if (as === "csv") process.stdout.write(sweepCsv(sweep, results, metrics));
    else if (as === "text")
      process.stdout.write(sweepReport(file, results, { total: end.total, stopped: end.reason, link: url }));
    else {
      const rows = sweepRows(sweep, results);
      const measured = rows.map(({ settings, runs, passed, figures }) => ({
        ...{ settings, runs: runs.length, passed, figures, experiments: runs.map((r) => r.experiment) },
      }));
      const changes = transitions(sweep, rows, metrics);
      process.stdout.write(`${JSON.stringify({ ...end, url, metrics, points: measured, changes }, null, 2)}\n`);
    }
    for (const run of results.filter((r) => r.verdict !== "pass"))
      say(`fail: ${describePoint(points[run.point] ?? {})}: ${run.reason} (${driver.consoleUrl}/x/${run.experiment})`);
    if (interrupted) return 130;
    return end.done === end.total && results.every((r) => r.verdict === "pass") ? 0 : 1;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, onSignal);
    await driver.close();
  }
}

async function readResults(file: ExperimentFile, id: string, but: ReadonlySet<string> = new Set()) {
  const db = await openReadOnly(dataDir());
  if (!db) throw new StoreError({ code: "store.none", message: "the database has gone" });
  const runs = (await readRuns(db, id)).filter((r) => r.outcome === "done" && !but.has(r.experiment));
  const results = await Promise.all(runs.map((run) => readRunResult(db, file, run)));
  db.$client.close();
  return results;
}
