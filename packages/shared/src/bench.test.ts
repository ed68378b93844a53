import { describe, expect, it } from "vitest";
import { spreadOf } from "./bench.js";

describe("spreadOf", () => {
  it("takes the middle one of an odd number", () => {
    expect(spreadOf([30, 10, 20])).toEqual({ median: 20, low: 10, high: 30 });
  });
  it("takes the mean of the middle two of an even number", () => {
    expect(spreadOf([40, 10, 20, 30])).toEqual({ median: 25, low: 10, high: 40 });
  });
  it("compares numbers as numbers", () => {
    expect(spreadOf([100, 9, 10])?.median).toBe(10);
  });
  it("has nothing to say of nothing", () => {
    expect(spreadOf([])).toBeNull();
  });
});
