import { expect, test } from "vitest";
import { alignSteps, alikes, figureRows, isTransition, ratio, unlikes } from "./compare.js";
import type { LogEvent, NewEvent } from "./events.js";
import { type Fingerprint, manifest, step } from "./experiment.js";
import { foldAll } from "./fold.js";

const fingerprint: Fingerprint = {
  ...{ kernelVariant: "cr", kernelRelease: "6.12", kernelHash: "k", configHash: "c", imageHash: "i" },
  ...{ qemuVersion: "7.2", accel: "tcg", accelReason: "", memMiB: 512, cpus: 2 },
};

function ran(steps: [command: string, ms: number, failed?: boolean][], changes: Partial<Fingerprint> = {}) {
  const events: NewEvent[] = [
    {
      type: "experiment.created",
      logVersion: 1,
      title: "T",
      manifest: manifest.parse({}),
      plan: [],
      createdAt: "2026-01-01T00:00:00Z",
    },
    { type: "guest.booting", guest: 1, kernel: "cr", how: "warm" },
    { type: "guest.booted", guest: 1, bootMs: 1, how: "warm", fingerprint: { ...fingerprint, ...changes } },
    ...steps.flatMap(([command, ms, failed], i): NewEvent[] => [
      { type: "step.started", stepNo: i + 1, step: step.parse({ kind: "run", command: [command] }), planned: false },
      failed
        ? { type: "step.failed", stepNo: i + 1, ms, error: { code: "x", message: "x" } }
        : { type: "step.finished", stepNo: i + 1, ms, figures: { exitCode: 0, bytes: ms * 10 } },
    ]),
  ];
  return foldAll(events.map((event, i): LogEvent => ({ ...event, seq: i + 1, atMs: i })));
}

test("steps that say the same stand beside each other, whatever is between", () => {
  const rows = alignSteps([
    ran([
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ]),
    ran([
      ["a", 1],
      ["x", 9],
      ["c", 6],
    ]),
    ran([
      ["c", 12, true],
      ["d", 1],
    ]),
  ]);
  expect(rows.map((r) => [r.what, ...r.steps.map((s) => s?.ms ?? null)])).toEqual([
    ["run a", 1, 1, null],
    ["run b", 2, null, null],
    ["run x", null, 9, null],
    ["run c", 3, 6, 12],
    ["run d", null, null, 1],
  ]);
  expect(rows.filter(isTransition).map((r) => r.what)).toEqual(["run a", "run b", "run x", "run c", "run d"]);
  const c = rows.find((r) => r.what === "run c");
  expect(c && figureRows(c)).toEqual([
    { name: "stepMs", values: [3, 6, 12] },
    { name: "bytes", values: [30, 60, null] },
  ]);
});

test("what is not alike is named; what is alike is not", () => {
  expect(unlikes([ran([]), ran([])])).toEqual([]);
  expect(unlikes([ran([]), ran([], { accel: "kvm", memMiB: 256 })])).toEqual([
    { what: "accelerator", values: ["TCG", "KVM"] },
    { what: "memory", values: ["512 MiB", "256 MiB"] },
  ]);
});

test("of kernels that somebody changed it is said in what they differ", () => {
  const mine: Partial<Fingerprint> = {
    ...{ kernelVariant: "mine", kernelHash: "m", kernelOn: "cr", kernelChanges: ["fs/open.c +3 -1"] },
  };
  expect(unlikes([ran([]), ran([], mine)])).toEqual([
    { what: "kernel", values: ["cr 6.12", "mine 6.12"] },
    { what: "patch set", values: ["k", "m"] },
    { what: "changed in the kernel", values: ["nothing", "cr and fs/open.c +3 -1"] },
  ]);
});

test("ratios", () => {
  expect([ratio(3, 2), ratio(1, 0), ratio(null, 1), ratio(250, 2), ratio(20, 1.6)]).toEqual([
    "1.50x",
    "",
    "",
    "125x",
    "12.5x",
  ]);
  // However small, it is something.
  expect([ratio(76, 32_000), ratio(1, 10), ratio(0, 5)]).toEqual(["0.0024x", "0.10x", "0x"]);
});

test("what all ran on is said once, in words, and only that", () => {
  const [a, b, never] = [ran([]), ran([], { kernelHash: "other" }), foldAll([])];
  const said = Object.fromEntries(alikes([a, b]).map(({ what, value }) => [what, value]));
  expect(said).toMatchObject({ kernel: "cr 6.12", configuration: "c", QEMU: "7.2", accelerator: "TCG", CPUs: "2" });
  expect(said).not.toHaveProperty("patch set");
  expect(said).not.toHaveProperty("changed in the kernel");
  expect(alikes([a, never])).toEqual([]);
});
