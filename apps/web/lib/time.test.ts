import { describe, expect, it } from "vitest";
import { formatAbout, formatAgo, formatClock } from "./time";

describe("formatClock", () => {
  it.each([
    [0, "00:00"],
    [18_400, "00:18"],
    [61_000, "01:01"],
    [3_723_000, "1:02:03"],
  ])("%d ms is %s", (ms, text) => {
    expect(formatClock(ms)).toBe(text);
  });
});

describe("formatAgo", () => {
  const now = new Date("2026-03-04T12:00:00Z");
  it.each([
    ["2026-03-04T11:59:30Z", "now"],
    ["2026-03-04T11:56:00Z", "4 min"],
    ["2026-03-04T09:00:00Z", "3 h"],
    ["2026-03-03T11:00:00Z", "yesterday"],
    ["2026-02-01T11:00:00Z", "2026-02-01"],
  ])("%s is %s", (then, text) => {
    expect(formatAgo(new Date(then), now)).toBe(text);
  });
});

describe("formatAbout", () => {
  it.each([
    [3200, "about 3 s"],
    [21_000, "about 20 s"],
    [130_000, "about 2 min"],
  ])("%d ms is %s", (ms, text) => {
    expect(formatAbout(ms)).toBe(text);
  });
});
