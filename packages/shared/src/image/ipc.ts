/** The records of namespaces, and of System V IPC: shared memory, semaphores, message queues. */
import type { Cursor } from "./cursor.js";
import type { Fields } from "./records.js";

export function namespaces(c: Cursor): Fields {
  const [flags, nrPids] = [c.hex32(), c.u32()];
  const pids: Fields[] = [];
  while (c.left >= 32) {
    const [pid, flags, nr] = [c.s32(), c.hex32(), [c.s32(), c.s32(), c.s32(), c.s32()]];
    pids.push({ pid, flags, nr, last: c.s32(), memfdNoexec: c.u32() });
  }
  return { flags, nrPids, pids };
}

export function cgroups(c: Cursor): Fields {
  const nrMembers = c.u32();
  c.skip(4); // how much text
  const members: Fields[] = [];
  while (members.length < nrMembers && c.left >= 8) members.push({ pid: c.s32(), line: c.u32() });
  return { nrMembers, members, text: c.text(c.left) };
}

/** A text of at most so many bytes, of which the rest is of no meaning after the first NUL. */
function text(c: Cursor, bytes: number): string {
  const at = c.take(bytes);
  const end = at.indexOf(0);
  return new TextDecoder().decode(end < 0 ? at : at.subarray(0, end));
}

export function cgroupNs(c: Cursor): Fields {
  const ownUser = c.u32();
  c.skip(4); // how long the path is
  return { ownUser, path: c.text(c.left) };
}

export const time = (c: Cursor): Fields => ({ monotonicNs: c.number(), boottimeNs: c.number() });

export const uts = (c: Cursor): Fields => ({
  nodename: text(c, 65),
  domainname: text(c, 65),
  ownUser: c.u8(),
});

const ids = (c: Cursor): Fields => ({ nextId: c.s32(), lastIdx: c.s32(), seq: c.u32(), cursor: c.u32() });

export function ipcNs(c: Cursor): Fields {
  const fields = {
    shmMax: c.digits(),
    shmAll: c.digits(),
    shmNr: c.u32(),
    shmRmidForced: c.u32(),
    sem: [c.u32(), c.u32(), c.u32(), c.u32()],
    msgMax: c.u32(),
    msgBytes: c.u32(),
    msgNr: c.u32(),
    ownUser: c.u32(),
    mq: [c.u32(), c.u32(), c.u32(), c.u32(), c.u32()],
  };
  c.skip(4);
  return { ...fields, ids: [ids(c), ids(c), ids(c)] };
}

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
  pageShift: c.u32(),
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
export const mqueue = (c: Cursor): Fields => ({
  mode: c.u32(),
  uid: c.u32(),
  gid: c.u32(),
  flags: c.hex32(),
  atimeNs: c.signedDigits(),
  mtimeNs: c.signedDigits(),
  ctimeNs: c.signedDigits(),
  maxMsgs: c.digits(),
  msgBytes: c.digits(),
  nrMsgs: c.u32(),
  notify: c.u32(),
  notifyPid: c.s32(),
  notifySigno: c.u32(),
  notifyValue: c.hex(),
});

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
