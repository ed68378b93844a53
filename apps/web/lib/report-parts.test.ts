import { emptyView, report as reportOf } from "@crlab/shared";
import { expect, it } from "vitest";
import { reportParts } from "./report-parts.js";

const report = `A title
=======

A process holds a file that has no name any more. Does it come back with
the same file in its hand?

kernel  6.12.1 (cr, patch set 0123456789ab, config 0123456789ab, with a
        change)
image   0123456789ab, of which more is said here than there is room for,
        and more
qemu    7.2.22-and-so-on, tcg, 2 CPUs, 512 MiB, and as much as there is
accel   tcg

  #  step                                         state             time
------------------------------------------------------------------------
  1  boot                                         ok              1.26 s
  2  run a-command-that-is-rather-longer-than-..  ok              338 ms
`;

it("knows lines that only the width of the report ended from those that end by themselves", () => {
  const parts = reportParts(report);
  expect(parts.map(({ text }) => text).join("")).toBe(report);
  const before = (i: number) => parts[i - 1]?.text.split("\n").at(-1)?.slice(-12);
  expect(parts.flatMap(({ kind }, i) => (kind === "soft" ? [before(i)] : []))).toEqual([
    "me back with",
    "89ab, with a",
    "is room for,",
  ]);
  expect(parts.filter(({ kind }) => kind === "rule").map(({ text }) => text.length)).toEqual([7, 72]);
});

it("knows the lines of what an experiment ran on, as a report has them", () => {
  const print = {
    ...{ kernelVariant: "cr", kernelRelease: "6.12.117-cr", kernelHash: "99ea95ce9c2c", configHash: "5fae7055b4a5" },
    ...{ imageHash: "0640b8dc2649", qemuVersion: "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)", accel: "tcg" as const },
    ...{ accelReason: "none", cpus: 2, memMiB: 512 },
  };
  const written = reportOf({ ...emptyView, title: "T", fingerprint: print });
  expect(written.split("\n").every((line) => line.length <= 72)).toBe(true);
  expect(written).toMatch(/\nkernel {2}6.*\)\nimage {3}0640b8dc2649\nqemu {4}7/);
  expect(reportParts(written).filter(({ kind }) => kind === "soft")).toEqual([]);
});
