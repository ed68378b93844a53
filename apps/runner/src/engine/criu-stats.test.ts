import { describe, expect, it } from "vitest";
import { dumpStatistics } from "./criu-stats.js";

/** A file of statistics around a message of a dump, or by its key of a restore. */
function file(part: number[], key = 0x0a): Buffer {
  const message = Buffer.from([key, part.length, ...part]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(message.length);
  return Buffer.concat([Buffer.alloc(8, 0x55), length, message]);
}

describe("dumpStatistics", () => {
  it("reads frozen time, pages written and pages that the parent has", () => {
    // freezing_time 3, frozen_time 300, pages_skipped_parent 7, pages_written 65541
    expect(dumpStatistics(file([0x08, 3, 0x10, 0xac, 0x02, 0x30, 7, 0x38, 0x85, 0x80, 0x04]))).toEqual({
      frozenUs: 300,
      pagesWritten: 65541,
      pagesInParent: 7,
    });
  });
  it("refuses what is cut off", () => {
    expect(() => dumpStatistics(file([0x10, 0xac]))).toThrow("too early");
  });
  it("refuses those of a restore", () => {
    expect(() => dumpStatistics(file([0x28, 1], 0x12))).toThrow("no statistics of a dump");
  });
  it("refuses another file", () => {
    expect(() => dumpStatistics(Buffer.from("hello"))).toThrow("no statistics");
  });
});
