import { describe, expect, it } from "vitest";
import { readZones, writeZones } from "./zones";

describe("zones", () => {
  it("reads what it wrote", () => {
    expect(readZones(writeZones({ stepsPx: 300, inspectorPx: 500 }))).toEqual({ stepsPx: 300, inspectorPx: 500 });
  });
  it.each([undefined, "", "x", "1.2", "300", "300.500.1"])("has none for %s", (value) => {
    expect(readZones(value)).toBeNull();
  });
  it("keeps every zone usable", () => {
    expect(readZones("10.9999")).toEqual({ stepsPx: 240, inspectorPx: 760 });
  });
});
