import { describe, expect, it } from "vitest";
import { PacedWriter } from "./paced-writer";

/** A terminal that draws `bytesPerMs`, and frames that come when they are asked to. */
function bench(bytesPerMs: number) {
  let clock = 0;
  let frame: (() => void) | undefined;
  let drawing: (() => void) | undefined;
  const written: Uint8Array[] = [];
  let drawn = 0;
  const writer = new PacedWriter({
    write: (bytes, done) => {
      written.push(bytes);
      drawing = () => {
        clock += bytes.length / bytesPerMs;
        done();
      };
    },
    onDrawn: (end) => {
      drawn = end;
    },
    nextFrame: (work) => {
      frame = work;
    },
    now: () => clock,
  });
  const take = (what: "frame" | "drawing") => {
    const work = what === "frame" ? frame : drawing;
    if (what === "frame") frame = undefined;
    else drawing = undefined;
    work?.();
    return work !== undefined;
  };
  return { writer, written, drawn: () => drawn, draw: () => take("drawing"), frame: () => take("frame") };
}

describe("output for a terminal", () => {
  it("is written at once when nothing is being drawn", () => {
    const b = bench(1000);
    for (const key of [1, 2, 3]) {
      b.writer.push(new Uint8Array([key]), key);
      expect(b.written).toHaveLength(key);
      b.draw();
    }
    expect(b.frame()).toBe(false);
    expect(b.drawn()).toBe(3);
  });

  it("comes whole and in order, a slice a frame, however much there is", () => {
    const b = bench(2000);
    const flood = Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 251);
    for (let at = 0; at < flood.length; at += 65_536) {
      const part = flood.subarray(at, at + 65_536);
      b.writer.push(part, at + part.length);
    }
    expect(b.written).toHaveLength(1);
    let frames = 0;
    while (b.draw() && b.frame()) frames++;
    expect(b.written).toHaveLength(frames + 1);
    expect(b.drawn()).toBe(flood.length);
    expect(Buffer.concat(b.written).equals(Buffer.from(flood))).toBe(true);
  });

  it("is not written once its terminal is given up", () => {
    const b = bench(2000);
    for (let i = 1; i <= 3; i++) b.writer.push(new Uint8Array(1000), i * 1000);
    b.draw();
    b.writer.stop();
    while (b.frame()) b.draw();
    b.writer.push(new Uint8Array(1000), 4000);
    expect(b.written).toHaveLength(1);
  });

  it("does not wait for frames when somebody types, until all is drawn", () => {
    const b = bench(2000);
    for (let i = 1; i <= 4; i++) b.writer.push(new Uint8Array(131_072), i * 131_072);
    b.writer.hurry();
    while (b.draw());
    expect(b.drawn()).toBe(4 * 131_072);
    expect(b.frame()).toBe(false);
    b.writer.push(new Uint8Array(131_072), 5 * 131_072);
    while (b.draw());
    expect(b.frame()).toBe(true);
  });

  it.each([
    ["slow", 500],
    ["quick", 50_000],
  ])("is cut to what a %s terminal draws in a part of a frame", (_, bytesPerMs) => {
    const b = bench(bytesPerMs);
    for (let i = 1; i <= 64; i++) b.writer.push(new Uint8Array(131_072), i * 131_072);
    while (b.draw() && b.frame());
    const ms = b.written.slice(8, -1).map((slice) => slice.length / bytesPerMs);
    expect(Math.max(...ms)).toBeLessThanOrEqual(10);
    expect(b.drawn()).toBe(64 * 131_072);
  });
});
