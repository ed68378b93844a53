import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import type { TouchedFiles } from "./patchset.js";
import { updateTree } from "./tree.js";

const scratch = mkdtempSync(join(tmpdir(), "crlab-tree-"));
const pristine = join(scratch, "pristine");
const source = { version: "6.12.1", hash: "abc", pristine };
const before = process.env.CRLAB_CACHE;
afterAll(() => {
  if (before === undefined) delete process.env.CRLAB_CACHE;
  else process.env.CRLAB_CACHE = before;
  rmSync(scratch, { recursive: true, force: true });
});
beforeEach(() => {
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(join(pristine, "fs"), { recursive: true });
  writeFileSync(join(pristine, "fs/open.c"), "pristine");
  writeFileSync(join(pristine, "fs/read.c"), "untouched");
  process.env.CRLAB_CACHE = join(scratch, "cache");
});

const touch = (entries: Record<string, string>): TouchedFiles =>
  new Map(Object.entries(entries).map(([path, text]) => [path, Buffer.from(text)]));
const update = (entries: Record<string, string>) => updateTree("cr", source, touch(entries), () => undefined);
const read = (tree: string, path: string) => readFileSync(join(tree, path), "utf8");

test("touched files are written, the others are the pristine ones, and those stay as they are", async () => {
  const tree = await update({ "fs/open.c": "patched", "kernel/checkpoint/sys.c": "new" });
  expect([read(tree, "fs/open.c"), read(tree, "kernel/checkpoint/sys.c"), read(tree, "fs/read.c")]).toEqual([
    "patched",
    "new",
    "untouched",
  ]);
  expect(read(pristine, "fs/open.c")).toBe("pristine");
  expect(statSync(join(tree, "fs/read.c")).ino).toBe(statSync(join(pristine, "fs/read.c")).ino);
});

test("only what changes is written", async () => {
  const tree = await update({ "fs/open.c": "patched", "mm/a.c": "1" });
  const inode = statSync(join(tree, "fs/open.c")).ino;
  await update({ "fs/open.c": "patched", "mm/a.c": "2" });
  expect(statSync(join(tree, "fs/open.c")).ino).toBe(inode);
  expect(read(tree, "mm/a.c")).toBe("2");
});

test("what is no longer touched goes back to pristine, with a new time so that make sees it", async () => {
  const tree = await update({ "fs/open.c": "patched", "mm/a.c": "1" });
  await update({});
  expect(read(tree, "fs/open.c")).toBe("pristine");
  expect(statSync(join(tree, "fs/open.c")).ino).not.toBe(statSync(join(pristine, "fs/open.c")).ino);
  expect(existsSync(join(tree, "mm"))).toBe(false);
});
