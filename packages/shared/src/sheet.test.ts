import { describe, expect, it } from "vitest";
import type { LogEvent } from "./events.js";
import { experimentFile } from "./experiment-file.js";
import { foldAll } from "./fold.js";
import { cameOut, sheetOf } from "./sheet.js";
import { fileAtPoint } from "./sweep.js";
import { emptyView } from "./view.js";

const file = experimentFile.parse({
  ...{ title: "T", question: "Why?", watch: "the inode", expected: "the same one" },
  steps: [{ kind: "boot", note: "First of all." }, { kind: "kill" }],
});
const { title, steps, sweep: _, kernel, image, memMiB, cpus, accel, network, engine } = file;
const manifest = { kernel, image, memMiB, cpus, accel, network, engine };
const created: LogEvent = {
  ...{ seq: 1, atMs: 0, type: "experiment.created", logVersion: 1, title, manifest, plan: steps },
  ...{ createdAt: "2026-01-02T03:04:05.678Z", ...sheetOf(file) },
};

describe("a lab sheet", () => {
  it("goes from the file to the log, and to each point of a sweep", () => {
    expect(sheetOf(foldAll([created]))).toEqual({ question: "Why?", watch: "the inode", expected: "the same one" });
    expect(sheetOf(emptyView)).toEqual({});
    const swept = experimentFile.parse({ ...file, sweep: { over: { memMiB: [256, 512] } } });
    expect(fileAtPoint(swept, { memMiB: 256 })).toMatchObject({ ...sheetOf(file), memMiB: 256, steps });
  });

  it("says what came out as soon as something has: a failure before the end", () => {
    const view = foldAll([created]);
    expect(cameOut(view)).toEqual([]);
    const step = { kind: "kill" } as const;
    const failed = foldAll(
      [
        { seq: 2, atMs: 1, type: "step.started", stepNo: 1, step, planned: true },
        { seq: 3, atMs: 2, type: "step.failed", stepNo: 1, ms: 1, error: { code: "x", message: "there is none" } },
      ],
      undefined,
      view,
    );
    expect(cameOut(failed)).toEqual(["fail: step 1 (kill) failed: there is none"]);
  });
});
