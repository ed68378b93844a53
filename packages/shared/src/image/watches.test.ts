import { describe, expect, it } from "vitest";
import { Cursor } from "./cursor.js";
import { event, fanotify, inotify, watch } from "./watches.js";

/** 32-bit words, then strings that each end in NUL. */
function body(words: readonly number[], strings: readonly string[] = []): Cursor {
  const fixed = Buffer.alloc(words.length * 4);
  for (const [i, word] of words.entries()) fixed.writeUInt32LE(word >>> 0, i * 4);
  return new Cursor(Buffer.concat([fixed, ...strings.map((text) => Buffer.from(`${text}\0`))]));
}

describe("records of inotify and fanotify", () => {
  it("tells an instance and a group", () => {
    expect(inotify(body([2, 1, 5, 16384, 1000, 0]))).toEqual({
      nrWatches: 2,
      nrEvents: 1,
      nextWd: 5,
      maxEvents: 16384,
      uid: 1000,
      ownUser: 0,
    });
    expect(fanotify(body([1, 0, 0xc02, 0x8002, 0xffffffff, 0, 1, 0]))).toMatchObject({
      flags: "0xc02",
      eventFlags: "0x8002",
      maxEvents: 4294967295,
      unprivileged: 1,
    });
  });

  it("tells a watch in words", () => {
    const fields = watch(body([1, 1, 3, 0x84000002, 0, 0o100644, 77, 0, 2049, 0, 9, 6], ["/r/.ckpt-1", "/data/a"]));
    expect(fields).toEqual({
      object: "inode",
      flags: ["relinked"],
      wd: 3,
      mask: ["modify", "excl_unlink", "oneshot"],
      ignoreMask: [],
      mode: 0o100644,
      ino: "77",
      dev: "2049",
      generation: 9,
      mnt: 6,
      path: "/r/.ckpt-1",
      path2: "/data/a",
    });
    expect(watch(body([3, 0x16, 0, 0x40000020, 2, 0, 0, 0, 0, 0, 0, 0], ["/", ""]))).toMatchObject({
      object: "filesystem",
      flags: ["evictable", "surv_modify", "0x10"],
      mask: ["open", "isdir"],
      ignoreMask: ["modify"],
    });
  });

  it("tells an event in words, and the one bit that means two things", () => {
    const words = [1, 0, 0x8000, 7, 42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    expect(event(body(words, ["name", "", "", "", ""]))).toMatchObject({
      kind: "inotify",
      mask: ["ignored"],
      wd: 7,
      cookie: 42,
      name: "name",
    });
    const error = [6, 0, 0x8000, 0, 0, 12, 5, 0, -5, 2, 1, -1, 0, 0, 1, 0, 0, 0, 0, 0];
    expect(event(body(error, ["", "", "", "", "0a0b0c0d"]))).toMatchObject({
      kind: "error",
      mask: ["fs_error"],
      pid: 12,
      pidStartNs: "5",
      error: -5,
      errorCount: 2,
      fsid: ["0x1", "0xffffffff"],
      handleTypes: [0, 0, 1],
      fileHandle: "0a0b0c0d",
    });
  });
});
