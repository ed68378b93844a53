import { describe, expect, it } from "vitest";
import { formatFileError, parseExperimentFile } from "./parse.js";

const errors = (text: string) => {
  const parsed = parseExperimentFile(text, "x.yaml");
  return parsed.ok ? [] : parsed.errors.map(formatFileError);
};

describe("parseExperimentFile", () => {
  it("fills in what a file leaves out", () => {
    const parsed = parseExperimentFile("title: T\nsteps:\n  - kind: boot\n", "x.yaml");
    expect(parsed).toMatchObject({
      ok: true,
      file: { title: "T", kernel: "cr", memMiB: 512, steps: [{ kind: "boot" }] },
    });
  });

  it.each([
    ["title: T\nmemMiB: lots\nsteps: [{kind: boot}]", 'x.yaml:2:1: memMiB: "lots" is not a number'],
    ["title: T\nmemMiB: 1\nsteps: [{kind: boot}]", "x.yaml:2:1: memMiB: 1: at least 128 needed"],
    [
      "title: T\nkernel: My own\nsteps: [{kind: boot}]",
      'x.yaml:2:1: kernel: "My own": small letters, digits, . _ - (at most 24)',
    ],
    [
      "title: T\nsteps:\n  - kind: boot\n  - kind: jump",
      'x.yaml:4:5: steps[1].kind: unknown step "jump"; allowed: boot, reboot, start,',
    ],
    [
      "title: T\nsteps:\n  - kind: kill\n    taget: x",
      "x.yaml:4:5: steps[0].taget: unknown field; allowed: kind, target, note",
    ],
    ["title: T\nsteps:\n  - kind: start", "x.yaml:3:5: steps[0]: give one of workload, command and program"],
    [
      "title: T\nengine: criu\nsteps:\n  - kind: boot\n  - { kind: checkpoint, dryRun: true }",
      "x.yaml:5:5: steps[1]: CRIU has nothing for a dry run",
    ],
    [
      "title: T\nsteps:\n  - kind: boot\n  - { kind: start, workload: countre }",
      'x.yaml:4:20: steps[1].workload: there is no workload "countre"; there are: counter,',
    ],
    [
      "title: T\nsteps:\n  - kind: boot\n  - { kind: wait, output: '(' }",
      'x.yaml:4:19: steps[1].output: "(" is not a regular expression',
    ],
    [
      'title: T\nsteps:\n  - kind: run\n    command: [echo, "a\\0b"]',
      'x.yaml:4:21: steps[0].command[1]: "a\\u0000b": no word holds a zero byte',
    ],
    ["title: &a [*a]\nsteps: [{kind: boot}]", "x.yaml:1:1: title: what holds itself, by an alias, is not a text"],
    ['title: "\\e[2J"\nsteps: [{kind: boot}]', 'title: "\\u001b[2J": without control characters'],
    ["steps: [{kind: boot}]", "x.yaml:1:1: title: missing; a text is needed"],
    ["title: [", "not YAML"],
    ["title: T\ntitle: U\nsteps: [{kind: boot}]", "x.yaml:2:1: not YAML: Map keys must be unique"],
    ["", "is not a map of fields"],
  ])("says file, line, field and what is allowed: %j", (text, expected) => {
    expect(errors(text).join("\n")).toContain(expected);
  });

  it("says all that is wrong at once", () => {
    expect(errors("title: T\nmemMiB: 1\nsteps:\n  - 7\n  - { kind: start, workload: countre }")).toEqual([
      expect.stringMatching(/:2:1: memMiB/),
      expect.stringMatching(/:4:5: steps\[0\]/),
      expect.stringMatching(/:5:20: steps\[1\]\.workload: there is no workload/),
    ]);
  });

  it("refuses what is nested beyond all reason, in a few words", () => {
    const nested = errors(`title: ${"[".repeat(100_000)}`);
    expect(nested[0]).toMatch(/^x\.yaml:1:\d+: not YAML: nested too deep$/);
    expect(nested).toHaveLength(50);
    expect(errors(`title: T\nsteps: [${"{kind: jump},".repeat(400)}]`)).toHaveLength(50);
  });

  it("refuses what blows up: aliases of aliases, and size", () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefgh"
      .split("")
      .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${"abcdefg"[i]}`)}]`)
      .join("\n")}`;
    expect(errors(bomb)[0]).toContain("not YAML");
    expect(errors(`title: ${"x".repeat(300_000)}`)[0]).toContain("larger than");
  });
});
