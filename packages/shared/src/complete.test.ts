import { describe, expect, it } from "vitest";
import { completeFile } from "./complete.js";

/** Labels at the place of the bar. */
const at = (text: string): string[] => {
  const offset = text.indexOf("|");
  return completeFile(text.replace("|", ""), offset)?.options.map((o) => o.label) ?? [];
};

const file = (rest: string) =>
  `title: T\nsteps:\n  - kind: boot\n  - kind: start\n    name: writer\n    workload: memwriter\n${rest}`;

describe("completion", () => {
  it("offers the fields there are at the top, without those that stand there", () => {
    expect(at("title: T\n|")).toEqual(expect.arrayContaining(["question", "kernel", "memMiB", "steps", "sweep"]));
    expect(at("title: T\n|")).not.toContain("title");
    expect(at("ker|")).toContain("kernel");
    expect(at("title: T\nke|\nsteps:\n  - kind: boot\n")).not.toContain("steps");
  });

  it("offers the values of a field", () => {
    expect(at("kernel: |")).toEqual(["base", "cr", "debug"]);
    expect(completeFile("kernel: ", 8, ["cr", "mine"])?.options.map((o) => o.label)).toEqual(["cr", "mine"]);
    expect(at("accel: t|")).toContain("tcg");
    expect(at("title: |")).toEqual([]);
  });

  it("begins a step with what it does, then offers its fields", () => {
    expect(at(file("  - |"))).toContain("kind: checkpoint");
    expect(at(file("  - kind: c|"))).toContain("checkpoint");
    expect(at(file("  - kind: checkpoint\n    |"))).toEqual(
      expect.arrayContaining(["name", "mode", "tracker", "dryRun"]),
    );
    expect(at(file("  - kind: checkpoint\n    mode: full\n    |"))).not.toContain("mode");
    expect(at(file("  - kind: checkpoint\n    mode: |"))).toEqual(["full", "incremental"]);
    expect(at(file("  - kind: checkpoint\n    tracker: |"))).toContain("soft-dirty");
    expect(at(file("  - kind: checkpoint\n    kill: |"))).toEqual(["true", "false"]);
    // The fields of this step, not of the next.
    expect(at(file("  - kind: wait\n    |\n  - kind: run\n    command: [true]\n"))).toEqual([
      "target",
      "output",
      "withinS",
      "note",
    ]);
    // A list may stand as far out as its key.
    expect(at("title: T\nsteps:\n- kind: kill\n  |")).toEqual(["target", "note"]);
  });

  it("does the same in braces", () => {
    expect(at(file("  - { |"))).toContain("kind: run");
    expect(at(file("  - { kind: |"))).toContain("verify");
    expect(at(file("  - { kind: checkpoint, mo|"))).toContain("mode");
    expect(at(file("  - { kind: checkpoint, mode: |"))).toEqual(["full", "incremental"]);
  });

  it("knows workloads, and the names that steps have given", () => {
    expect(at(file("  - kind: start\n    workload: |"))).toContain("unlinked-holder");
    expect(at(file("  - kind: kill\n    target: |"))).toEqual(["writer"]);
    expect(at(file("  - { kind: checkpoint, name: c7 }\n  - kind: restore\n    checkpoint: |"))).toEqual(["c7"]);
  });

  it("knows the grid", () => {
    expect(at(file("sweep:\n  |"))).toEqual(["repeats", "over"]);
    expect(at(file("sweep:\n  over:\n    |"))).toEqual(expect.arrayContaining(["kernel", "tracker", "memMiB"]));
    expect(at(file("sweep:\n  over:\n    tracker: [scan, |"))).toContain("wp");
    expect(at(file("sweep:\n  over: { tracker: [scan, |"))).toContain("wp");
  });

  it("says where what it completes begins, and keeps out of comments", () => {
    expect(completeFile("ker", 3)?.from).toBe(0);
    expect(at("# ke|")).toEqual([]);
  });
});
