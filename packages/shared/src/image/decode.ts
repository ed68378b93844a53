/** One record by itself: what somebody has looked at of an image, which may be less than all of it. */
import { Cursor } from "./cursor.js";
import { RECORD_HEAD_BYTES } from "./place.js";
import { type Fields, PAGES, recordTypes } from "./records.js";

/** The fields of a record that begins where `bytes` do; null: of an unknown kind, or cut short before their end. */
export function decodeRecord(bytes: Uint8Array): Fields | null {
  try {
    const head = new Cursor(bytes);
    const type = head.u32();
    head.skip(4); // objref
    const body = bytes.subarray(RECORD_HEAD_BYTES, RECORD_HEAD_BYTES + head.number());
    return recordTypes.get(type)?.decode(new Cursor(type === PAGES ? withoutPayload(body) : body)) ?? null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const withoutPayload = (body: Uint8Array): Uint8Array => body.subarray(0, 16 + 16 * new Cursor(body).u32());
