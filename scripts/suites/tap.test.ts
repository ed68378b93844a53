import { expect, test } from "vitest";
import { kernelTrouble } from "./console-scan.js";
import { judged } from "./suite.js";
import { readTap } from "./tap.js";

const fine = { exitCode: 0, signal: null };

test("points are counted by what they say", () => {
  const output =
    "TAP version 13\n1..4\nok 1 - one\n# a remark\nnot ok 2 - two\nok 3 three # SKIP no such thing\nok 4\n";
  expect(readTap("prog", output, fine)).toEqual({ passed: 2, skipped: 1, failures: ["prog: two"] });
});

test("a program that does not apply here counts as skipped", () => {
  const ended = { exitCode: 77, signal: null };
  expect(readTap("prog", "1..0 # SKIP the kernel is patched\n", ended)).toEqual({
    passed: 0,
    skipped: 1,
    failures: [],
  });
});

test("a plan not kept, no plan, a bail-out and a bad end are failures", () => {
  expect(readTap("prog", "1..2\nok 1\n", fine).failures).toEqual(["prog: planned 2 tests, ran 1"]);
  expect(readTap("prog", "", { exitCode: 127, signal: null }).failures).toEqual(["prog: stated no plan"]);
  expect(readTap("prog", "1..1\nok 1\n", { exitCode: null, signal: 11 }).failures).toEqual([
    "prog: ended by signal 11",
  ]);
  expect(readTap("prog", "1..1\nok 1\n", { exitCode: 3, signal: null }).failures).toEqual(["prog: exit 3"]);
  expect(readTap("prog", "1..1\nBail out! no memory\n", fine).failures).toContain("prog: Bail out! no memory");
});

test("a suite without a single test has failed", () => {
  expect(judged("unit", { passed: 0, skipped: 3, failures: [] }).failures).toEqual(["unit: ran no test"]);
});

test("the console is searched for what kernels say when they are unwell", () => {
  const text = [
    "[    0.000000] Linux version 6.12",
    "[    1.000000][  T77] BUG: KASAN: slab-use-after-free in ckpt_obj_put+0x1/0x2",
    "[    2.000000] WARNING: possible circular locking dependency detected",
    "[    2.000001] WARNING: possible circular locking dependency detected",
    "[    3.000000] random: crng init done",
    "[    4.000000] calibrate_delay_direct() failed to get a good estimate for loops_per_jiffy.",
    "[    4.100000] kasan: KernelAddressSanitizer initialized",
    "[    5.000000] Oops: general protection fault, probably for non-canonical address",
  ].join("\n");
  expect(kernelTrouble(text)).toEqual([
    "BUG: KASAN: slab-use-after-free in ckpt_obj_put+0x1/0x2",
    "WARNING: possible circular locking dependency detected",
    "Oops: general protection fault, probably for non-canonical address",
  ]);
});
