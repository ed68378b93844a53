import { step as stepSchema } from "@crlab/shared";
import { expect, test } from "vitest";
import { aligned, chartsOf, overlaid, throughput } from "./series";

test("experiments in one chart: a line each, named by its letter, and only where it has figures", () => {
  const step = { stepNo: 1, kind: "boot", step: { kind: "boot" }, planned: true, commands: [], state: "ok" } as const;
  const steps = [{ ...step, commands: [], startedMs: 2000, ms: 30, figures: {}, text: null, error: null }];
  const charts = overlaid([
    { checkpoints: [], restores: [], migrations: [], steps },
    { checkpoints: [], restores: [], migrations: [], steps: [] },
    { checkpoints: [], restores: [], migrations: [], steps: steps.map((s) => ({ ...s, ms: 60 })) },
  ]);
  expect(charts.map((c) => c.id)).toEqual(["steps"]);
  expect(charts[0]?.lines).toEqual([
    { label: "A time a step took", points: [[2, 30]] },
    { label: "C time a step took", points: [[2, 60]] },
  ]);
});

test("a migration's downtime stands where it was over, among the other times", () => {
  const step = {
    ...{ stepNo: 3, kind: "migrate", planned: true, commands: [], state: "ok", startedMs: 4000, ms: 1500 },
  };
  const migration = {
    ...{ stepNo: 3, target: "w", fromGuest: 1, toGuest: 2, mibPerS: null, latencyMs: 1, rounds: [] },
  };
  const [pause] = chartsOf({
    ...{ checkpoints: [], restores: [] },
    steps: [
      {
        ...step,
        kind: "migrate",
        state: "ok",
        step: stepSchema.parse({ kind: "migrate" }),
        figures: {},
        text: null,
        error: null,
      },
    ],
    migrations: [{ ...migration, state: "moved", stopped: "converged", downtimeMs: 120, totalMs: 1400, bytes: 9 }],
  });
  expect(pause?.lines).toEqual([{ label: "down, moving", points: [[5.5, 120e6]] }]);
});

test("a workload's speed is the difference between two of its lines; going back is no speed", () => {
  const output = [
    { atMs: 1000, text: "memwriter: 100 pages rewritten\r\nmemwriter: 2" },
    { atMs: 2000, text: "00 pages rewritten\r\n" },
    { atMs: 3000, text: "memwriter: continuing after restart\r\nmemwriter: 150 pages rewritten\r\n" },
    { atMs: 3500, text: "memwriter: 250 pages rewritten\r\n" },
  ];
  expect(throughput("/usr/lib/crlab/workloads/memwriter --size 32", output)).toEqual({
    of: "pages",
    points: [
      [2, 100],
      [3.5, 200],
    ],
  });
  expect(throughput("sleep 5", output)).toBeNull();
});

test("lines share one axis", () => {
  expect(
    aligned([
      {
        points: [
          [1, 10],
          [3, 30],
        ],
      },
      { points: [[2, 5]] },
    ]),
  ).toEqual([
    [1, 2, 3],
    [10, null, 30],
    [null, 5, null],
  ]);
});
