import { spawnSync } from "node:child_process";
import { openSync, rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseSample, sameTree, sampleCommand } from "./processes.js";

describe("process sample", () => {
  it("reads a real tree with its files, unlinked ones marked", () => {
    const path = `/tmp/crlab-sample-${process.pid}`;
    const fd = openSync(path, "w");
    rmSync(path);
    const [command = "", ...args] = sampleCommand(process.pid);
    const shown = spawnSync(command, args, { encoding: "utf8" });
    const processes = parseSample(shown.stdout);
    const self = processes.find((p) => p.pid === process.pid);
    expect(self).toMatchObject({ ppid: process.ppid });
    expect(self?.rssBytes).toBeGreaterThan(1024 * 1024);
    expect(self?.threads).toBeGreaterThan(1);
    expect(self?.files).toContainEqual({ fd, path, unlinked: true, kind: "file" });
  });

  it("shows nothing of a pid that is gone, and survives nonsense", () => {
    const [command = "", ...args] = sampleCommand(4194304);
    expect(parseSample(spawnSync(command, args, { encoding: "utf8" }).stdout)).toEqual([]);
    expect(parseSample("P\tx\ty\nF\t1\tzz\nQ\n\n")).toEqual([]);
  });

  it("takes memory and state for flicker", () => {
    const [p] = parseSample("P\t10\t1\tS\t1\t100\tcounter");
    if (!p) throw new Error("no process");
    expect(sameTree([p], [{ ...p, state: "R", rssBytes: 0 }])).toBe(true);
    expect(sameTree([p], [{ ...p, threads: 2 }])).toBe(false);
  });
});
