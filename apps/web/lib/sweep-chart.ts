/** Where a sweep's medians and spreads stand in a chart. Pure. */

import { describePoint, type Setting, type Spread, type SweepGrid, type SweepRow } from "@crlab/shared";
import { niceTicks } from "./ticks";

export interface Dot {
  x: number;
  median: number;
  least: number;
  most: number;
  /** What it stands for: `tracker wp, --rate 400: 14 ms (12 … 16 ms)`. */
  said: string;
}

export interface ChartLine {
  label: string;
  dots: Dot[];
}

export interface SweepChart {
  /** The settings that stay in it: `cpus 2`; empty where there are no others. */
  title: string;
  lines: ChartLine[];
}

export interface SweepCharts {
  charts: SweepChart[];
  /** Charts that are left out. */
  more: number;
  ticks: { y: number; value: number }[];
  xs: { x: number; label: string }[];
}

export const PLOT = { width: 520, height: 210, left: 80, right: 14, top: 10, bottom: 30 } as const;
const MOST_CHARTS = 6;

const listOf = (grid: SweepGrid, axis: string): readonly Setting[] =>
  Object.entries(grid.over).find(([a]) => a === axis)?.[1] ?? [];

interface How {
  /** The axis along x. */
  x: string;
  /** A point's figure in words. */
  say: (spread: Spread) => string;
}

/** One axis along x, the next as lines, a chart for each combination of the others; all on one scale. */
export function sweepCharts(
  grid: SweepGrid,
  rows: readonly SweepRow[],
  metric: string,
  { x: xAxis, say }: How,
): SweepCharts {
  const axes = Object.keys(rows[0]?.settings ?? {});
  const [lineAxis, ...facets] = axes.filter((axis) => axis !== xAxis);
  const measured = rows.filter((row) => row.figures[metric] !== undefined);
  const most = Math.max(0, ...measured.map((row) => row.figures[metric]?.most ?? 0));
  const top = niceTicks(most).at(-1) ?? 1;
  const y = (value: number) => PLOT.top + (1 - value / top) * (PLOT.height - PLOT.top - PLOT.bottom);
  const places = listOf(grid, xAxis);
  const x = (at: number) => PLOT.left + ((at + 0.5) / places.length) * (PLOT.width - PLOT.left - PLOT.right);

  const groups = new Map<string, SweepRow[]>();
  for (const row of rows) {
    const title = facets.map((axis) => `${axis} ${row.settings[axis]}`).join(", ");
    groups.set(title, [...(groups.get(title) ?? []), row]);
  }
  const charts = [...groups].map(([title, own]): SweepChart => {
    const labels: readonly (Setting | undefined)[] = lineAxis === undefined ? [undefined] : listOf(grid, lineAxis);
    const lines = labels.map(
      (label): ChartLine => ({
        label: label === undefined ? "" : `${lineAxis} ${label}`,
        dots: places.flatMap((place, at): Dot[] => {
          const row = own.find(
            (r) => r.settings[xAxis] === place && (lineAxis === undefined || r.settings[lineAxis] === label),
          );
          const spread = row?.figures[metric];
          if (!row || !spread) return [];
          const { median, least, most: largest } = spread;
          // Lines side by side, so that one spread does not hide another.
          const shift = (labels.indexOf(label) - (labels.length - 1) / 2) * 5;
          const said = `${describePoint(row.settings)}: ${say(spread)}`;
          return [{ x: x(at) + shift, median: y(median), least: y(least), most: y(largest), said }];
        }),
      }),
    );
    return { title, lines: lines.filter((line) => line.dots.length > 0) };
  });
  const drawn = charts.filter((chart) => chart.lines.length > 0);
  return {
    charts: drawn.slice(0, MOST_CHARTS),
    more: Math.max(0, drawn.length - MOST_CHARTS),
    ticks: niceTicks(most).map((value) => ({ y: y(value), value })),
    xs: places.map((place, at) => ({ x: x(at), label: String(place) })),
  };
}
