import { describe, expect, it } from "vitest";
import { crc32c } from "./crc32c.js";
import { formatVersion, readImage } from "./reader.js";

/** A record: type, objref, length, body. */
function record(type: number, body: Buffer, objref = 0): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(objref, 4);
  head.writeBigUInt64LE(BigInt(body.length), 8);
  return Buffer.concat([head, body]);
}

function header(nrTasks: number): Buffer {
  const body = Buffer.alloc(144);
  body.writeBigUInt64LE(0x31474d4954504b43n, 0);
  body.writeUInt32LE(formatVersion, 8);
  body.writeUInt32LE(1, 12);
  body.writeUInt32LE(4096, 16);
  body.writeUInt32LE(nrTasks, 20);
  body.fill(0xab, 24, 40);
  body.write("6.12.0-cr", 80);
  return record(1, body);
}

function tasks(): Buffer {
  const body = Buffer.alloc(32);
  for (const [i, value] of [77, 77, 0, 77, 77, 1, 0, 17].entries()) body.writeInt32LE(value, i * 4);
  return record(2, body);
}

/** One page of payload at 0x10000, one zero page behind it. */
function pages(at: number): Buffer {
  const fixed = Buffer.alloc(16 + 32);
  const pad = (4096 - ((at + 16 + fixed.length) % 4096)) % 4096;
  for (const [i, value] of [2, 1, pad, 0].entries()) fixed.writeUInt32LE(value, i * 4);
  fixed.writeBigUInt64LE(0x10000n, 16);
  fixed.writeUInt32LE(1, 24);
  fixed.writeUInt32LE(1, 28);
  fixed.writeBigUInt64LE(0x11000n, 32);
  fixed.writeUInt32LE(1, 40);
  fixed.writeUInt32LE(2, 44);
  return record(34, Buffer.concat([fixed, Buffer.alloc(pad), Buffer.alloc(4096, 0x5a)]), 3);
}

function image(): Buffer {
  const parts = [header(1), tasks()];
  const at = parts.reduce((n, part) => n + part.length, 0);
  const memory = pages(at);
  const counted = Buffer.concat([...parts, memory.subarray(0, memory.length - 4096)]);
  const trailer = Buffer.alloc(24);
  const before = at + memory.length;
  trailer.writeBigUInt64LE(BigInt(before + 40), 0);
  trailer.writeBigUInt64LE(1n, 8);
  trailer.writeUInt32LE(crc32c(0xffffffff, counted), 16);
  trailer.writeUInt32LE(4, 20);
  return Buffer.concat([...parts, memory, record(255, trailer)]);
}

describe("readImage", () => {
  it("reads PAGES without payload, which have no pad", () => {
    const fixed = Buffer.alloc(16 + 16);
    fixed.writeUInt32LE(1, 0);
    fixed.writeBigUInt64LE(0x10000n, 16);
    fixed.writeUInt32LE(1, 24);
    fixed.writeUInt32LE(2, 28);
    const counted = Buffer.concat([header(1), tasks(), record(34, fixed, 3)]);
    const trailer = Buffer.alloc(24);
    trailer.writeBigUInt64LE(BigInt(counted.length + 40), 0);
    trailer.writeUInt32LE(crc32c(0xffffffff, counted), 16);
    trailer.writeUInt32LE(4, 20);
    expect(readImage(Buffer.concat([counted, record(255, trailer)])).problem).toBeNull();
  });

  it("lists the records of a whole image", () => {
    const listing = readImage(image());
    expect(listing.problem).toBeNull();
    expect(listing.complete).toBe(true);
    expect(listing.records.map((r) => r.type)).toEqual(["HEADER", "TASKS", "PAGES", "TRAILER"]);
    expect(listing.records[0]).toMatchObject({ imageId: "ab".repeat(16), parentId: null, release: "6.12.0-cr" });
    expect(listing.records[1]).toMatchObject({ tasks: [{ pid: 77, exitSignal: 17, flags: "0x1" }] });
    expect(listing.records[2]).toMatchObject({
      objref: 3,
      extents: [{ addr: "0x10000", nr: 1, kind: "data" }, { kind: "zero" }],
    });
    expect(listing.totals).toMatchObject({ pages: 1, zeroPages: 1, parentPages: 0, records: 4 });
  });

  it("names the place where a truncated image ends, wherever that is", () => {
    const whole = image();
    for (let length = 0; length < whole.length; length++) {
      const { complete, problem } = readImage(whole.subarray(0, length));
      expect(complete).toBe(false);
      expect(problem?.offset).toBeLessThanOrEqual(length);
    }
  });

  it("finds every flipped byte but those of page payload", () => {
    const whole = image();
    const payloadEnd = whole.length - 40;
    for (let at = 0; at < whole.length; at++) {
      if (at >= payloadEnd - 4096 && at < payloadEnd) continue;
      const copy = Buffer.from(whole);
      copy.writeUInt8(copy.readUInt8(at) ^ 0x10, at);
      expect(readImage(copy).complete, `byte ${at}`).toBe(false);
    }
  });

  it("says what is no image", () => {
    expect(readImage(Buffer.from("#!/bin/sh\necho hello\n")).problem).toEqual({
      text: "not a checkpoint image",
      offset: 0,
    });
    expect(readImage(Buffer.alloc(0)).problem).toEqual({ text: "empty", offset: 0 });
  });

  it("refuses bytes after the trailer", () => {
    expect(readImage(Buffer.concat([image(), Buffer.from("x")])).problem?.text).toMatch(/after the trailer/);
  });

  it("knows the checksum the kernel uses", () => {
    expect(crc32c(0xffffffff, Buffer.from("123456789")) ^ 0xffffffff).toBe(0xe3069283 | 0);
  });
});
