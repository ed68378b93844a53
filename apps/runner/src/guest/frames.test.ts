import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { GuestChannel, OUTPUT_WINDOW } from "./channel.js";
import {
  Channel,
  encodeFrame,
  FrameParser,
  FrameType,
  INPUT_WINDOW,
  MAX_RECEIVED_PAYLOAD,
  u32,
  wireString,
} from "./frames.js";

describe("FrameParser", () => {
  it("gives the same frames however the bytes are cut", () => {
    const bytes = Buffer.concat([
      encodeFrame(FrameType.pong, 0, Buffer.from("abc")),
      encodeFrame(FrameType.data, 7, Buffer.alloc(1000, 1), Channel.errors),
      encodeFrame(FrameType.done, 9),
    ]);
    for (const size of [1, 5, 12, 13, 999, bytes.length]) {
      const parser = new FrameParser();
      const frames = [];
      for (let at = 0; at < bytes.length; at += size) frames.push(...parser.push(bytes.subarray(at, at + size)));
      expect(frames.map((f) => [f.type, f.channel, f.stream, f.payload.length])).toEqual([
        [FrameType.pong, 0, 0, 3],
        [FrameType.data, Channel.errors, 7, 1000],
        [FrameType.done, 0, 9, 0],
      ]);
    }
  });

  it("refuses a frame that claims too much, and one with a wrong header", () => {
    const large = encodeFrame(FrameType.data, 1);
    large.writeUInt32LE(MAX_RECEIVED_PAYLOAD + 1, 0);
    expect(() => new FrameParser().push(large)).toThrow(/malformed/);
    const odd = encodeFrame(FrameType.data, 1);
    odd.writeUInt16LE(1, 6);
    expect(() => new FrameParser().push(odd)).toThrow(/malformed/);
  });
});

describe("wireString", () => {
  it("is length, bytes, NUL", () => {
    expect([...wireString("né")]).toEqual([3, 0, 0, 0, 0x6e, 0xc3, 0xa9, 0]);
  });
  it("refuses a NUL inside", () => {
    expect(() => wireString("a\0b")).toThrow(/NUL/);
  });
});

/** The other end of the port: what was sent, and a way to answer. */
class Port extends Duplex {
  readonly parser = new FrameParser();
  readonly sent: ReturnType<FrameParser["push"]> = [];
  override _read(): void {}
  override _write(bytes: Buffer, _: string, done: () => void): void {
    this.sent.push(...this.parser.push(bytes));
    done();
  }
  /** Fulfilled when what the agent said has been taken in. */
  async say(frame: Buffer): Promise<void> {
    this.push(frame);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const sentData = (port: Port) =>
  port.sent.filter((f) => f.type === FrameType.data).reduce((sum, f) => sum + f.payload.length, 0);

describe("flow control", () => {
  it("sends no more input than was granted", async () => {
    const port = new Port();
    const stream = new GuestChannel(port).open(FrameType.readFile, Buffer.alloc(0), { onError: () => undefined });
    const sent = stream.send(Buffer.alloc(INPUT_WINDOW + 1000));
    expect(sentData(port)).toBe(INPUT_WINDOW);
    await port.say(encodeFrame(FrameType.window, stream.id, u32(600)));
    expect(sentData(port)).toBe(INPUT_WINDOW + 600);
    await port.say(encodeFrame(FrameType.window, stream.id, u32(600)));
    await sent;
    expect(sentData(port)).toBe(INPUT_WINDOW + 1000);
  });

  it("grants output again as it is consumed", async () => {
    const port = new Port();
    const stream = new GuestChannel(port).open(FrameType.exec, Buffer.alloc(0), { onError: () => undefined });
    stream.consumed(Channel.output, OUTPUT_WINDOW / 4 - 1);
    expect(port.sent.some((f) => f.type === FrameType.window)).toBe(false);
    stream.consumed(Channel.output, 1);
    const grant = port.sent.find((f) => f.type === FrameType.window);
    expect(grant?.payload.readUInt32LE(0)).toBe(OUTPUT_WINDOW / 4);
  });

  it("cuts off a guest that sends more than it was granted", async () => {
    const port = new Port();
    const channel = new GuestChannel(port);
    const stream = channel.open(FrameType.exec, Buffer.alloc(0), { onError: () => undefined });
    const data = encodeFrame(FrameType.data, stream.id, Buffer.alloc(32 * 1024), Channel.output);
    for (let sent = 0; sent <= OUTPUT_WINDOW; sent += 32 * 1024) await port.say(data);
    expect(await channel.broken).toMatch(/more than it was granted/);
  });

  it("fails every stream when the guest goes", async () => {
    const port = new Port();
    const channel = new GuestChannel(port);
    const request = channel.request(FrameType.signal);
    channel.fail("gone");
    await expect(request).rejects.toMatchObject({ code: "guest-gone" });
    await expect(channel.request(FrameType.signal)).rejects.toMatchObject({ code: "guest-gone" });
  });
});
