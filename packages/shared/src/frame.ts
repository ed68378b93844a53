/** Binary WebSocket frames: terminal bytes in both directions (layout: see wire.ts). */
import { EXPERIMENT_ID, TERMINAL_FRAME_HEADER_BYTES } from "./wire.js";

const FRAME_VERSION = 1;
const ID_BYTES = 16;
const ID_AT = 8;
const OFFSET_AT = ID_AT + ID_BYTES;

export interface TerminalFrame {
  experiment: string;
  terminal: number;
  /** Position of the first byte in the terminal's output; 0 in frames from the browser. */
  offset: number;
  bytes: Uint8Array;
}

export function encodeTerminalFrame(frame: TerminalFrame): Uint8Array {
  const out = new Uint8Array(TERMINAL_FRAME_HEADER_BYTES + frame.bytes.length);
  const view = new DataView(out.buffer);
  view.setUint8(0, FRAME_VERSION);
  view.setUint32(4, frame.terminal, true);
  for (let i = 0; i < Math.min(frame.experiment.length, ID_BYTES); i++) out[ID_AT + i] = frame.experiment.charCodeAt(i);
  view.setBigUint64(OFFSET_AT, BigInt(frame.offset), true);
  out.set(frame.bytes, TERMINAL_FRAME_HEADER_BYTES);
  return out;
}

/** The frame, or in words what is wrong with it. `bytes` is a view into `data`, not a copy. */
export function decodeTerminalFrame(data: Uint8Array): TerminalFrame | string {
  if (data.length < TERMINAL_FRAME_HEADER_BYTES)
    return `a terminal frame has at least ${TERMINAL_FRAME_HEADER_BYTES} bytes, this one has ${data.length}`;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (view.getUint8(0) !== FRAME_VERSION) return `frame version ${view.getUint8(0)}, expected ${FRAME_VERSION}`;
  if (view.getUint8(1) !== 0 || view.getUint16(2, true) !== 0) return "reserved bytes of the frame are not zero";
  let experiment = "";
  for (let i = ID_AT; i < OFFSET_AT && data[i] !== 0; i++) experiment += String.fromCharCode(data[i] ?? 0);
  if (!EXPERIMENT_ID.test(experiment)) return "the frame's experiment id is malformed";
  const offset = view.getBigUint64(OFFSET_AT, true);
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) return "the frame's offset is too large";
  return {
    experiment,
    terminal: view.getUint32(4, true),
    offset: Number(offset),
    bytes: data.subarray(TERMINAL_FRAME_HEADER_BYTES),
  };
}
