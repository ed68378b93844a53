import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BenchReport } from "@crlab/shared";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readReport, reportNames, saveReport } from "./reports.js";

const report = (began: string): BenchReport => ({
  version: 1,
  machine: {
    began,
    cpu: "a CPU",
    hostCpus: 2,
    loadBefore: 0.5,
    loadAfter: 1.5,
    accel: "tcg",
    guestCpus: 2,
    guestMemMiB: 6144,
    clocksource: "tsc",
    kernelRelease: "6.12.1-cr",
    kernelHash: "k",
    imageHash: "i",
    qemuVersion: "7.2",
    criuVersion: "3.17.1",
  },
  rounds: 1,
  results: [{ bench: "trivial", workload: "w", contender: "crlab", metric: "dumpNs", samples: [1] }],
  targets: [],
});

describe("reports", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "reports-"));
    vi.stubEnv("CRLAB_DATA", dir);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(dir, { recursive: true, force: true });
  });

  it("reads back what was saved, the latest first", () => {
    saveReport(report("2026-01-01T10:00:00.000Z"));
    saveReport(report("2026-01-02T10:00:00.000Z"));
    const names = reportNames();
    expect(names).toEqual(["2026-01-02T10-00-00-000Z", "2026-01-01T10-00-00-000Z"]);
    expect(readReport(names[0] ?? "")?.machine.began).toBe("2026-01-02T10:00:00.000Z");
  });

  it("reads nothing outside its folder, and nothing that is no report", () => {
    saveReport(report("2026-01-01T10:00:00.000Z"));
    writeFileSync(join(dir, "secret.json"), JSON.stringify(report("2026-01-01T10:00:00.000Z")));
    expect(readReport("../secret")).toBeUndefined();
    writeFileSync(join(dir, "bench", "2026-01-03T10-00-00-000Z.json"), "{");
    expect(readReport("2026-01-03T10-00-00-000Z")).toBeUndefined();
  });
});
