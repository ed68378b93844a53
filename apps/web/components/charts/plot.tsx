"use client";
import { useEffect, useRef } from "react";
import type uPlot from "uplot";
import { aligned, type Chart, type Mark } from "../../lib/series";
import { onThemeChange } from "../../lib/theme-change";
import styles from "./plot.module.css";
import "uplot/dist/uPlot.min.css";

const HEIGHT = 130;
const COLOURS = ["--accent", "--frozen", "--running", "--warn", "--failed"] as const;
const DASHES: readonly (number[] | undefined)[] = [undefined, [6, 3], [2, 3], [8, 3, 2, 3], undefined];

const BINARY = Array.from({ length: 50 }, (_, i) => 2 ** i);

interface Shown {
  chart: Chart;
  marks: readonly Mark[];
  /** Where the x axis ends at least. */
  until: number;
}

interface Props {
  until?: number;
  chart: Chart;
  marks?: readonly Mark[];
  /** What the x axis counts. */
  xUnit?: string;
  /** Plots of one group show the same moment under the pointer. */
  group?: string;
}

const none: readonly Mark[] = [];

/** One chart. uPlot is loaded when the first is shown. */
export function Plot({ chart, marks = none, until = 0, xUnit = "s", group = "charts" }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef<Shown>({ chart, marks, until });
  const shape = `${chart.id} ${chart.lines.map((l) => l.label).join()}`;

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew when its lines change; new points come by the effect below
  useEffect(() => {
    const box = element.current;
    if (!box) return;
    let over = false;
    let stop = () => {};
    void import("uplot").then(({ default: UPlot }) => {
      if (over) return;
      const make = () => {
        plot.current?.destroy();
        plot.current = new UPlot(options(box.clientWidth, latest, xUnit, group), data(latest.current.chart), box);
      };
      make();
      const sizes = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height: HEIGHT }));
      sizes.observe(box);
      const unhear = onThemeChange(make);
      stop = () => {
        sizes.disconnect();
        unhear();
      };
    });
    return () => {
      over = true;
      stop();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, xUnit, group]);
  useEffect(() => {
    latest.current = { chart, marks, until };
    plot.current?.setData(data(chart));
  }, [chart, marks, until]);

  const said = chart.lines
    .map(
      (l) =>
        `${l.label}: ${l.points
          .slice(-8)
          .map(([, y]) => chart.format(y))
          .join(", ")}`,
    )
    .join("; ");
  return (
    <figure className={styles.figure} data-testid={`chart-${chart.id}`} aria-label={`${chart.title}. ${said}`}>
      <figcaption>
        <b>{chart.title}</b>
        {chart.lines.map((l, i) => (
          <span key={l.label} className={styles.key} data-line={i % COLOURS.length}>
            {l.label} <b>{chart.format(l.points.at(-1)?.[1] ?? 0)}</b>
          </span>
        ))}
      </figcaption>
      <div ref={element} className={styles.plot} aria-hidden="true" />
    </figure>
  );
}

const data = (chart: Chart): uPlot.AlignedData => aligned(chart.lines);

function options(width: number, shown: { current: Shown }, xUnit: string, group: string): uPlot.Options {
  const { chart } = shown.current;
  // Custom properties hold light-dark(); a property that is a colour gives it resolved.
  const probe = document.createElement("i");
  document.body.append(probe);
  const [ink = "", grid = "", ...lines] = ["--ink-3", "--border", ...COLOURS].map((name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  const axis = {
    stroke: ink,
    grid: { stroke: grid, width: 1 },
    ticks: { stroke: grid, width: 1, size: 4 },
    font: '11px "IBM Plex Mono", monospace',
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: group }, y: false },
    scales: {
      x: { time: false, range: (_, least, most) => [Math.min(0, least), Math.max(shown.current.until, most)] },
      // Above all points there is room for the marks' names.
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.25 : 1] },
    },
    axes: [
      { ...axis, size: 26, values: (_, ticks) => ticks.map((t) => `${t}${xUnit === "" ? "" : ` ${xUnit}`}`) },
      {
        ...axis,
        size: (_, ticks) => Math.max(64, 7 * Math.max(0, ...(ticks ?? []).map((t) => t.length)) + 10),
        space: 36,
        ...(chart.binary ? { incrs: BINARY } : {}),
        values: (_, ticks) => ticks.map((t) => chart.format(t)),
      },
    ],
    hooks: { draw: [(u) => drawMarks(u, shown.current.marks, ink)] },
    series: [
      {},
      ...chart.lines.map((line, i): uPlot.Series => {
        const dash = DASHES[i % DASHES.length];
        return {
          label: line.label,
          stroke: lines[i % COLOURS.length] ?? "",
          width: 1.5,
          spanGaps: true,
          points: { show: true, size: 5 },
          ...(dash === undefined ? {} : { dash }),
        };
      }),
    ],
  };
}

/** A thin line where a step began, and its name where there is room. */
function drawMarks(u: uPlot, marks: readonly Mark[], ink: string): void {
  const { ctx, bbox } = u;
  const ratio = window.devicePixelRatio || 1;
  ctx.save();
  ctx.strokeStyle = ink;
  ctx.fillStyle = ink;
  ctx.globalAlpha = 0.75;
  ctx.lineWidth = ratio;
  ctx.font = `${10 * ratio}px "IBM Plex Mono", monospace`;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  const shown = marks
    .map((mark) => ({ ...mark, x: Math.round(u.valToPos(mark.seconds, "x", true)) }))
    .filter(({ x }) => x >= bbox.left && x <= bbox.left + bbox.width);
  for (const { x } of shown) {
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  let free = Number.NEGATIVE_INFINITY;
  for (const { x, label } of shown) {
    const { width } = ctx.measureText(label);
    if (x < free || x + width > bbox.left + bbox.width) continue;
    // The next ones' lines do not go through it.
    ctx.clearRect(x + 2 * ratio, bbox.top, width + 2 * ratio, 13 * ratio);
    ctx.fillText(label, x + 3 * ratio, bbox.top + 10 * ratio);
    free = x + width + 8 * ratio;
  }
  ctx.restore();
}
