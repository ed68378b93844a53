import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { allAnnotations, annotationsOf, coveragePage } from "./annotations.js";

const root = join(import.meta.dirname, "../..");
const selftests = join(root, "kernel/selftests");
const cases = join(root, "images/programs/cases");

test("docs/coverage.md is what the selftests say; if not: npm run -s coverage", () => {
  expect(readFileSync(join(root, "docs/coverage.md"), "utf8")).toBe(coveragePage(allAnnotations(selftests, cases)));
});

test("an annotation names a room, a resource and a verdict", () => {
  expect(
    annotationsOf("t", "/* covers: Tasks | zombies | supported */\n * covers: Time | x | refused by name\n"),
  ).toEqual([
    { room: "Tasks", resource: "zombies", verdict: "supported", test: "t" },
    { room: "Time", resource: "x", verdict: "refused by name", test: "t" },
  ]);
  expect(() => annotationsOf("t", "/* covers: Tasks | zombies */")).toThrow(/t:/);
  expect(() => annotationsOf("t", "/* covers: Tasks | zombies | perhaps */")).toThrow(/t:/);
});

test("every test that is named is built and run", () => {
  const makefile = readFileSync(join(selftests, "Makefile"), "utf8");
  const built = /TESTS := ([\s\S]*?[^\\])\n/.exec(makefile)?.[1]?.split(/[\s\\]+/) ?? [];
  for (const { test } of allAnnotations(selftests, cases)) {
    const [name = ""] = test.split(" ");
    expect(existsSync(join(selftests, `${name}.c`))).toBe(true);
    expect(built).toContain(name);
  }
});
