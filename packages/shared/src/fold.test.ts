import { describe, expect, it } from "vitest";
import { actions } from "./actions.js";
import { type LogEvent, type NewEvent, readEvent } from "./events.js";
import { type CheckpointFigures, fingerprint, manifest } from "./experiment.js";
import { foldAll } from "./fold.js";
import { report } from "./report.js";
import { judge, settled } from "./verdict.js";
import { checkpointChain, planStoppedAt, remainingPlan } from "./view.js";

const figures: CheckpointFigures = {
  imageId: "00",
  parentImageId: null,
  tasks: 1,
  bytes: 4096,
  pages: 1,
  zeroPages: 0,
  parentPages: 0,
  relinkedFiles: 1,
  copiedFiles: 0,
  copiedBytes: 0,
  frozenNs: 1_500_000,
  totalNs: 2_000_000,
};
const print = fingerprint.parse({
  kernelVariant: "cr",
  kernelRelease: "6.12.1-crlab",
  kernelHash: "abc",
  configHash: "def",
  imageHash: "123",
  qemuVersion: "7.2",
  accel: "tcg",
  accelReason: "no KVM",
  memMiB: 512,
  cpus: 2,
});
/** Events of a log, one every 10 ms. */
const log = (...events: NewEvent[]): LogEvent[] =>
  events.map((e, i) => ({ ...e, seq: i + 1, atMs: i * 10 }) as LogEvent);

const created: NewEvent = {
  type: "experiment.created",
  logVersion: 1,
  title: "A test",
  manifest: manifest.parse({}),
  plan: [{ kind: "boot" }, { kind: "kill" }],
  createdAt: "2026-01-01T00:00:00Z",
};
const booted: NewEvent[] = [
  created,
  { type: "step.started", stepNo: 1, step: { kind: "boot" }, planned: true },
  { type: "guest.booting", guest: 1, kernel: "cr", how: "warm" },
  { type: "guest.booted", guest: 1, bootMs: 300, how: "warm", fingerprint: print },
  { type: "step.finished", stepNo: 1, ms: 310 },
];
const checkpoint = (name: string, parent: string | null): NewEvent => ({
  type: "checkpoint.finished",
  stepNo: 2,
  name,
  target: "w",
  mode: parent === null ? "full" : "incremental",
  parent,
  guestPath: `/ckpt/${name}`,
  killed: false,
  figures,
});
const working: NewEvent[] = [
  ...booted,
  { type: "terminal.opened", terminal: 1, title: "w", kind: "workload" },
  { type: "workload.started", name: "w", pid: 100, terminal: 1, command: "counter" },
  checkpoint("full", null),
  checkpoint("inc", "full"),
];
const possible = (events: NewEvent[]) =>
  Object.fromEntries(actions(foldAll(log(...events))).map((a) => [a.id, a.reason ?? true]));

describe("fold", () => {
  it("follows an experiment from its creation to its end", () => {
    const view = foldAll(log(...working, { type: "experiment.ended", verdict: "pass", reason: "ok" }));
    expect(view).toMatchObject({
      status: "ended",
      verdict: "pass",
      title: "A test",
      planDone: 1,
      guest: { state: "stopped" },
    });
    expect(remainingPlan(view)).toEqual([{ kind: "kill" }]);
    expect(view.targets[0]).toMatchObject({ alive: false, latestCheckpoint: "inc" });
    expect(view.checkpoints.map((c) => c.available)).toEqual([false, false]);
    expect(checkpointChain(view, "inc").map((c) => c.name)).toEqual(["full", "inc"]);
  });

  it("gives the same view whether folded at once or in pieces, or twice over", () => {
    const events = log(...working);
    const half = foldAll(events.slice(0, 4));
    expect(foldAll(events, undefined, half)).toEqual(foldAll(events));
  });

  it("stops at a moment", () => {
    expect(foldAll(log(...working), 20)).toMatchObject({ status: "booting", lastMs: 20, lastSeq: 3 });
  });

  it("sets a target back to the checkpoint it was restored from", () => {
    const view = foldAll(
      log(
        ...working,
        { type: "workload.ended", name: "w", pid: 100, reason: "killed" },
        { type: "step.started", stepNo: 3, step: { kind: "restore", checkpoint: "full" }, planned: false },
        {
          type: "restore.finished",
          stepNo: 3,
          checkpoint: "full",
          target: "w",
          figures: { imageId: "00", tasks: 1, bytes: 8, pages: 2, totalNs: 1, rootPid: 100 },
        },
      ),
    );
    expect(view.targets[0]).toMatchObject({ alive: true, restoredFrom: "full", latestCheckpoint: "full" });
    // What a restore read must not be taken for what a checkpoint wrote.
    const { figures } = view.steps.find((s) => s.stepNo === 3) ?? {};
    expect(figures).toMatchObject({ readBytes: 8, readPages: 2 });
    expect(figures).not.toHaveProperty("pages");
  });

  it("folds a log with events it cannot read", () => {
    const view = foldAll(
      [
        ...log(created),
        { seq: 2, atMs: 5, type: "from.the.future", x: 1 },
        { seq: 3, atMs: 6, type: "note", text: "n" },
      ].map(readEvent),
    );
    expect(view).toMatchObject({ unknownEvents: 1, lastSeq: 3, notes: [{ text: "n" }] });
  });

  it("says what was cut short when the runner died", () => {
    const view = foldAll(
      log(
        ...booted,
        { type: "step.started", stepNo: 2, step: { kind: "kill" }, planned: true },
        { type: "experiment.interrupted", reason: "the runner stopped" },
      ),
    );
    expect(view).toMatchObject({ status: "interrupted", verdict: null });
    expect(view.steps.map((s) => s.state)).toEqual(["ok", "interrupted"]);
  });

  it("was interrupted, and no more, though a step had failed before: the report says so as the page does", () => {
    const view = foldAll(
      log(
        ...booted,
        { type: "step.started", stepNo: 2, step: { kind: "kill" }, planned: true },
        { type: "step.failed", stepNo: 2, ms: 1, error: { code: "x", message: "no such target" } },
        { type: "experiment.interrupted", reason: "the runner stopped" },
      ),
    );
    expect(report(view)).toContain("Verdict: INTERRUPTED (the runner stopped)");
  });
});

describe("actions", () => {
  it("names what is missing, in the order it is needed", () => {
    expect(possible([created])).toMatchObject({ boot: true, start: "no guest has been booted yet", end: true });
    expect(possible(booted)).toMatchObject({ start: true, checkpointFull: "start a workload first" });
    expect(possible(working)).toMatchObject({
      checkpointIncremental: true,
      kill: true,
      restore: "w (pid 100) still runs: kill it first, its pids are in use",
    });
    const dead = possible([...working, { type: "workload.ended", name: "w", pid: 100, reason: "killed" }]);
    expect(dead).toMatchObject({ restore: true, kill: "w is not running (killed): restore it" });
  });

  it("offers nothing but watching after the end", () => {
    const after = possible([...working, { type: "experiment.interrupted", reason: "x" }]);
    expect(new Set(Object.values(after))).toEqual(new Set(["the experiment was interrupted: fork it or run it again"]));
  });

  it("waits for a running step", () => {
    const busy = possible([
      ...working,
      { type: "step.started", stepNo: 3, step: { kind: "verify", withinS: 60 }, planned: false },
    ]);
    expect(busy).toMatchObject({ kill: "step 3 (verify) is running", shell: true, end: true });
  });
});

describe("verdict and report", () => {
  const done: NewEvent[] = [
    ...working,
    { type: "step.started", stepNo: 2, step: { kind: "kill" }, planned: true },
    { type: "step.finished", stepNo: 2, ms: 1 },
  ];
  it("passes only when nothing failed, nothing is left and the kernel was quiet", () => {
    expect(judge(foldAll(log(...done))).verdict).toBe("pass");
    expect(judge(foldAll(log(...booted)))).toMatchObject({
      verdict: "fail",
      reason: "1 of 2 planned steps were not run",
    });
    const splat: NewEvent = { type: "kernel.log", text: "[ 1.0] WARNING: CPU: 0 PID: 1 at mm/x.c:1\n" };
    expect(judge(foldAll(log(...done, splat))).reason).toContain("the kernel complained");
    const bad: NewEvent = { type: "verify.finished", stepNo: 2, target: "w", ok: false, text: "verify: FAIL x" };
    expect(judge(foldAll(log(...done, bad))).verdict).toBe("fail");
    expect(judge(foldAll([])).verdict).toBe("fail");
    // A guest that was lost stays lost, though another one has taken its place.
    const again = booted.filter((e) => e.type === "guest.booting" || e.type === "guest.booted");
    const second = again.map((e) => ({ ...e, guest: 2 }));
    const lost = foldAll(log(...done, { type: "guest.ended", guest: 1, how: "died", reason: "SIGKILL" }, ...second));
    expect(lost.guest).toMatchObject({ guest: 2, state: "up" });
    expect(judge(lost)).toEqual({ verdict: "fail", reason: "guest 1 died: SIGKILL" });
    const stopped = foldAll(
      log(...done, { type: "guest.ended", guest: 1, how: "stopped", reason: "asked" }, ...second),
    );
    expect(judge(stopped).verdict).toBe("pass");
  });

  it("is fail at once when a planned step fails, and the plan stands still until somebody goes on", () => {
    const failing: NewEvent[] = [
      { ...created, plan: [{ kind: "boot" }, { kind: "kill" }, { kind: "kill" }] } as NewEvent,
      ...booted.slice(1),
      { type: "step.started", stepNo: 2, step: { kind: "kill" }, planned: true },
      { type: "step.failed", stepNo: 2, ms: 1, error: { code: "x", message: "nothing to kill" } },
    ];
    const view = foldAll(log(...failing));
    expect(settled(view)).toEqual({ verdict: "fail", reason: "step 2 (kill) failed: nothing to kill" });
    expect(planStoppedAt(view)?.stepNo).toBe(2);
    expect(report(view)).toContain("Verdict: FAIL (step 2");
    const byHand: NewEvent = { type: "step.started", stepNo: 3, step: { kind: "kill" }, planned: false };
    const doneByHand: NewEvent = { type: "step.finished", stepNo: 3, ms: 1 };
    expect(planStoppedAt(foldAll(log(...failing, byHand, doneByHand)))?.stepNo).toBe(2);
    const goesOn: NewEvent = { type: "step.started", stepNo: 3, step: { kind: "kill" }, planned: true };
    expect(planStoppedAt(foldAll(log(...failing, goesOn)))).toBeUndefined();
    expect(settled(foldAll(log(...working)))).toBeNull();
  });

  it("reports in 72 columns", () => {
    const text = report(
      foldAll(log({ ...created, question: "Does it? ".repeat(30) }, ...done.slice(1))),
      "http://127.0.0.1:4870/x/abcdefgh",
    );
    expect(text).toContain("full");
    expect(text).toContain("1.5 ms");
    expect(Math.max(...text.split("\n").map((l) => l.length))).toBeLessThanOrEqual(72);
  });
});

describe("a migration", () => {
  const started: NewEvent[] = [
    ...booted,
    { type: "terminal.opened", terminal: 1, title: "w", kind: "workload" },
    { type: "workload.started", name: "w", pid: 40, terminal: 1, command: "counter" },
    { type: "terminal.opened", terminal: 2, title: "shell", kind: "shell" },
    checkpoint("c1", null),
    {
      type: "step.started",
      stepNo: 3,
      step: { kind: "migrate", rounds: 8, latencyMs: 1, goalMs: 100, withinS: 120 },
      planned: false,
    },
    { type: "migration.started", stepNo: 3, target: "w", fromGuest: 1, toGuest: 2, mibPerS: 32, latencyMs: 1 },
    {
      ...{ type: "migration.round", stepNo: 3, round: 1, final: false, bytes: 8192, pages: 2 },
      ...{ zeroPages: 0, parentPages: 0, frozenNs: 1000, ms: 5 },
    },
  ];
  const finished: NewEvent = {
    ...{ type: "migration.finished", stepNo: 3, target: "w", guest: 2, bootMs: 300, how: "warm", fingerprint: print },
    ...{ stopped: "converged", downtimeMs: 40, totalMs: 400, bytes: 8192 },
    figures: { imageId: "02", tasks: 1, bytes: 4096, pages: 1, totalNs: 1000, rootPid: 40 },
  };

  it("goes on in the other guest, with its terminal and without the rest", () => {
    // The end of the guest it left is no news of the one it is in.
    const ended: NewEvent = { type: "guest.ended", guest: 1, how: "stopped", reason: "stopped on request" };
    const view = foldAll(log(...started, finished, ended, { type: "step.finished", stepNo: 3, ms: 500 }));
    expect(view.guest).toMatchObject({ guest: 2, state: "up" });
    expect(view.migrations).toMatchObject([{ state: "moved", downtimeMs: 40, rounds: [{ round: 1, bytes: 8192 }] }]);
    expect(view.targets).toMatchObject([{ name: "w", alive: true, latestCheckpoint: null }]);
    expect(view.terminals.map((t) => t.closedReason)).toEqual([null, "left behind in guest 1"]);
    expect(view.checkpoints.map((c) => c.available)).toEqual([false]);
    expect(report(view)).toMatch(/stood still 40\s+ms/);
  });

  it("that fails leaves everything where it was", () => {
    const error = { code: "migration.link", message: "the link was cut" };
    const view = foldAll(log(...started, { type: "step.failed", stepNo: 3, ms: 10, error }));
    expect(view.migrations).toMatchObject([{ state: "failed" }]);
    expect(view.guest).toMatchObject({ guest: 1, state: "up" });
    expect(view.targets).toMatchObject([{ alive: true, latestCheckpoint: "c1" }]);
    expect(view.terminals.map((t) => t.closedReason)).toEqual([null, null]);
    expect(actions(view).find((a) => a.id === "migrate")).toMatchObject({ possible: true });
  });
});
