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
