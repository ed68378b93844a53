import { describe, expect, it } from "vitest";
import { dumpStatistics } from "./criu-stats.js";

/** A file of statistics around a message of a dump. */
function file(dump: number[]): Buffer {
  const message = Buffer.from([0x0a, dump.length, ...dump]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(message.length);
  return Buffer.concat([Buffer.alloc(8, 0x55), length, message]);
}

describe("dumpStatistics", () => {
  it("reads frozen time and pages written", () => {
    // freezing_time 3, frozen_time 300, pages_written 65541
    expect(dumpStatistics(file([0x08, 3, 0x10, 0xac, 0x02, 0x38, 0x85, 0x80, 0x04]))).toEqual({
      frozenUs: 300,
      pagesWritten: 65541,
    });
  });
  it("refuses what is cut off", () => {
    expect(() => dumpStatistics(file([0x10, 0xac]))).toThrow("too early");
  });
  it("refuses another file", () => {
    expect(() => dumpStatistics(Buffer.from("hello"))).toThrow("no statistics");
  });
});
