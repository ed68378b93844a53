import { spawnSync } from "node:child_process";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProcessInfo } from "@crlab/shared";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repoRoot } from "../build/paths.js";
import { parseSample, sameTree } from "./processes.js";

/** The guest's own program, made for this host. */
const build = mkdtempSync(join(tmpdir(), "crlab-look-"));
const look = (pid: number) => spawnSync(join(build, "look"), [String(pid)], { encoding: "utf8" }).stdout;

beforeAll(() => {
  const made = spawnSync("make", ["-C", join(repoRoot, "images/look"), `BUILD=${build}`], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
});
afterAll(() => rmSync(build, { recursive: true, force: true }));

describe("process sample", () => {
  it("reads a real tree: unlinked files, their links, and what is mapped", () => {
    const path = `/tmp/crlab-sample-${process.pid}`;
    const fd = openSync(path, "w");
    rmSync(path);
    const self = parseSample(look(process.pid)).find((p) => p.pid === process.pid);
    expect(self).toMatchObject({ ppid: process.ppid, cwd: { unlinked: false } });
    expect(self?.rssBytes).toBeGreaterThan(1024 * 1024);
    expect(self?.threads).toBeGreaterThan(1);
    expect(self?.files.find((f) => f.fd === fd)).toMatchObject({
      path,
      unlinked: true,
      kind: "file",
      links: 0,
      access: "write",
    });
    expect(self?.maps?.some((m) => m.path === self.exe?.path)).toBe(true);
  });

  it("tells locks, watches and shared descriptions by what the kernel says of them", () => {
    const script = `
import ctypes, fcntl, os, sys
libc = ctypes.CDLL(None)
fd = libc.inotify_init1(0)
path = sys.argv[1]
f = open(path, "w")
libc.inotify_add_watch(fd, path.encode(), 0x200)
fcntl.lockf(f, fcntl.LOCK_EX, 10, 5)
os.unlink(path)
os.dup2(f.fileno(), 50)
sys.stdout.write(os.popen(sys.argv[2] + " " + str(os.getpid())).read())
`;
    const path = `/tmp/crlab-watched-${process.pid}`;
    const shown = spawnSync("python3", ["-c", script, path, join(build, "look")], { encoding: "utf8" });
    const files = parseSample(shown.stdout)[0]?.files ?? [];
    const held = files.filter((f) => f.path === path);
    expect(held).toHaveLength(2);
    expect(new Set(held.map((f) => f.description)).size).toBe(1);
    expect(held[0]).toMatchObject({ unlinked: true, locks: ["POSIX WRITE 5-14"] });
    const inode = held[0]?.inode ?? 0;
    expect(files.find((f) => f.kind === "inotify")?.watches).toMatchObject([
      { wd: 1, what: "inode", inode, mask: 0x200 },
    ]);
  });

  it("shows nothing of a pid that is gone, and names nonsense", () => {
    expect(parseSample(look(4194304))).toEqual([]);
    expect(() => parseSample("Q\n\n")).toThrow(/cannot be read/);
    expect(() => parseSample('[{"pid":1}]')).toThrow(/cannot be read/);
  });

  it("takes memory, state and sizes for flicker", () => {
    const file = { fd: 3, path: "/x", unlinked: false, kind: "file", bytes: 1 };
    const p: ProcessInfo = {
      ...{ pid: 10, ppid: 1, command: "counter", state: "S", threads: 1, rssBytes: 100 },
      files: [file],
    };
    expect(sameTree([p], [{ ...p, state: "R", rssBytes: 0, files: [{ ...file, bytes: 2 }] }])).toBe(true);
    expect(sameTree([p], [{ ...p, threads: 2 }])).toBe(false);
    expect(sameTree([p], [{ ...p, files: [{ ...file, unlinked: true }] }])).toBe(false);
  });
});
