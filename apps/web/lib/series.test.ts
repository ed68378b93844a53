import { type ExperimentView, emptyView, type MigrationView, type StepView, step as stepSchema } from "@crlab/shared";
import { expect, test } from "vitest";
import { aligned, chartsOf, marksOf, overlaid, throughput } from "./series";

test("experiments in one chart: a line each, named by its letter, since its guest was up, and only where it has figures", () => {
  const run = (bootedMs: number, ms: number): StepView[] =>
    (["boot", "kill"] as const).map((kind, i) => ({
      ...{ stepNo: i + 1, kind, step: stepSchema.parse({ kind }), planned: true, commands: [], state: "ok" },
      ...{ figures: {}, text: null, error: null },
      // It waits for its guest, and kills two seconds after that was up.
      ...(kind === "boot" ? { startedMs: 500, ms: bootedMs } : { startedMs: bootedMs + 2500, ms }),
    }));
  const none = { checkpoints: [], restores: [], migrations: [] };
  const charts = overlaid([
    { ...none, steps: run(1500, 30) },
    { ...none, steps: [] },
    { ...none, steps: run(9500, 60) },
  ]);
  expect(charts.map((c) => c.id)).toEqual(["steps"]);
  expect(charts[0]?.lines).toEqual([
    { label: "A time a step took", points: [[2, 30]] },
    { label: "C time a step took", points: [[2, 60]] },
  ]);
  expect(overlaid([{ ...none, steps: run(1500, 30).slice(0, 1) }])).toEqual([]);
});

test("a migration is marked where it began, and its downtime stands where it was over, among the other times", () => {
  const step: StepView = {
    ...{ stepNo: 3, planned: true, commands: [], startedMs: 4000, ms: 1500, figures: {}, text: null, error: null },
    kind: "migrate",
    state: "ok",
    step: stepSchema.parse({ kind: "migrate" }),
  };
  const migration: MigrationView = {
    ...{ stepNo: 3, target: "w", fromGuest: 1, toGuest: 2, mibPerS: null, latencyMs: 1, rounds: [] },
    ...{ downtimeMs: 120, totalMs: 1400, bytes: 9 },
    state: "moved",
    stopped: "converged",
  };
  const view: ExperimentView = { ...emptyView, steps: [step], migrations: [migration] };
  expect(chartsOf(view)[0]?.lines).toEqual([{ label: "down, moving", points: [[5.5, 120e6]] }]);
  expect(marksOf(view)).toEqual([{ seconds: 4, label: "migrate", kind: "migrate" }]);
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
