import { describe, expect, it } from "vitest";
import { patternTest, plainText } from "./text-watch.js";

describe("patterns", () => {
  it("match lines", () => {
    const test = patternTest("^ready, pid [0-9]+$");
    expect(test("ready, pid 12")).toBe(true);
    expect(test("not ready")).toBe(false);
  });
  it("are refused when they are none", () => {
    expect(() => patternTest("(")).toThrow("not a regular expression");
  });
  it("cannot hang the runner", () => {
    const test = patternTest("^(a+)+$");
    expect(() => test(`${"a".repeat(60)}!`)).toThrow("took more than");
  });
  it("cannot hang it line by line either", () => {
    const test = patternTest("^(a+)+$");
    const began = performance.now();
    // Each takes a part of a second.
    expect(() => {
      for (let n = 0; n < 1000; n++) test(`${"a".repeat(23)}!`);
    }).toThrow("on the lines that came");
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

it("reads text without escape sequences", () => {
  expect(plainText("\x1b[1;32mverify: ok\x1b[0m 3\r")).toBe("verify: ok 3");
});
