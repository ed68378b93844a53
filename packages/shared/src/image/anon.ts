/** The records of files that only a descriptor leads to: eventfd, signalfd, timerfd, epoll, memfd. */
import type { Cursor } from "./cursor.js";
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

export const memfd = (c: Cursor): Fields => ({
  size: c.number(),
  mode: c.u32(),
  seals: c.hex32(),
  uid: c.u32(),
  gid: c.u32(),
  atimeNs: c.signedDigits(),
  mtimeNs: c.signedDigits(),
  name: c.string(),
});
