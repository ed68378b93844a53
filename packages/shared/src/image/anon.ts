/** The records of files that only a descriptor leads to: eventfd, signalfd, timerfd, epoll, memfd, huge pages, sockets. */
import { bytesToHex, type Cursor } from "./cursor.js";
import type { Fields } from "./records.js";

export const eventfd = (c: Cursor): Fields => ({ count: c.digits(), semaphore: c.u32() });

export const signalfd = (c: Cursor): Fields => ({ mask: c.hex() });

export const timerfd = (c: Cursor): Fields => ({
  clock: c.u32(),
  flags: c.hex32(),
  ticks: c.digits(),
  intervalNs: c.signedDigits(),
  leftNs: c.signedDigits(),
  untilNs: c.signedDigits(),
  armed: c.u32(),
  canceled: c.u32(),
});

export function epollItems(c: Cursor): Fields {
  const items: Fields[] = [];
  while (c.left > 0) {
    items.push({
      file: c.u32(),
      fd: c.s32(),
      events: c.hex32(),
      ready: c.u32(),
      data: c.hex(),
      pid: c.s32(),
    });
    c.skip(4);
  }
  return { items };
}

const memfdFields = (c: Cursor): Fields => ({
  size: c.number(),
  mode: c.u32(),
  seals: c.hex32(),
  uid: c.u32(),
  gid: c.u32(),
  atimeNs: c.signedDigits(),
  mtimeNs: c.signedDigits(),
});

export const memfd = (c: Cursor): Fields => ({ ...memfdFields(c), name: c.string() });

export function hugetlb(c: Cursor): Fields {
  const fields: Fields = { ...memfdFields(c), pageShift: c.u32() };
  c.skip(4);
  fields["name"] = c.string();
  return fields;
}

/** Its tail may be shorter than it says: then what is there is given. */
export function socket(c: Cursor): Fields {
  const fields: Fields = {
    family: c.u32(),
    socketType: c.u32(),
    protocol: c.u32(),
    state: c.u32(),
    flags: c.hex32(),
    shutdown: c.u32(),
    error: c.u32(),
    backlog: c.u32(),
    listener: c.u32(),
    path: c.u32(),
    peerCred: c.u32(),
    peerPid: c.s32(),
  };
  const nrOptions = c.u32();
  const [addrLen, peerLen, net, tskey, zckey] = [c.u32(), c.u32(), c.u32(), c.u32(), c.u32()];
  const options: Fields[] = [];
  while (options.length < nrOptions && c.left >= 32) {
    const [level, name, len] = [c.u32(), c.u32(), c.u32()];
    c.skip(4);
    options.push({ level, name, value: bytesToHex(c.take(16).subarray(0, Math.min(len, 16))) });
  }
  const address = bytesToHex(c.take(Math.min(addrLen, c.left)));
  return { ...fields, net, tskey, zckey, options, address, peer: bytesToHex(c.take(Math.min(peerLen, c.left))) };
}

export function socketMsg(c: Cursor): Fields {
  const from = c.u32();
  const nrFds = c.u32();
  const fields: Fields = { from, pid: c.s32(), uid: c.u32(), gid: c.u32(), flags: c.hex32() };
  const files: number[] = [];
  while (files.length < nrFds && c.left >= 4) files.push(c.u32());
  return { ...fields, files, bytes: c.left };
}

/** In the order of struct ckpt_tcp, behind the addresses. */
const tcpNumbers = [
  "sndUna",
  "sndNxt",
  "writeSeq",
  "rcvNxt",
  "copiedSeq",
  "sndWl1",
  "sndWnd",
  "maxWindow",
  "rcvWnd",
  "rcvWup",
  "sndUp",
  "urgSeq",
  "urgData",
  "mssClamp",
  "userMss",
  "sndWscale",
  "rcvWscale",
  "timestamp",
  "tsRecent",
  "windowClamp",
  "rcvSsthresh",
  "sndbuf",
  "rcvbuf",
  "rcvBytes",
  "sndBytes",
  "userLocks",
] as const;

export function tcp(c: Cursor): Fields {
  const fields: Fields = { state: c.u32(), flags: c.hex32(), shutdown: c.u32(), error: c.u32(), isConnected: c.u32() };
  const [localAddr, remoteAddr] = [bytesToHex(c.take(16)), bytesToHex(c.take(16))];
  const ports = c.u32();
  const numbers = Object.fromEntries(tcpNumbers.map((name) => [name, c.u32()]));
  return { ...fields, localAddr, remoteAddr, localPort: ports & 0xffff, remotePort: ports >>> 16, ...numbers };
}

export function tcpData(c: Cursor): Fields {
  const queue = c.u32();
  c.skip(4);
  return { queue, bytes: c.left };
}

export const packetRing = (c: Cursor): Fields => ({
  flags: c.hex32(),
  blockSize: c.u32(),
  nrBlocks: c.u32(),
  frameSize: c.u32(),
  nrFrames: c.u32(),
  head: c.u32(),
});

export function ringData(c: Cursor): Fields {
  const flags = c.hex32();
  c.skip(4);
  return { flags, offset: c.number(), bytes: c.left };
}

export function bpfMap(c: Cursor): Fields {
  const fields: Fields = {
    type: c.u32(),
    keySize: c.u32(),
    valueSize: c.u32(),
    maxEntries: c.u32(),
    flags: c.hex32(),
  };
  c.skip(4);
  return { ...fields, frozen: c.u32(), access: c.u32(), mapName: c.text(16) };
}

export function tun(c: Cursor): Fields {
  const fields: Fields = { state: c.u32(), flags: c.hex32(), net: c.u32() };
  c.skip(28);
  return { ...fields, device: c.text(16), path: c.string() };
}

export const pidfd = (c: Cursor): Fields => ({ pid: c.s32(), flags: c.u32() });

export function ioUring(c: Cursor): Fields {
  const fields: Fields = { flags: c.hex32(), sqEntries: c.u32(), cqEntries: c.u32(), sqHead: c.u32(), cqTail: c.u32() };
  const submitter = c.s32();
  c.skip(8);
  return { ...fields, submitter, bytes: c.left };
}

export const socketFilter = (c: Cursor): Fields => ({ instructions: c.u32(), flags: c.u32() });

/** Addresses are left out. */
export function report(c: Cursor): Fields {
  const [error, origin, type, code, info, data] = [c.u32(), c.u32(), c.u32(), c.u32(), c.u32(), c.u32()];
  const fields: Fields = { error, origin, type, code, info, data, flags: c.u32(), version: c.u32(), port: c.u32() };
  c.skip(60);
  const device = c.u32();
  c.skip(20);
  return { ...fields, device, bytes: c.left };
}

/** Addresses are left out. */
export function datagram(c: Cursor): Fields {
  c.skip(32);
  const ports = c.u32();
  const fields: Fields = { fromPort: ports & 0xffff, toPort: ports >>> 16, version: c.u32(), device: c.u32() };
  c.skip(16);
  const group = c.u32();
  c.skip(8);
  return { ...fields, group, bytes: c.left };
}
