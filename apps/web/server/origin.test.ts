import { describe, expect, it } from "vitest";
import { isLoopbackHost, isSameOrigin } from "./origin.js";

describe("isSameOrigin", () => {
  it.each([
    ["http://127.0.0.1:4870", "127.0.0.1:4870", true],
    ["http://localhost:4870", "LOCALHOST:4870", true],
    ["http://127.0.0.1:4871", "127.0.0.1:4870", false],
    ["http://evil.example", "127.0.0.1:4870", false],
    ["null", "127.0.0.1:4870", false],
    ["file://127.0.0.1:4870", "127.0.0.1:4870", false],
    [undefined, "127.0.0.1:4870", false],
    ["http://127.0.0.1:4870", undefined, false],
  ])("origin %s, host %s: %s", (origin, host, expected) => {
    expect(isSameOrigin(origin, host)).toBe(expected);
  });
});

describe("isLoopbackHost", () => {
  it.each([
    ["127.0.0.1:4870", true],
    ["localhost", true],
    ["[::1]:4870", true],
    ["rebound.example:4870", false],
    ["127.0.0.1.example:4870", false],
    [undefined, false],
  ])("%s: %s", (host, expected) => {
    expect(isLoopbackHost(host)).toBe(expected);
  });
});
