/** The records of pseudo terminals. How much was typed is told, and not what. */
import { bytesToHex, type Cursor } from "./cursor.js";
import type { Fields } from "./records.js";

export function pty(c: Cursor): Fields {
  return {
    index: c.u32(),
    flags: c.hex32(),
    openFlags: c.hex32(),
    mode: c.u32(),
    uid: c.u32(),
    gid: c.u32(),
    atimeNs: c.signedDigits(),
    mtimeNs: c.signedDigits(),
    ctimeNs: c.signedDigits(),
    ptmx: c.string(),
  };
}

const controlBytes = 19;

function side(c: Cursor): Fields {
  const settings: Fields = {
    iflag: c.hex32(),
    oflag: c.hex32(),
    cflag: c.hex32(),
    lflag: c.hex32(),
    ispeed: c.u32(),
    ospeed: c.u32(),
  };
  c.skip(1); // line discipline: N_TTY
  const cc = bytesToHex(c.take(controlBytes));
  const size = c.u32();
  c.skip(4); // in pixels
  const state: Fields = {
    cc,
    rows: size & 0xffff,
    cols: size >>> 16,
    flags: c.hex32(),
    packetStatus: c.hex32(),
    unread: c.u32(),
    canon: c.u32(),
    committed: c.u32(),
    echo: c.u32(),
  };
  c.skip(16); // how far the echo is, and its column
  const inFlight = c.u32();
  c.skip(4); // how far it was looked at
  return { ...settings, ...state, inFlight };
}

export const ptyState = (c: Cursor): Fields => ({ master: side(c), slave: side(c) });
