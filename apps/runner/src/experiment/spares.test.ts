import { manifest } from "@crlab/shared";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fakeBoot } from "./fake-guest.js";
import type { BootGuest } from "./guest-port.js";
import { type SpareSettings, Spares } from "./spares.js";

const usual = manifest.parse({});
let calls: string[];
let booted: string[];
let spares: Spares;
let room: number;
let visitors: number;

beforeEach(() => {
  calls = [];
  booted = [];
  room = 8;
  visitors = 1;
});
afterEach(() => spares.close());

function open(settings: Partial<SpareSettings> = {}): Spares {
  const fake = fakeBoot(calls);
  const boot: BootGuest = (...args) => {
    booted.push(args[1]);
    return fake(...args);
  };
  spares = new Spares(boot, { count: 2, idleMs: 600_000, isCurrent: async () => true, ...settings });
  spares.room = () => room;
  spares.visitors = () => visitors;
  return spares;
}
const standing = (n: number) => vi.waitFor(() => expect(spares.list()).toHaveLength(n), { timeout: 10_000 });
const did = (what: string) => calls.filter((call) => call.startsWith(what)).length;

describe("guests that stand by", () => {
  it("are handed out once each, and others take their places", async () => {
    open();
    await standing(2);
    const [one, two] = [await spares.boot(usual, "first"), await spares.boot(usual, "second")];
    expect(one).not.toBe(two);
    expect(did("take up spare-")).toBe(2);
    // Neither was booted for who got it.
    expect(booted.every((name) => name.startsWith("spare-"))).toBe(true);
    await standing(2);
    expect(new Set(booted).size).toBe(4);
  });

  it("are for those who want a guest like them, and a new one", async () => {
    open({ count: 1 });
    await standing(1);
    for (const [name, ...how] of [
      ["disk", { disk: "left" }],
      ["fresh", { fresh: true }],
    ] as const)
      await spares.boot(usual, name, ...how);
    for (const [name, change] of Object.entries({
      mem: { memMiB: 1024 },
      cpus: { cpus: 1 },
      kernel: { kernel: "base" },
    }))
      await spares.boot({ ...usual, ...change }, name);
    expect(booted.slice(1)).toEqual(["disk", "fresh", "mem", "cpus", "kernel"]);
    expect(spares.list()).toHaveLength(1);
  });

  it("go when others need their room, or nobody has visited for long", async () => {
    open({ idleMs: 400 });
    await standing(2);
    room = 1;
    await spares.boot({ ...usual, memMiB: 1024 }, "large");
    expect(spares.list()).toHaveLength(1);
    room = 0;
    await standing(0);
    expect(did("discard spare-")).toBe(2);
    room = 8;
    await standing(2);
    visitors = 0;
    await standing(0);
  });

  it("are not made while something is measured or runs, nor before anybody comes", async () => {
    open();
    visitors = 0;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(booted).toEqual([]);
    visitors = 1;
    spares.quiet = () => false;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(booted).toEqual([]);
    spares.quiet = () => true;
    await standing(2);
  });

  it("are not given to anybody once their kernel is another", async () => {
    let current = true;
    open({ isCurrent: async () => current });
    await standing(2);
    current = false;
    await spares.boot(usual, "new");
    expect(booted.at(-1)).toBe("new");
    expect(did("take up")).toBe(0);
    expect(did("discard spare-")).toBe(2);
  });

  it("are not given to anybody if their kernel has complained", async () => {
    const fake = fakeBoot(calls);
    const boot: BootGuest = async (asked, name, how) => {
      booted.push(name);
      const text = name.startsWith("spare-") ? "[    1.5] WARNING: CPU: 1 PID: 0 at kernel/time/hrtimer.c:1056\n" : "";
      return Object.assign(await fake(asked, name, how), { serial: { text } });
    };
    spares = new Spares(boot, { count: 1, idleMs: 600_000, isCurrent: async () => true });
    spares.room = () => room;
    spares.visitors = () => visitors;
    await standing(1);
    await spares.boot(usual, "new");
    expect(booted).toContain("new");
    expect(did("take up")).toBe(0);
    expect(did("discard spare-")).toBe(1);
  });

  it("end with the lab", async () => {
    open();
    await standing(2);
    await spares.close();
    expect(spares.list()).toEqual([]);
    expect(did("discard spare-")).toBe(2);
  });

  it("keep nobody waiting for one that is just being made when the lab closes", async () => {
    const fake = fakeBoot(calls);
    const begun = vi.fn();
    // It comes after everybody else on its host, who never rest.
    const boot: BootGuest = async (asked, name, how) => {
      begun();
      await how?.background;
      return fake(asked, name, how);
    };
    spares = new Spares(boot, { count: 1, idleMs: 600_000, isCurrent: async () => true });
    spares.room = () => room;
    spares.visitors = () => visitors;
    await vi.waitFor(() => expect(begun).toHaveBeenCalled(), { timeout: 10_000 });
    await spares.close();
    expect(did("discard spare-")).toBe(1);
    expect(spares.list()).toEqual([]);
  });
});
