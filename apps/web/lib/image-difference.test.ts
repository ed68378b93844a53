import type { ImageDigest } from "@crlab/shared";
import { expect, test } from "vitest";
import { differences } from "./image-difference";

type Mapping = ImageDigest["spaces"][number]["mappings"][number];
const mapping = (start: string, pages: number, name: string, written: number): Mapping => ({
  ...{ start, pages, name, access: "rw-", kind: "anon", offset: 0 },
  runs: written === 0 ? [] : [[0, written, 1]],
});
const process = (pid: number, more: object = {}) => ({
  ...{ pid, ppid: 1, name: "log", threads: 1, cwd: "/" },
  fds: [{ fd: 3, file: 7, cloexec: false }],
  ...more,
});
const image = (more: Partial<ImageDigest> = {}): ImageDigest => ({
  ...{ complete: true, problem: null, totals: [], records: [], leftOut: 0 },
  spaces: [{ objref: 2, pids: [5], mappings: [mapping("0x1000", 4, "heap", 4)] }],
  processes: [process(5)],
  files: [{ objref: 7, what: "/tmp/log", pos: 10, flags: "0x8002" }],
  ...more,
});
const found = (after: Partial<ImageDigest>, before: Partial<ImageDigest> = {}) =>
  differences(image(before), image(after)).map(({ of, rows }) => [
    of,
    ...rows.map((r) => `${r.what}: ${r.before} -> ${r.after}`),
  ]);

test("alike images differ in nothing, whatever their objects' numbers", () => {
  expect(found({})).toEqual([]);
  expect(
    found({
      processes: [process(5, { fds: [{ fd: 3, file: 9, cloexec: false }] })],
      files: [{ objref: 9, what: "/tmp/log", pos: 10, flags: "0x8002" }],
    }),
  ).toEqual([]);
});

test("a descriptor that leads elsewhere, has moved on, came, or went, is named with its process", () => {
  const files = (what: string, pos: number | string, flags = "0x8002") => ({
    files: [{ objref: 7, what, pos, flags }],
  });
  expect(found(files("/tmp/log", 4096))).toEqual([["Descriptors", "fd 3 of 5, /tmp/log: position: 10 -> 4,096"]]);
  expect(found(files("/tmp/log", "9223372036854771713"), files("/tmp/log", "9223372036854771712"))).toEqual([
    ["Descriptors", "fd 3 of 5, /tmp/log: position: 9,223,372,036,854,771,712 -> 9,223,372,036,854,771,713"],
  ]);
  expect(found(files("/tmp/log, unlinked", 20))).toEqual([
    ["Descriptors", "fd 3 of 5: /tmp/log -> /tmp/log, unlinked"],
  ]);
  expect(found(files("/tmp/log", 10, "0x8402"))).toEqual([
    ["Descriptors", "fd 3 of 5, /tmp/log: flags: 0x8002 -> 0x8402"],
  ]);
  const fds = [{ fd: 4, file: 7, cloexec: false }];
  expect(found({ processes: [process(5, { fds })] })).toEqual([
    ["Descriptors", "fd 3 of 5: /tmp/log -> –", "fd 4 of 5: – -> /tmp/log"],
  ]);
});

test("processes that came and went, and what has changed of those in both", () => {
  expect(found({ processes: [process(5), process(6, { name: "child", fds: [] })] })).toEqual([
    ["Processes", "pid 6: – -> child"],
  ]);
  expect(found({ processes: [process(5, { threads: 3, cwd: "/tmp" })] })).toEqual([
    ["Processes", "pid 5 log, threads: 1 -> 3", "pid 5 log, directory: / -> /tmp"],
  ]);
});

test("a heap that has grown is one row; pages are counted for each process of a tree", () => {
  const space = (pid: number, ...mappings: Mapping[]) => ({ objref: pid, pids: [pid], mappings });
  expect(
    found(
      { spaces: [space(5, mapping("0x1000", 6, "heap", 1))] },
      { spaces: [space(5, mapping("0x2000", 4, "heap", 4))] },
    ),
  ).toEqual([
    ["Mappings", "heap: rw-, 4\u00a0pages -> rw-, 6\u00a0pages"],
    ["Pages in the image", "heap: 4 -> 1"],
  ]);
  const anon = (written: number) => mapping("0x9000", 4, "anon", written);
  expect(
    found({ spaces: [space(5, anon(1)), space(6, anon(2))] }, { spaces: [space(5, anon(0)), space(6, anon(2))] }),
  ).toEqual([["Pages in the image", "0x9000 anon of 5: – -> 1"]]);
});

test("an image of an older log, without processes, is compared by the rest", () => {
  const { processes: _, files: __, ...older } = image();
  const totals = [{ type: "FILE", records: 2, bytes: 300 }];
  expect(differences(older, { ...older, totals })).toEqual([
    { of: "Records", rows: [{ what: "FILE", before: "–", after: "2 (300\u00a0B)" }] },
  ]);
});
