import { sweepGrid, sweepPoints } from "@crlab/shared";
import { expect, it } from "vitest";
import { PLOT, sweepCharts } from "./sweep-chart";
import { niceTicks } from "./ticks";

it("ticks are round and reach the largest value", () => {
  expect(niceTicks(0)).toEqual([0, 1]);
  expect(niceTicks(10)).toEqual([0, 2.5, 5, 7.5, 10]);
  expect(niceTicks(1_300_000).at(-1)).toBeGreaterThanOrEqual(1_300_000);
});

it("puts one axis along x, the next into lines, and the others into charts of one scale", () => {
  const grid = sweepGrid.parse({ over: { tracker: ["scan", "wp"], memMiB: [256, 512, 768], cpus: [1, 2] } });
  const rows = sweepPoints(grid).map((settings, point) => ({
    ...{ point, settings, runs: [], passed: 1 },
    // One point was not measured.
    figures: point === 0 ? {} : { m: { n: 1, median: point, least: point - 0.5, most: point + 0.5 } },
  }));
  const { charts, ticks, xs } = sweepCharts(grid, rows, "m", { x: "memMiB", say: ({ median }) => `${median} ms` });
  expect(xs.map((t) => t.label)).toEqual(["256", "512", "768"]);
  expect(charts.map((c) => c.title)).toEqual(["tracker scan", "tracker wp"]);
  expect(charts[0]?.lines.map((l) => [l.label, l.dots.length])).toEqual([
    ["cpus 1", 2],
    ["cpus 2", 3],
  ]);
  expect(charts[1]?.lines[0]?.dots).toHaveLength(3);
  expect(charts[0]?.lines[0]?.dots[0]?.said).toBe("memMiB 512, cpus 1, tracker scan: 4 ms");
  for (const dot of charts.flatMap((c) => c.lines.flatMap((l) => l.dots))) {
    expect(dot.most).toBeLessThan(dot.median);
    expect(dot.most).toBeGreaterThanOrEqual(PLOT.top);
    expect(dot.x).toBeGreaterThan(PLOT.left);
  }
  expect(ticks[0]?.y).toBe(PLOT.height - PLOT.bottom);
});
