import { expect, test } from "vitest";
import { digest } from "./digest.js";

const head = (offset: number, type: string, objref: number, len: number, more: object = {}) => ({
  ...{ offset, type, objref, len },
  ...more,
});

test("an image's digest tells its spaces, and which pages of each mapping it has", () => {
  const d = digest({
    complete: true,
    problem: null,
    records: [
      head(0, "HEADER", 0, 144, { version: 2, nrTasks: 1, release: "6.12" }),
      head(160, "FILE", 1, 20, { kind: "path", path: "/bin/x" }),
      head(200, "MM", 2, 512, { nrVmas: 3, startBrk: "0x5000", brk: "0x6000", startStack: "0x9000" }),
      head(700, "VMA", 2, 40, { start: "0x1000", end: "0x3000", kind: "file", flags: ["read", "exec"], object: 1 }),
      head(760, "VMA", 2, 40, { start: "0x5000", end: "0x7000", kind: "anon", flags: ["read", "write"], object: 0 }),
      head(800, "VMA", 2, 40, { start: "0x7000", end: "0xa000", kind: "anon", flags: ["read", "write"], object: 0 }),
      // One extent over two mappings that touch.
      head(900, "PAGES", 2, 4096, {
        ...{ nrExtents: 2, nrPages: 3 },
        extents: [
          { addr: "0x2000", nr: 1, kind: "parent" },
          { addr: "0x6000", nr: 2, kind: "data" },
        ],
      }),
      head(5100, "PROCESS", 0, 312, { tgid: 77, mm: 2, nrThreads: 1 }),
    ],
  });
  expect(d.spaces).toHaveLength(1);
  expect(d.spaces[0]).toMatchObject({ objref: 2, pids: [77] });
  expect(d.spaces[0]?.mappings.map(({ name, pages, access, runs }) => ({ name, pages, access, runs }))).toEqual([
    { name: "/bin/x", pages: 2, access: "r-x", runs: [[1, 1, 3]] },
    { name: "heap", pages: 2, access: "rw-", runs: [[1, 1, 1]] },
    { name: "stack", pages: 3, access: "rw-", runs: [[0, 1, 1]] },
  ]);
  expect(d.totals).toContainEqual({ type: "VMA", records: 3, bytes: 168 });
  expect(d.records.find((r) => r.type === "FILE")?.text).toBe("path /bin/x");
});

test("an image's digest tells its processes, and what their descriptors lead to", () => {
  const file = (objref: number, kind: string, path: string, more: object = {}) =>
    head(objref * 100, "FILE", objref, 168, { kind, path, path2: "", pos: "0", flags: "0x8000", ...more });
  const d = digest({
    complete: true,
    problem: null,
    records: [
      head(0, "TASKS", 0, 64, {
        tasks: [
          { pid: 77, ppid: 1 },
          { pid: 78, ppid: 77 },
        ],
      }),
      file(1, "path", "/tmp"),
      file(2, "relinked", "/.ckpt/3", { path2: "/tmp/x", pos: "512" }),
      file(3, "pipe", ""),
      // No number can say it.
      file(10, "path", "/proc/77/mem", { pos: "9223372036854771713" }),
      file(4, "path", "/bin/x"),
      head(500, "FILES", 5, 32, {
        fds: [
          { fd: 0, file: 3, cloexec: 0 },
          { fd: 7, file: 2, cloexec: 1 },
          { fd: 8, file: 10, cloexec: 0 },
        ],
      }),
      head(600, "FS", 6, 16, { umask: 18, cwd: 1, root: 1 }),
      head(700, "PROCESS", 0, 312, { tgid: 77, mm: 9, files: 5, fs: 6, nrThreads: 2 }),
      head(800, "THREAD", 0, 168, { pid: 77, comm: "x" }),
    ],
  });
  expect(d.processes).toEqual([
    {
      ...{ pid: 77, ppid: 1, name: "x", threads: 2, cwd: "/tmp" },
      fds: [
        { fd: 0, file: 3, cloexec: false },
        { fd: 7, file: 2, cloexec: true },
        { fd: 8, file: 10, cloexec: false },
      ],
    },
  ]);
  expect(d.files).toEqual([
    { objref: 2, what: "/tmp/x, unlinked", pos: 512, flags: "0x8000" },
    { objref: 3, what: "pipe", pos: 0, flags: "0x8000" },
    { objref: 10, what: "/proc/77/mem", pos: "9223372036854771713", flags: "0x8000" },
  ]);
});

test("too much is left out, and said", () => {
  const extents = Array.from({ length: 9000 }, (_, i) => ({
    addr: `0x${(i * 8192).toString(16)}`,
    nr: 1,
    kind: "data",
  }));
  const d = digest({
    complete: false,
    problem: { text: "truncated", offset: 9 },
    records: [
      head(0, "MM", 1, 512, {}),
      head(10, "VMA", 1, 40, { start: "0x0", end: "0x10000000", kind: "anon", flags: [], object: 0 }),
      head(20, "PAGES", 1, 0, { extents }),
    ],
  });
  expect(d.spaces[0]?.mappings[0]?.runs).toHaveLength(8000);
  expect(d.leftOut).toBe(1000);
  expect(d.problem).toEqual({ text: "truncated", offset: 9 });
});
