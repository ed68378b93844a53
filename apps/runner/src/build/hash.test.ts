import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hashTree } from "./hash.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "crlab-hash-"));
  mkdirSync(join(dir, "fs"));
  writeFileSync(join(dir, "fs/open.c"), "one");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const path = () => join(dir, "fs/open.c");
/** Long enough ago that nobody may still be writing. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 250));

test("a change is seen, at once and later, whatever its time is said to be", async () => {
  const first = hashTree(dir);
  writeFileSync(path(), "two");
  const second = hashTree(dir);
  expect(second).not.toBe(first);
  await settle();
  expect(hashTree(dir)).toBe(second);
  const { atime, mtime } = statSync(path());
  writeFileSync(path(), "six");
  utimesSync(path(), atime, mtime);
  expect(hashTree(dir)).not.toBe(second);
  writeFileSync(path(), "one");
  expect(hashTree(dir)).toBe(first);
});

test("names and who may execute count, droppings do not", async () => {
  const before = hashTree(dir);
  await settle();
  writeFileSync(join(dir, "fs/.open.c.swp"), "x");
  expect(hashTree(dir)).toBe(before);
  writeFileSync(path(), "one", { mode: 0o755 });
  writeFileSync(join(dir, "fs/read.c"), "");
  expect(hashTree(dir)).not.toBe(before);
});
