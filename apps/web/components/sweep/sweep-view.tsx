import {
  describeRatio,
  formatFigure,
  hasSpread,
  isRepeated,
  nameOfFigure,
  type Spread,
  type SweepGrid,
  type SweepMetric,
  sweepMetrics,
  sweepRows,
  sweepUnlikes,
  sweptKernels,
  type Transition,
  transitions,
} from "@crlab/shared";
import home from "../../app/home.module.css";
import { sweepCharts } from "../../lib/sweep-chart";
import type { SweepWithRuns } from "../../lib/sweeps";
import comparison from "../compare/comparison.module.css";
import { type Column, DataTable } from "../data-table";
import { Link } from "../link";
import styles from "./sweep.module.css";
import { SweepPlot } from "./sweep-plot";

const SHOWN_AT_ONCE = 8;

export interface Chosen {
  figure: string | undefined;
  x: string | undefined;
}

/** What a sweep came to: what changes, one figure as a chart, all figures of that step as a table. */
export function SweepView({ found, grid, chosen }: { found: SweepWithRuns; grid: SweepGrid; chosen: Chosen }) {
  const { sweep, results } = found;
  const metrics = sweepMetrics(sweep.file.steps, results);
  const rows = sweepRows(grid, results);
  const changes = transitions(grid, rows, metrics);
  const unlike = sweepUnlikes(sweep.file, results);
  const kernels = sweptKernels(results);
  const axes = Object.keys(rows[0]?.settings ?? {});
  const metric =
    metrics.find((m) => m.key === chosen.figure) ??
    metrics.find((m) => m.key === changes.find((t) => t.metric?.figure === "frozenNs")?.metric?.key) ??
    metrics.find((m) => m.key === changes.find((t) => t.metric !== null)?.metric?.key) ??
    metrics[0];
  const x = axes.find((axis) => axis === chosen.x) ?? axes.at(-1) ?? "";
  const print = results.find((r) => r.fingerprint !== null)?.fingerprint;
  return (
    <>
      {print && (
        <p className={styles.environment} data-testid="environment">
          {print.kernelRelease} (patch set {print.kernelHash.slice(0, 12)}, config {print.configHash.slice(0, 12)}) ·
          image {print.imageHash.slice(0, 12)} · QEMU {print.qemuVersion}, {print.accel.toUpperCase()} · {print.cpus}{" "}
          CPUs, {print.memMiB} MiB
          {axes.some((a) => ["kernel", "memMiB", "cpus", "accel"].includes(a)) && ", and as varied"}
        </p>
      )}
      {kernels.length > 0 && (
        <dl className={styles.kernels} data-testid="kernels">
          {kernels.map((k) => (
            <div key={k.text}>
              <dt>kernel {k.variant}</dt>
              <dd className="mono">{k.text}</dd>
            </div>
          ))}
        </dl>
      )}
      {unlike.length > 0 && (
        <section className={comparison.unlike} data-testid="unlike" aria-label="Not alike">
          <b>These runs were not alike: figures differ for that reason, too.</b>
          <ul>
            {unlike.map((u) => (
              <li key={u.what}>
                {u.what}: <span className="mono">{u.values.join(" · ")}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {results.length === 0 || !metric ? (
        <p className={home.empty}>No run is done yet.</p>
      ) : isRepeated(grid) ? (
        rows.map((row) => <Repeated key={row.point} row={row} metrics={metrics} />)
      ) : (
        <>
          <Changes changes={changes} measured={grid.repeats === 1 ? "once" : hasSpread(rows) ? "often" : "some once"} />
          <section className={styles.section} aria-labelledby="figure">
            <h2 id="figure">
              {metric.step}: {nameOfFigure(metric.figure)}
            </h2>
            <Choose metrics={metrics} metric={metric} axes={axes} x={x} />
            <Charts grid={grid} rows={rows} metric={metric} x={x} />
          </section>
          <Points rows={rows} axes={axes} metrics={metrics.filter((m) => m.stepNo === metric.stepNo)} />
        </>
      )}
    </>
  );
}

/** The unit once, where both ends have the same. */
function formatSpread(figure: string, { least, most }: { least: number; most: number }): string {
  const [from, to] = [formatFigure(figure, least), formatFigure(figure, most)];
  const unit = / \S+$/.exec(to)?.[0] ?? "";
  return `${unit !== "" && from.endsWith(unit) ? from.slice(0, -unit.length) : from} … ${to}`;
}

/** What the differences are worth, by how often points were measured. */
const worth = {
  once: "Each point was measured once: nothing is known of its spread, and every difference is listed.",
  "some once":
    "Some points were measured once so far: nothing is known of their spread, and every difference is listed.",
  often: "Outcomes, then figures whose spreads on both sides have no value in common.",
};

function Changes({ changes, measured }: { changes: readonly Transition[]; measured: keyof typeof worth }) {
  const table = (some: readonly Transition[]) => (
    <div className={home.list}>
      <DataTable
        testId="changes"
        stacks
        rows={some}
        keyOf={(t) => `${t.axis} ${t.from} ${t.to} ${t.metric?.key ?? t.text}`}
        marks={(t) => ({ "data-transition": t.metric === null })}
        columns={[
          { head: "From, to", className: "mono", cell: (t) => `${t.axis} ${t.from} → ${t.to}` },
          {
            head: "What",
            cell: (t) =>
              t.metric === null ? (
                <span className="pill failed">{t.text}</span>
              ) : (
                `${t.metric.step}: ${nameOfFigure(t.metric.figure)}`
              ),
          },
          { head: "Median ratio", num: true, cell: (t) => (t.metric === null ? "" : describeRatio(t)) },
          { head: "In settings", num: true, cell: (t) => `${t.in} of ${t.of}` },
        ]}
      />
    </div>
  );
  return (
    <section aria-labelledby="changes">
      <div className={styles.section}>
        <h2 id="changes">What changes</h2>
      </div>
      <p className={`dim ${styles.note}`}>{worth[measured]}</p>
      {changes.length === 0 ? <p>Nothing changes beyond its spread.</p> : table(changes.slice(0, SHOWN_AT_ONCE))}
      {changes.length > SHOWN_AT_ONCE && (
        <details className={styles.smaller}>
          <summary>{changes.length - SHOWN_AT_ONCE} smaller ones</summary>
          {table(changes.slice(SHOWN_AT_ONCE))}
        </details>
      )}
    </section>
  );
}

/** A plain form: what is chosen is in the address. */
function Choose({
  metrics,
  metric,
  axes,
  x,
}: {
  metrics: readonly SweepMetric[];
  metric: SweepMetric;
  axes: readonly string[];
  x: string;
}) {
  return (
    <form className={styles.choose} aria-label="What to show">
      <label>
        Figure
        {/* While runs come in, another may be the one to look at. */}
        <select key={metric.key} className="field" name="figure" defaultValue={metric.key}>
          {metrics.map((m) => (
            <option key={m.key} value={m.key}>
              {m.step}: {nameOfFigure(m.figure)}
            </option>
          ))}
        </select>
      </label>
      <label>
        Along
        <select key={x} className="field" name="x" defaultValue={x}>
          {axes.map((axis) => (
            <option key={axis}>{axis}</option>
          ))}
        </select>
      </label>
      <button type="submit" className="btn">
        Show
      </button>
    </form>
  );
}

function Charts({
  grid,
  rows,
  metric,
  x,
}: {
  grid: SweepGrid;
  rows: ReturnType<typeof sweepRows>;
  metric: SweepMetric;
  x: string;
}) {
  const say = (spread: Spread) => {
    const median = formatFigure(metric.figure, spread.median);
    return spread.least === spread.most ? median : `${median} (${formatSpread(metric.figure, spread)})`;
  };
  const { charts, more, ...shared } = sweepCharts(grid, rows, metric.key, { x, say });
  return (
    <>
      <div className={styles.charts} data-testid="sweep-charts">
        {charts.map((chart) => (
          <SweepPlot
            key={chart.title}
            chart={chart}
            shared={shared}
            title={`${metric.step}: ${nameOfFigure(metric.figure)} along ${x}${chart.title === "" ? "" : `, ${chart.title}`}`}
            format={(value) => formatFigure(metric.figure, value)}
          />
        ))}
      </div>
      {more > 0 && <p className="dim">{more} more charts are left out; the table has all points.</p>}
    </>
  );
}

type Point = ReturnType<typeof sweepRows>[number];

function Runs({ row }: { row: Point }) {
  if (row.runs.length === 0) return <span className="dim">missing</span>;
  return (
    <details>
      <summary>
        {row.passed} of {row.runs.length} ok
      </summary>
      <ul>
        {row.runs.map((run) => (
          <li key={run.experiment}>
            <Link href={`/x/${run.experiment}`}>{run.experiment}</Link>{" "}
            {run.invalid !== null ? `invalid: ${run.invalid}` : run.verdict === "pass" ? "" : run.reason}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Measured({ metric, row }: { metric: SweepMetric; row: Point }) {
  const spread = row.figures[metric.key];
  return (
    <>
      {spread ? formatFigure(metric.figure, spread.median) : "–"}
      {spread && spread.least !== spread.most && (
        <span className={styles.spread}>{formatSpread(metric.figure, spread)}</span>
      )}
    </>
  );
}

/** Where nothing is varied: how far each figure spreads. */
function Repeated({ row, metrics }: { row: Point; metrics: readonly SweepMetric[] }) {
  const figure = (m: SweepMetric, pick: (spread: Spread) => number) => {
    const spread = row.figures[m.key];
    return spread ? formatFigure(m.figure, pick(spread)) : "–";
  };
  return (
    <section className={styles.section} aria-labelledby="figures">
      <h2 id="figures">Figures of {row.passed === 1 ? "one run" : `${row.passed} runs`}</h2>
      <div className={styles.runs}>
        <Runs row={row} />
      </div>
      <div className={home.list}>
        <DataTable
          testId="spreads"
          stacks
          rows={metrics.filter((m) => row.figures[m.key] !== undefined)}
          keyOf={(m) => m.key}
          columns={[
            { head: "Step", className: home.name, cell: (m) => m.step },
            { head: "Figure", cell: (m) => nameOfFigure(m.figure) },
            { head: "Median", num: true, cell: (m) => figure(m, (s) => s.median) },
            { head: "Least", num: true, cell: (m) => figure(m, (s) => s.least) },
            { head: "Most", num: true, cell: (m) => figure(m, (s) => s.most) },
          ]}
        />
      </div>
    </section>
  );
}

function Points({
  rows,
  axes,
  metrics,
}: {
  rows: readonly Point[];
  axes: readonly string[];
  metrics: readonly SweepMetric[];
}) {
  // A column that says the same everywhere says nothing here; the CSV has it.
  const columns = metrics.filter(
    (m) => new Set(rows.flatMap((r) => [r.figures[m.key]?.least, r.figures[m.key]?.most])).size > 1,
  );
  return (
    <section className={styles.section} aria-labelledby="points">
      <h2 id="points">All points: {metrics[0]?.step}</h2>
      <div className={home.list}>
        <DataTable
          testId="points"
          stacks
          rows={rows}
          keyOf={(row) => row.point}
          columns={[
            ...axes.map(
              (axis): Column<Point> => ({
                head: axis,
                className: "mono",
                cell: (row) => row.settings[axis],
              }),
            ),
            { head: "Runs", className: styles.runs, cell: (row) => <Runs row={row} /> },
            ...columns.map(
              (m): Column<Point> => ({
                head: nameOfFigure(m.figure),
                num: true,
                cell: (row) => <Measured metric={m} row={row} />,
              }),
            ),
          ]}
        />
      </div>
    </section>
  );
}
