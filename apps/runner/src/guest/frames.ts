/** The guest channel's frames; images/agent/wire.h is the other end, docs/guest-channel.md explains. */
const WIRE_VERSION = 2;
const HEADER_BYTES = 12;
/** The agent sends no larger payload; what claims to be larger is not from it. */
export const MAX_RECEIVED_PAYLOAD = 64 * 1024;
/** The agent takes no larger payload. */
const MAX_SENT_PAYLOAD = 1024 * 1024;
/** Of what is sent into a stream, in one frame. */
export const MAX_DATA = 64 * 1024;
/** What may be sent into a stream before the agent grants more. */
export const INPUT_WINDOW = 1024 * 1024;

export const Channel = { input: 0, output: 1, errors: 2 } as const;

export const FrameType = {
  hello: 1,
  ping: 2,
  exec: 3,
  terminal: 4,
  resize: 5,
  signal: 6,
  close: 7,
  readFile: 8,
  writeFile: 9,
  watch: 10,
  setClock: 11,
  addEntropy: 12,
  shutdown: 13,
  data: 32,
  eof: 33,
  window: 34,
  ready: 64,
  pong: 65,
  started: 66,
  exited: 67,
  done: 68,
  error: 69,
} as const;

const MARK = Buffer.from("\x00\xffcrlab-agent\r\n\x1a", "latin1");

export interface Frame {
  type: number;
  channel: number;
  stream: number;
  payload: Buffer;
}

export function encodeFrame(type: number, stream: number, payload: Uint8Array = Buffer.alloc(0), channel = 0): Buffer {
  if (payload.length > MAX_SENT_PAYLOAD) throw new RangeError(`a frame of ${payload.length} bytes is too large`);
  const frame = Buffer.alloc(HEADER_BYTES + payload.length);
  frame.writeUInt32LE(payload.length, 0);
  frame.writeUInt8(type, 4);
  frame.writeUInt8(channel, 5);
  frame.writeUInt32LE(stream, 8);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

export const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

export const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};

/** A string on the wire: length, bytes, NUL. */
export function wireString(text: string): Buffer {
  if (text.includes("\0")) throw new RangeError("a string for the guest contains a NUL character");
  const bytes = Buffer.from(text, "utf8");
  return Buffer.concat([u32(bytes.length), bytes, Buffer.from([0])]);
}

export function wireStrings(texts: readonly string[]): Buffer {
  return Buffer.concat([u32(texts.length), ...texts.map(wireString)]);
}

export function helloFrame(): Buffer {
  return encodeFrame(FrameType.hello, 0, Buffer.concat([MARK, u16(WIRE_VERSION)]));
}

/** Cuts a byte stream into frames. Throws on what cannot be one: the guest is not to be trusted. */
export class FrameParser {
  #parts: Buffer[] = [];
  #length = 0;

  push(bytes: Buffer): Frame[] {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    const frames: Frame[] = [];
    if (this.#length < HEADER_BYTES) return frames;
    let all = this.#parts.length === 1 ? bytes : Buffer.concat(this.#parts, this.#length);
    while (all.length >= HEADER_BYTES) {
      const length = all.readUInt32LE(0);
      const channel = all.readUInt8(5);
      if (length > MAX_RECEIVED_PAYLOAD || channel > Channel.errors || all.readUInt16LE(6) !== 0)
        throw new RangeError(`malformed frame from the guest: length ${length}, type ${all.readUInt8(4)}`);
      if (all.length < HEADER_BYTES + length) break;
      const payload = all.subarray(HEADER_BYTES, HEADER_BYTES + length);
      frames.push({ type: all.readUInt8(4), channel, stream: all.readUInt32LE(8), payload });
      all = all.subarray(HEADER_BYTES + length);
    }
    this.#parts = all.length === 0 ? [] : [all];
    this.#length = all.length;
    return frames;
  }
}
