/** A sweep as plain text that fits a mailing list. */
import type { ExperimentFile } from "./experiment-file.js";
import { COLUMNS, cells, environment, heading, wrap } from "./plain-text.js";
import { describePoint, isRepeated } from "./sweep.js";
import {
  describeRepeats,
  hasSpread,
  type Spread,
  type SweepMetric,
  type SweepRunResult,
  sweepMetrics,
  sweepRows,
  sweepUnlikes,
  sweptKernels,
  type Transition,
  transitions,
} from "./sweep-result.js";
import { formatFigure, nameOfFigure } from "./units.js";

const MOST_CHANGES = 20;

interface About {
  /** Runs that there are to be. */
  total: number;
  /** Why it was stopped before all of them were done. */
  stopped?: string | null;
  link?: string;
}

export function sweepReport(
  file: ExperimentFile,
  runs: readonly SweepRunResult[],
  { total, stopped = null, link }: About,
): string {
  const grid = file.sweep;
  if (!grid) return "";
  const metrics = sweepMetrics(file.steps, runs);
  const rows = sweepRows(grid, runs);
  const changes = transitions(grid, rows, metrics);
  const repeated = isRepeated(grid);
  const print = runs.find((r) => r.fingerprint !== null)?.fingerprint;
  const failed = runs.filter((r) => r.verdict !== "pass").length;
  const parts = [
    heading(file.title),
    file.question === undefined ? "" : wrap(file.question),
    wrap(
      `${runs.length} of ${total} runs, ${failed} failed; ${repeated ? "nothing varied" : `${rows.length} points`}, ${describeRepeats(grid, rows)}.${stopped === null ? "" : ` STOPPED: ${stopped}.`}`,
    ),
    print ? environment(print) : "",
    ...sweptKernels(runs).map((k) => wrap(`kernel ${k.variant}: ${k.text}`, 2)),
    ...sweepUnlikes(file, runs).map((u) => wrap(`NOT ALIKE: ${u.what}: ${u.values.join(" / ")}`, 2)),
    repeated
      ? table(
          "",
          metrics.flatMap((m) => {
            const found = rows[0]?.figures[m.key];
            return found ? [{ what: `${m.step}: ${nameOfFigure(m.figure)}`, figure: m.figure, found }] : [];
          }),
        )
      : changes.length === 0
        ? "Nothing changes beyond its spread."
        : [
            hasSpread(rows)
              ? "What changes beyond its spread (median ratio, in how many settings):"
              : wrap(
                  "What changes; of points that were measured once, every difference (median ratio, in how many settings):",
                ),
            ...changes.slice(0, MOST_CHANGES).map((t) => wrap(`- ${describeTransition(t)}`, 2)),
            ...(changes.length > MOST_CHANGES ? [`  and ${changes.length - MOST_CHANGES} smaller ones`] : []),
          ].join("\n"),
    ...changingMetrics(changes).map(({ key, step, figure }) =>
      table(
        wrap(`${step}: ${nameOfFigure(figure)}`),
        rows.map((row) => ({ what: describePoint(row.settings), figure, found: row.figures[key] })),
      ),
    ),
    link ?? "",
  ];
  return `${parts.filter((p) => p !== "").join("\n\n")}\n`;
}

interface Line {
  what: string;
  figure: string;
  found: Spread | undefined;
}

function table(title: string, lines: readonly Line[]): string {
  const head = cells([
    ["", 36, "left"],
    ["median", 9, "right"],
    ["least", 9, "right"],
    ["most", 9, "right"],
  ]);
  const body = lines.map(({ what, figure, found }) => {
    const said = (pick: (s: Spread) => number) => (found ? formatFigure(figure, pick(found)) : "-");
    return cells([
      [what, 36, "left"],
      [said((s) => s.median), 9, "right"],
      [said((s) => s.least), 9, "right"],
      [said((s) => s.most), 9, "right"],
    ]);
  });
  return [...(title === "" ? [] : [title]), head, "-".repeat(COLUMNS), ...body].join("\n");
}

const MOST_TABLES = 6;
/** Figures that change at all, the one that changes most first. */
const changingMetrics = (changes: readonly Transition[]): SweepMetric[] => {
  const found = new Map(changes.flatMap((t) => (t.metric ? [[t.metric.key, t.metric] as const] : [])));
  return [...found.values()].slice(0, MOST_TABLES);
};

const times = (by: number): string => `${by >= 100 ? Math.round(by) : by >= 10 ? by.toFixed(1) : by.toFixed(2)}x`;

/** A change's size in words: `2.04x (1.90x to 2.20x)`. */
export function describeRatio({ ratio, text }: Pick<Transition, "ratio" | "text">): string {
  if (ratio === null) return text;
  const median = times(ratio.median);
  const [least, most] = [times(ratio.least), times(ratio.most)];
  return least === most ? median : `${median} (${least} to ${most})`;
}

function describeTransition(t: Transition): string {
  const where = `${t.axis} ${t.from} -> ${t.to}`;
  const often = t.of > 1 ? `, in ${t.in} of ${t.of}` : "";
  if (t.metric === null) return `${where}: ${t.text}${often}`;
  return `${where}: ${t.metric.step}: ${nameOfFigure(t.metric.figure)} ${describeRatio(t)}${often}`;
}
