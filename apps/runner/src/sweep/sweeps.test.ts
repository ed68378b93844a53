import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { experimentFile } from "@crlab/shared";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fakeBoot } from "../experiment/fake-guest.js";
import type { BootGuest } from "../experiment/guest-port.js";
import { Lab, type LabLimits } from "../experiment/lab.js";
import {
  findSweep,
  listExperiments,
  listSweeps,
  openStore,
  readRunResult,
  readRuns,
  type Store,
} from "../store/index.js";
import { Sweeps } from "./sweeps.js";

let dir: string;
let store: Store;
let lab: Lab;
let sweeps: Sweeps;
/** What a step's command answers; a test may let it wait. */
let exitCode: (argv: readonly string[]) => number | Promise<number>;

const quickBoot = fakeBoot([], (argv) => exitCode(argv));
const open = async (limits: Partial<LabLimits> = {}, boot: BootGuest = quickBoot) => {
  store = await openStore(dir, "a test");
  lab = new Lab(store, boot, { guests: 2, idleMs: 600_000, ...limits });
  sweeps = new Sweeps(lab, 5);
};
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "crlab-sweep-"));
  exitCode = () => 0;
  await open();
});
const close = async () => {
  const swept = sweeps.close();
  await lab.close("the test is over");
  await swept;
  await store.close();
};
afterEach(async () => {
  await close();
  rmSync(dir, { recursive: true });
});

const file = experimentFile.parse({
  title: "S",
  steps: [{ kind: "boot" }, { kind: "run", command: ["work"] }],
  sweep: { repeats: 2, over: { memMiB: [256, 512], cpus: [1, 2] } },
});
const isDone = async (id: string) => (await sweeps.progress(id)).status === "done";

describe("a sweep", () => {
  it("is run to its end, one guest at a time, each run an experiment with a link", async () => {
    let most = 0;
    exitCode = () => {
      most = Math.max(most, lab.guests);
      return 0;
    };
    const seen: number[] = [];
    sweeps.onProgress((p) => seen.push(p.done));
    const id = await sweeps.create(file, "ann");
    await vi.waitFor(async () => expect(await isDone(id)).toBe(true), 10_000);
    expect(most).toBe(1);
    expect(seen.at(-1)).toBe(8);
    const runs = await readRuns(store.db, id);
    expect(runs.map((r) => [r.no, r.outcome])).toEqual(Array.from({ length: 8 }, (_, no) => [no, "done"]));
    const results = await Promise.all(runs.map((r) => readRunResult(store.db, file, r)));
    expect(results.map((r) => r.fingerprint?.memMiB)).toEqual([256, 256, 512, 512, 256, 256, 512, 512]);
    expect(results.every((r) => r.verdict === "pass" && "2.stepMs" in r.figures)).toBe(true);
    // In the list of experiments the sweep stands for them.
    expect((await listExperiments(store.db)).total).toBe(0);
    expect(await listSweeps(store.db)).toMatchObject({ total: 1, sweeps: [{ id, status: "done", done: 8, runs: 8 }] });
    expect((await listSweeps(store.db, { offset: 1 })).sweeps).toEqual([]);
  });

  it("counts a run that failed: that is a result, too", async () => {
    exitCode = (argv) => (argv[0] === "work" ? 1 : 0);
    const id = await sweeps.create(file, "ann");
    await vi.waitFor(async () => expect(await isDone(id)).toBe(true), 10_000);
    const runs = await readRuns(store.db, id);
    expect(await readRunResult(store.db, file, runs[0] ?? expect.fail())).toMatchObject({
      verdict: "fail",
      figures: {},
    });
    expect(runs).toHaveLength(8);
  });

  it("goes on in the next runner with what was not done; the run that was cut counts for nothing", async () => {
    let commands = 0;
    // The third run hangs until its runner is gone.
    exitCode = (argv) => (argv[0] === "work" && ++commands === 3 ? new Promise<number>(() => {}) : 0);
    const id = await sweeps.create(file, "ann");
    await vi.waitFor(() => expect(commands).toBe(3), 10_000);
    await close();
    await open();
    expect((await findSweep(store.db, id))?.status).toBe("running");
    await sweeps.goOn();
    await vi.waitFor(async () => expect(await isDone(id)).toBe(true), 10_000);
    const runs = await readRuns(store.db, id);
    expect(runs.map((r) => r.outcome).filter((o) => o === "cut")).toHaveLength(1);
    expect(runs.filter((r) => r.outcome === "done").map((r) => r.no)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(runs.find((r) => r.outcome === "cut")?.no).toBe(2);
  });

  it("is stopped and resumed by its owner only", async () => {
    let release: (code: number) => void = () => {};
    exitCode = (argv) => {
      if (argv[0] !== "work") return 0;
      return new Promise<number>((resolve) => {
        release = resolve;
      });
    };
    const id = await sweeps.create(file, "ann");
    await vi.waitFor(() => expect(lab.guests).toBe(1), 10_000);
    await expect(sweeps.stop(id, "ben")).rejects.toMatchObject({ named: { code: "not.owner" } });
    await sweeps.stop(id, "ann");
    release(0);
    expect(await sweeps.progress(id)).toMatchObject({ status: "stopped", done: 0, reason: "its owner stopped it" });
    await vi.waitFor(() => expect(lab.guests).toBe(0), 10_000);
    exitCode = () => 0;
    await sweeps.resume(id, "ann");
    await vi.waitFor(async () => expect(await isDone(id)).toBe(true), 10_000);
  });

  it("is stopped while its guest comes up, and the lab closed at once: the run is noted as cut, nothing is written later", async () => {
    const complaints = vi.spyOn(console, "error");
    let isUp: () => void = () => {};
    await close();
    await open({}, async (...args) => {
      await new Promise<void>((resolve) => {
        isUp = resolve;
      });
      return quickBoot(...args);
    });
    const id = await sweeps.create(file, "ann");
    await vi.waitFor(() => expect(lab.guests).toBe(1), 10_000);
    await sweeps.stop(id, "ann");
    const closing = close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    isUp();
    await closing;
    await open();
    expect((await readRuns(store.db, id)).map((r) => r.outcome)).toEqual(["cut"]);
    expect(complaints).not.toHaveBeenCalled();
    complaints.mockRestore();
  });

  it("shares the lab: sweeps take turns, and one waits while there is no room for its owner", async () => {
    await close();
    await open({ guests: 2, guestsPerOwner: 1 });
    const byHand = await lab.create(experimentFile.parse({ title: "T", steps: [{ kind: "boot" }] }), "ann");
    await byHand.runPlan();
    const hers = await sweeps.create(file, "ann");
    const his = await sweeps.create(file, "ben");
    await vi.waitFor(async () => expect(await isDone(his)).toBe(true), 10_000);
    expect(await sweeps.progress(hers)).toMatchObject({ status: "running", done: 0 });
    await byHand.end();
    await vi.waitFor(async () => expect(await isDone(hers)).toBe(true), 10_000);
  });

  it("is refused beyond so many, and when there is none by that name", async () => {
    exitCode = () => new Promise<number>(() => {});
    for (let i = 0; i < 4; i++) await sweeps.create(file, "ann");
    await expect(sweeps.create(file, "ann")).rejects.toMatchObject({ named: { code: "sweeps.limit" } });
    await expect(sweeps.progress("nothinghere")).rejects.toMatchObject({ named: { code: "sweep.unknown" } });
  });
});
