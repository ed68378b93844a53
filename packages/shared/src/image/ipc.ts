/** The records of System V IPC: shared memory, semaphores, message queues. */
import type { Cursor } from "./cursor.js";
import type { Fields } from "./records.js";

const perm = (c: Cursor): Fields => {
  const fields = {
    id: c.s32(),
    key: c.hex32(),
    uid: c.u32(),
    gid: c.u32(),
    cuid: c.u32(),
    cgid: c.u32(),
    mode: c.u32(),
  };
  c.skip(4);
  return fields;
};

export const shm = (c: Cursor): Fields => ({
  ...perm(c),
  size: c.number(),
  atime: c.signedDigits(),
  dtime: c.signedDigits(),
  ctime: c.signedDigits(),
  cpid: c.s32(),
  lpid: c.s32(),
  flags: c.hex32(),
});

export function sem(c: Cursor): Fields {
  const fields = { ...perm(c), otime: c.signedDigits(), ctime: c.signedDigits(), nrSems: c.u32() };
  c.skip(4);
  const values: Fields[] = [];
  while (c.left >= 8) values.push({ value: c.s32(), pid: c.s32() });
  return { ...fields, values };
}

export function semUndo(c: Cursor): Fields {
  const undo: Fields[] = [];
  while (c.left >= 16) {
    undo.push({ id: c.s32(), num: c.u32(), adjust: c.s32() });
    c.skip(4);
  }
  return { undo };
}

/** Its tail may be shorter than it says: then what is there is given. */
export function msg(c: Cursor): Fields {
  const fields = {
    ...perm(c),
    stime: c.signedDigits(),
    rtime: c.signedDigits(),
    ctime: c.signedDigits(),
    maxBytes: c.digits(),
    lspid: c.s32(),
    lrpid: c.s32(),
    nrMsgs: c.u32(),
  };
  c.skip(4);
  const messages: Fields[] = [];
  while (c.left >= 16) {
    const [type, bytes] = [c.signedDigits(), c.digits()];
    messages.push({ type, bytes });
    if (BigInt(bytes) > BigInt(c.left)) break;
    c.skip(Math.min(Math.ceil(Number(bytes) / 8) * 8, c.left));
  }
  return { ...fields, messages };
}
