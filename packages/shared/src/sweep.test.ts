import { describe, expect, it } from "vitest";
import { type Fingerprint, step } from "./experiment.js";
import { experimentFile } from "./experiment-file.js";
import { formatFileError, parseExperimentFile } from "./parse.js";
import { fileAtPoint, possibleAxes, sweepPoints, sweepRuns } from "./sweep.js";
import { sweepReport } from "./sweep-report.js";
import {
  type SweepRunResult,
  spread,
  sweepCsv,
  sweepMetrics,
  sweepRows,
  sweepUnlikes,
  sweptKernels,
  transitions,
} from "./sweep-result.js";

const text = (sweep: string) => `title: T
steps:
  - kind: boot
  - { kind: start, workload: memwriter }
  - { kind: checkpoint, name: full }
  - { kind: checkpoint, name: more, mode: incremental }
sweep:
${sweep}
`;
const errorsOf = (sweep: string): string[] => {
  const parsed = parseExperimentFile(text(sweep), "f");
  return parsed.ok ? [] : parsed.errors.map(formatFileError);
};
const parse = (sweep: string) => {
  const parsed = parseExperimentFile(text(sweep), "f");
  if (!parsed.ok) throw new Error(parsed.errors.map(formatFileError).join("\n"));
  return parsed.file;
};

describe("the grid", () => {
  const file = parse("  repeats: 2\n  over: { memMiB: [256, 512], tracker: [scan, wp], --rate: [100, 400] }");
  const grid = file.sweep;
  if (!grid) throw new Error("no sweep");

  it("has all points, and measures each once before any twice", () => {
    expect(sweepPoints(grid)).toHaveLength(8);
    expect(sweepPoints(grid)[1]).toEqual({ memMiB: 256, tracker: "scan", "--rate": 400 });
    const runs = sweepRuns(grid);
    expect(runs).toHaveLength(16);
    expect(runs.slice(0, 8).map((r) => r.repeat)).toEqual(Array(8).fill(0));
    expect(new Set(runs.map((r) => `${r.point} ${r.repeat}`)).size).toBe(16);
  });

  it("makes an ordinary experiment of a point", () => {
    const made = fileAtPoint(file, { memMiB: 256, tracker: "wp", "--rate": 400 });
    expect(experimentFile.parse(made)).toEqual(made);
    expect(made).toMatchObject({ title: "T: memMiB 256, tracker wp, --rate 400", memMiB: 256, kernel: "cr" });
    expect(made.sweep).toBeUndefined();
    expect(made.steps[1]).toMatchObject({ args: ["--size", "32", "--rate", "400"] });
    expect(made.steps[2]).toMatchObject({ tracker: "wp" });
    // An increment goes on with the tracker there is.
    expect(made.steps[3]).not.toHaveProperty("tracker");
  });

  it("may be of one point, which is measured again and again", () => {
    const repeated = parse("  repeats: 4");
    const own = repeated.sweep;
    if (!own) throw new Error("no sweep");
    expect(sweepRuns(own)).toHaveLength(4);
    expect(fileAtPoint(repeated, {}).title).toBe("T");
    const runs = [10, 30, 20, 40].map(
      (frozenNs, no): SweepRunResult => ({
        ...{ no, point: 0, repeat: no, experiment: `x${no}`, verdict: "pass", reason: null, invalid: null },
        ...{ fingerprint: null, figures: { "3.frozenNs": frozenNs * 1e6 } },
      }),
    );
    const report = sweepReport(repeated, runs, { total: 4 });
    expect(report).toContain("4 of 4 runs, 0 failed; nothing varied, each measured 4 times.");
    expect(report).toMatch(/^checkpoint full: frozen +25 ms +10 ms +40 ms$/m);
    expect(report).not.toContain("Nothing changes");
  });

  it("knows what may be varied", () => {
    expect(possibleAxes(file)).toMatchObject({ memMiB: [512], cpus: [2], "--size": ["32"], "--rate": ["200"] });
    expect(possibleAxes({ ...file, steps: [{ kind: "boot", kernel: "cr" }] })).toEqual({ memMiB: [512], cpus: [2] });
  });

  it("varies the engine where CRIU can be asked for all that is asked", () => {
    expect(possibleAxes(file).engine).toEqual(["kernel", "criu"]);
    const dry = step.parse({ kind: "checkpoint", dryRun: true });
    expect(possibleAxes({ ...file, steps: [...file.steps, dry] })).not.toHaveProperty("engine");
    expect(fileAtPoint(file, { engine: "criu" }).engine).toBe("criu");
    expect(errorsOf("  over: { engine: [kernel, criu] }")).toEqual([]);
    expect(errorsOf("  over: { engine: [kernel, criu], tracker: [soft-dirty] }")).toEqual([]);
    expect(errorsOf("  over: { engine: [kernel, criu], tracker: [scan] }")[0]).toMatch(
      /CRIU has nothing for the tracker scan/,
    );
    expect(errorsOf("  over: { engine: [criu], unlinked: [copy, relink] }")[0]).toMatch(/new names for files/);
  });

  it("says in its place what it cannot vary", () => {
    expect(errorsOf("  repeats: 1\n  over: {}")[0]).toMatch(/^f:9:\d+: sweep\.over: name what to vary/);
    expect(errorsOf("  over: { --speed: [1] }")[0]).toMatch(/no start step gives --speed/);
    expect(errorsOf("  over: { colour: [red] }")[0]).toMatch(/f:8:\d+: sweep\.over\.colour: nothing can be varied/);
    expect(errorsOf("  over: { tracker: [scan, magic] }")[0]).toMatch(/"magic" is not allowed; allowed: soft-dirty/);
    expect(errorsOf("  over: { memMiB: [64] }")[0]).toMatch(/at least 128/);
    expect(errorsOf("  over: { --rate: [{ a: 1 }] }")[0]).toMatch(/neither a number nor a text/);
    expect(errorsOf("  over: { --rate: [1, 1] }")[0]).toMatch(/twice/);
    expect(errorsOf("  repeats: 50\n  over: { cpus: [1, 2, 3, 4], memMiB: [256, 512, 768] }")[0]).toMatch(/600 runs/);
    expect(errorsOf("  times: 3\n  over: { cpus: [1] }")[0]).toMatch(/unknown field; allowed: repeats, over/);
  });
});

describe("what came out", () => {
  const file = parse("  repeats: 3\n  over: { tracker: [scan, wp], --rate: [100, 400] }");
  const grid = file.sweep;
  if (!grid) throw new Error("no sweep");
  const run = (no: number, point: number, frozenNs: number, more: Partial<SweepRunResult> = {}): SweepRunResult => ({
    ...{ no, point, repeat: Math.floor(no / 4), experiment: `x${no}`, verdict: "pass", reason: null, invalid: null },
    fingerprint: null,
    figures: { "4.frozenNs": frozenNs, "4.pages": 10 },
    ...more,
  });
  // wp takes twice as long at either rate; the rate itself changes nothing that is beyond the spread.
  const runs = [10, 11, 20, 21, 12, 9, 22, 20, 11, 10, 21, 23].map((ns, no) => run(no, no % 4, ns));

  it("is medians with their spread", () => {
    expect(spread([])).toBeNull();
    expect(spread([4, 1, 3, 2])).toEqual({ n: 4, median: 2.5, least: 1, most: 4 });
    expect(sweepRows(grid, runs)[0]?.figures["4.frozenNs"]).toEqual({ n: 3, median: 11, least: 10, most: 12 });
  });

  it("leaves out runs that failed or do not count, and says so", () => {
    const [first] = sweepRows(grid, [
      run(0, 0, 10),
      run(4, 0, 99, { verdict: "fail" }),
      run(8, 0, 99, { invalid: "busy host" }),
    ]);
    expect(first).toMatchObject({ passed: 1, figures: { "4.frozenNs": { n: 1, most: 10 } } });
    expect(first?.runs).toHaveLength(3);
  });

  it("shows what changes beyond the spread, outcomes first", () => {
    const metrics = sweepMetrics(file.steps, runs);
    expect(metrics.map((m) => m.step)).toEqual(["checkpoint more", "checkpoint more"]);
    const found = transitions(grid, sweepRows(grid, runs), metrics);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ axis: "tracker", from: "scan", to: "wp", in: 2, of: 2 });
    expect(found[0]?.ratio?.median).toBeCloseTo(2, 0);
    const broken = runs.map((r) => (r.point === 3 ? { ...r, verdict: "fail" as const } : r));
    const flips = transitions(grid, sweepRows(grid, broken), metrics).filter((t) => t.metric === null);
    expect(flips.map((t) => [t.axis, t.text, t.in, t.of])).toEqual([
      ["tracker", "all pass, then all fail", 1, 2],
      ["--rate", "all pass, then all fail", 1, 2],
    ]);
  });

  it("names what the runs were not alike in, axes aside", () => {
    const print: Fingerprint = {
      ...{ kernelVariant: "cr" as const, kernelRelease: "6.12", kernelHash: "a", configHash: "c", imageHash: "i" },
      ...{ qemuVersion: "7.2", accel: "tcg" as const, accelReason: "", memMiB: 512, cpus: 2 },
    };
    const other: Fingerprint = { ...print, kernelHash: "b", accel: "kvm" };
    const mixed = [run(0, 0, 1, { fingerprint: print }), run(1, 1, 1, { fingerprint: other })];
    expect(sweepUnlikes(file, mixed).map((u) => u.what)).toEqual(["accelerator", "patch set of cr"]);
    expect(sweepUnlikes(parse("  over: { memMiB: [256, 512] }"), mixed)).toHaveLength(2);
  });

  it("says of each kernel that it is over what it is", () => {
    const cr: Fingerprint = {
      ...{ kernelVariant: "cr", kernelRelease: "6.12-cr", kernelHash: "a", configHash: "c", imageHash: "i" },
      ...{ qemuVersion: "7.2", accel: "tcg" as const, accelReason: "", memMiB: 512, cpus: 2 },
    };
    const mine: Fingerprint = {
      ...{ ...cr, kernelVariant: "mine", kernelRelease: "6.12-mine", kernelHash: "b" },
      ...{ kernelOn: "cr", kernelChanges: ["fs/open.c +3 -1"] },
    };
    const over = parse("  over: { kernel: [cr, mine] }");
    const both = [run(0, 0, 1, { fingerprint: cr }), run(1, 0, 2, { fingerprint: mine })];
    expect(sweptKernels(both)).toEqual([
      { variant: "cr", text: "6.12-cr, patch set a, config c" },
      { variant: "mine", text: "6.12-mine, patch set b, config c: cr and fs/open.c +3 -1" },
    ]);
    expect(sweepUnlikes(over, both)).toEqual([]);
    expect(sweepReport(over, both, { total: 6 })).toContain(
      "kernel mine: 6.12-mine, patch set b, config c: cr and fs/open.c +3 -1",
    );
    expect(fileAtPoint(over, { kernel: "mine" }).kernel).toBe("mine");
    expect(possibleAxes(over, ["cr", "mine"]).kernel).toEqual(["cr", "mine"]);
  });

  it("fits a mailing list", () => {
    const text = sweepReport(file, runs, { total: 12, link: "http://127.0.0.1:4870/s/abc" });
    expect(text).toContain("- tracker scan -> wp: checkpoint more: frozen 2.00x (1.91x to 2.10x), in\n  2 of 2");
    expect(text).toMatch(/^tracker wp, --rate 400 +0 us/m);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(72);
  });

  it("says of a sweep that was stopped how much of it there is, and claims no spread where nothing is known of it", () => {
    const text = sweepReport(file, runs.slice(0, 5), { total: 12, stopped: "its owner stopped it" });
    expect(text.replace(/\n/g, " ")).toContain(
      "5 of 12 runs, 0 failed; 4 points, measured 1 to 2 times so far, of 3. STOPPED: its owner stopped it.",
    );
    expect(text).toContain("What changes; of points that were measured once, every difference");
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(72);
    expect(sweepReport(file, runs, { total: 12 })).toContain("4 points, each measured 3 times.");
    expect(sweepReport(file, runs, { total: 12 })).toContain("What changes beyond its spread");
  });

  it("is a table of text in which nothing is a formula", () => {
    const csv = sweepCsv(grid, [run(0, 0, 10, { reason: '=cmd("a"), b' })], sweepMetrics(file.steps, runs));
    const [head, line, end] = csv.split("\r\n");
    expect(head).toMatch(/^tracker,rate,repeat,experiment,verdict,reason,invalid,kernel_variant/);
    expect(head).toMatch(/checkpoint more: frozenNs,checkpoint more: pages$/);
    expect(line).toBe(`scan,100,1,x0,pass,"'=cmd(""a""), b",,,,,,,,,,,,10,10`);
    expect(end).toBe("");
  });
});
