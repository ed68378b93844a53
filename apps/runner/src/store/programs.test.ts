import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { MAX_PROGRAM_BYTES, programEntry, step } from "@crlab/shared";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { programKind } from "./program-kind.js";
import { idOfProgram, Programs, plainName } from "./programs.js";
import { openStore, type Store } from "./store.js";

let dir: string;
let store: Store;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "crlab-programs-"));
  store = await openStore(dir, "a test");
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const script = (text: string) => Buffer.from(`#!/bin/sh\n${text}\n`);
/** A 64-bit x86 ELF header with one program header of this type. */
function elf({ header = 1, type = 2, machine = 62, at = 64n, count = 1 } = {}): Buffer {
  const bytes = Buffer.alloc(256);
  bytes.write("\x7fELF\x02\x01\x01", "latin1");
  bytes.writeUInt16LE(type, 16);
  bytes.writeUInt16LE(machine, 18);
  bytes.writeBigUInt64LE(at, 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(count, 56);
  bytes.writeUInt32LE(header, 64);
  return bytes;
}

describe("what a file is, its bytes say", () => {
  it("takes static programs, scripts and tar files", () => {
    const tar = Buffer.alloc(512);
    tar.write("ustar", 257);
    expect(programKind(elf())).toBe("program");
    expect(programKind(script("true"))).toBe("script");
    expect(programKind(tar)).toBe("tar");
    expect(programKind(gzipSync(tar))).toBe("tar.gz");
  });

  it.each([
    ["nothing", Buffer.alloc(0), /empty/],
    ["text", Buffer.from("hello"), /neither an ELF program/],
    ["another machine's program", elf({ machine: 183 }), /64-bit x86/],
    ["an object file", elf({ type: 1 }), /no program/],
    ["a dynamically linked program", elf({ header: 3 }), /linked dynamically/],
    ["headers that lie outside", elf({ at: 0xffffffffffffff00n }), /beyond its end/],
    ["more headers than there is file", elf({ count: 65535 }), /beyond its end/],
    ["only its magic", Buffer.from("\x7fELF", "latin1"), /64-bit x86/],
  ])("refuses %s by name", (_, bytes, why) => {
    expect(() => programKind(bytes)).toThrow(why);
  });
});

describe("hostile names", () => {
  it.each([
    ["../../etc/passwd", "passwd"],
    ["..\\..\\boot.ini", "boot.ini"],
    ["-rf *", "rf__"],
    ["a'; rm -rf / #", "_"],
    ["$(reboot)", "reboot_"],
    ["\0\n\x1b[31m", "31m"],
    ["", "program"],
    ["...", "program"],
    ["x".repeat(1000), "x".repeat(48)],
  ])("%j is called %j in the guest", (name, plain) => {
    const called = plainName(name);
    expect(called).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,47}$/);
    if (plain !== "_") expect(called).toBe(plain);
  });

  it("no entry leads out of its directory, and no id is a path", () => {
    for (const entry of ["/bin/sh", "../x", "a/../../x", "", "a\0b"])
      expect(programEntry.safeParse(entry).success).toBe(false);
    expect(programEntry.safeParse("bin/it..self").success).toBe(true);
    for (const program of ["../../../etc/passwd", "0".repeat(31), "G".repeat(32)])
      expect(step.safeParse({ kind: "start", program }).success).toBe(false);
    expect(step.safeParse({ kind: "start", program: "0".repeat(32), workload: "counter" }).success).toBe(false);
    expect(step.safeParse({ kind: "start", workload: "counter", entry: "x" }).success).toBe(false);
  });
});

describe("programs that are kept", () => {
  it("are named by their contents, once, and nobody may execute them", async () => {
    const bytes = script("true");
    const info = await store.programs.put("ann", "run me", bytes);
    expect(info).toEqual({ id: idOfProgram(bytes), name: "run_me", kind: "script", bytes: bytes.length });
    expect(await store.programs.put("ann", "other", bytes)).toEqual(info);
    await store.programs.put("ben", "his", bytes);
    expect(readdirSync(join(dir, "programs"))).toEqual([info.id]);
    expect(statSync(join(dir, "programs", info.id)).mode & 0o777).toBe(0o600);
    const parts: Uint8Array[] = [];
    for await (const part of (await store.programs.open(info.id)).read()) parts.push(part);
    expect(Buffer.concat(parts)).toEqual(bytes);
  });

  it("are listed for their owner alone, and go with the last who keeps them", async () => {
    const { id } = await store.programs.put("ann", "a", script("1"));
    await store.programs.put("ben", "b", script("1"));
    expect(await store.programs.list("cat")).toEqual([]);
    await store.programs.remove("cat", id);
    await store.programs.remove("ann", id);
    expect(await store.programs.list("ann")).toEqual([]);
    await expect(store.programs.open(id)).resolves.toBeDefined();
    await store.programs.remove("ben", id);
    await expect(store.programs.open(id)).rejects.toMatchObject({ named: { code: "program.unknown" } });
    await expect(store.programs.open("../crlab.db")).rejects.toMatchObject({ named: { code: "program.unknown" } });
  });

  it("have their limits", async () => {
    const big = Buffer.alloc(MAX_PROGRAM_BYTES + 1);
    await expect(store.programs.put("ann", "big", big)).rejects.toMatchObject({ named: { code: "program.oversized" } });
    const small = new Programs(store.db, dir, { ownerBytes: 60, ownerCount: 2, allBytes: 60 });
    await small.put("ann", "1", script("1"));
    await small.put("ann", "2", script("2"));
    await expect(small.put("ann", "3", script("3"))).rejects.toMatchObject({ named: { code: "program.quota" } });
    await expect(small.put("ben", "4", script("x".repeat(40)))).rejects.toMatchObject({
      named: { code: "program.quota" },
    });
    await small.put("ben", "5", script("5"));
  });
});
