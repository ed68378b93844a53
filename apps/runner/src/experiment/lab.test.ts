import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { experimentFile, foldAll } from "@crlab/shared";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openStore, readEvents, type Store } from "../store/index.js";
import { fakeBoot } from "./fake-guest.js";
import type { BootGuest } from "./guest-port.js";
import { Lab, type LabLimits } from "./lab.js";
import { Spares } from "./spares.js";

let dir: string;
let store: Store;
let lab: Lab;
const calls: string[] = [];
const boot = fakeBoot(calls);

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "crlab-lab-"));
  store = await openStore(dir, "a test");
  calls.length = 0;
});
afterEach(async () => {
  await lab.close("the test is over");
  await store.close();
  rmSync(dir, { recursive: true });
});

const open = (limits: Partial<LabLimits>) => {
  lab = new Lab(store, boot, { guests: 8, idleMs: 600_000, ...limits });
};
const file = experimentFile.parse({ title: "T", steps: [{ kind: "boot" }] });
const begin = async (owner: string) => {
  const experiment = await lab.create(file, owner);
  const done = experiment.runPlan();
  return { experiment, done };
};

describe("when all guests run", () => {
  it("lets the next wait, says its place, and boots it when there is room", async () => {
    open({ guests: 1 });
    const first = await begin("ann");
    await first.done;
    const second = await begin("ben");
    const third = await begin("cat");
    await vi.waitFor(() => expect(third.experiment.view.guest?.queue).toBe(2));
    expect(second.experiment.view.guest?.queue).toBe(1);
    expect(lab.guestList("ben").map((g) => [g.state, g.mine])).toEqual([
      ["idle", false],
      ["queued", true],
      ["queued", false],
    ]);

    await first.experiment.end();
    await second.done;
    expect(second.experiment.view.guest?.state).toBe("up");
    expect(second.experiment.view.guest?.queue).toBeNull();
    await vi.waitFor(() => expect(third.experiment.view.guest?.queue).toBe(1));
    expect(lab.guests).toBe(1);

    // Whoever gives up waiting makes room for nobody, and holds nobody up.
    await third.experiment.end();
    await third.done;
    await second.experiment.end();
    expect(lab.guests).toBe(0);
  });

  it("does not let one wait for a second guest that holds the last: it could wait for ever", async () => {
    open({ guests: 1 });
    const { experiment, done } = await begin("ann");
    await done;
    await expect(experiment.bootIncoming()).rejects.toMatchObject({ named: { code: "guests.limit" } });
    expect(lab.guests).toBe(1);
  });

  it("leaves room for others: one browser has its share and no more", async () => {
    open({ guests: 4, guestsPerOwner: 2 });
    for (let i = 0; i < 2; i++) await (await begin("ann")).done;
    const third = await begin("ann");
    await third.done;
    expect(third.experiment.view.steps[0]?.error?.code).toBe("guests.share");
    const other = await begin("ben");
    await other.done;
    expect(other.experiment.view.guest?.state).toBe("up");
  });
});

it("an experiment ends while its guest comes up: the lab is closed once that is gone, and has said so", async () => {
  let isUp: () => void = () => {};
  const slowBoot: BootGuest = async (...args) => {
    await new Promise<void>((resolve) => {
      isUp = resolve;
    });
    return boot(...args);
  };
  lab = new Lab(store, slowBoot, { guests: 8, idleMs: 600_000 });
  const { experiment } = await begin("ann");
  await vi.waitFor(() => expect(experiment.view.guest?.state).toBe("booting"));
  await experiment.end();
  let closed = false;
  const closing = lab.close("the test is over").then(() => {
    closed = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(closed).toBe(false);
  isUp();
  await closing;
  expect((await readEvents(store.db, experiment.id)).map((e) => e.type)).toContain("guest.ended");
});

describe("a guest that nobody needs now", () => {
  it("stands still when nobody watches, and goes on for its owner", async () => {
    open({ suspendMs: 20 });
    let watchers = 1;
    lab.watchersOf = () => watchers;
    const { experiment, done } = await begin("ann");
    await done;
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(calls).toEqual([]);
    watchers = 0;
    await vi.waitFor(() => expect(experiment.view.guest?.suspended).toBe(true));
    expect(lab.guestList("ann")[0]).toMatchObject({ state: "suspended", cpuMs: 120, rssBytes: 4096 });
    await lab.drive(experiment.id, "ann");
    expect(experiment.view.guest?.suspended).toBe(false);
    expect(calls.slice(0, 2)).toEqual([`suspend ${experiment.id}`, `resume ${experiment.id}`]);
  });

  it("is woken before it is stopped", async () => {
    open({ suspendMs: 20 });
    const { experiment, done } = await begin("ann");
    await done;
    await vi.waitFor(() => expect(experiment.view.guest?.suspended).toBe(true));
    await experiment.end();
    expect(experiment.view.status).toBe("ended");
    expect(calls).toEqual([`suspend ${experiment.id}`, `resume ${experiment.id}`]);
  });
});

it("a result can be marked invalid after the end, by its owner only, and those who look are told", async () => {
  open({});
  const { experiment, done } = await begin("ann");
  await done;
  await experiment.end();
  const told: string[] = [];
  lab.onAnnotated((id) => told.push(id));
  const mark = { type: "experiment.marked", invalid: "the host was busy" } as const;
  await expect(lab.annotate(experiment.id, "ben", mark)).rejects.toMatchObject({ named: { code: "not.owner" } });
  await lab.annotate(experiment.id, "ann", mark);
  await lab.annotate(experiment.id, "ann", { type: "experiment.renamed", title: "Named" });
  const view = foldAll(await readEvents(store.db, experiment.id));
  expect(view).toMatchObject({ invalid: "the host was busy", title: "Named", status: "ended", verdict: "pass" });
  expect(told).toEqual([experiment.id, experiment.id]);
});

it("has a moment between any two steps, however quick they are", async () => {
  open({});
  const experiment = await lab.create(
    experimentFile.parse({
      title: "Q",
      steps: [{ kind: "boot" }, ...Array(20).fill({ kind: "run", command: ["true"] })],
    }),
    "ann",
  );
  await experiment.runPlan();
  const events = await readEvents(store.db, experiment.id);
  const begun = events.flatMap((event, i) => (event.type === "step.started" ? [i] : []));
  expect(begun).toHaveLength(21);
  for (const i of begun) expect(events[i]?.atMs).toBeGreaterThan(events[i - 1]?.atMs ?? Number.POSITIVE_INFINITY);
});

describe("guests that stand by", () => {
  it("are not made while somebody types, or has a moment ago", async () => {
    const spares = new Spares(boot, { count: 0, idleMs: 600_000, isCurrent: async () => true });
    lab = new Lab(store, boot, { guests: 8, idleMs: 600_000 }, spares);
    const { experiment, done } = await begin("ann");
    await done;
    expect(spares.quiet()).toBe(false);
    experiment.activeAtMs -= 60_000;
    expect(spares.quiet()).toBe(true);
    experiment.activeAtMs = performance.now();
    expect(spares.quiet()).toBe(false);
    await spares.close();
  });
});

describe("when the log cannot be written", () => {
  it("stops the guest at once, and gives the experiment its end when there is room again", async () => {
    open({ suspendMs: 50 });
    const { experiment, done } = await begin("ann");
    await done;
    const { append } = store;
    store.append = () => Promise.reject(new Error("the disk is full"));
    await expect(experiment.rename("T2")).rejects.toThrow("the disk is full");
    expect(lab.unwritable(experiment.id)?.message).toBe("the disk is full");
    await vi.waitFor(() => expect(lab.open.size).toBe(0));
    expect(experiment.guests).toBe(0);
    const told: string[] = [];
    lab.onAnnotated((id) => told.push(id));
    store.append = append;
    await vi.waitFor(() => expect(told).toEqual([experiment.id]));
    expect(lab.unwritable(experiment.id)).toBeUndefined();
    const view = foldAll(await readEvents(store.db, experiment.id));
    expect(view).toMatchObject({ status: "interrupted", title: "T" });
    expect(view.reason).toBe("the log could not be written: the disk is full");
  });
});
